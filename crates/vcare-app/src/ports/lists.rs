//! Lists of visits: their order, their pages, and the cursors that lead from one page to the next.

use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_domain::TenantId;

use crate::ports::SecretsError;

/// In which order a list is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The earliest first.
    #[default]
    Ascending,
    /// The latest first.
    Descending,
}

impl Order {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ascending, Self::Descending];

    /// Its name in requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

/// The last item of a page: where the next page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageCursor {
    /// The time that the list is sorted by: of sessions the planned start, of async visits the arrival.
    pub at: OffsetDateTime,
    /// Its id.
    pub id: Uuid,
}

/// How a page of a list is asked for, beside its filters.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    /// The order; `None`: the default one of the caller.
    pub order: Option<Order>,
    /// The cursor of the page before.
    pub cursor: Option<String>,
}

/// What a cursor is bound to: one list of one account, with its filters and its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorScope {
    /// Whose list.
    pub tenant_id: TenantId,
    /// The collection, the account, the order and every filter, in a fixed order and form.
    pub parts: Vec<String>,
}

/// Writes and reads cursors. A cursor has a MAC over its scope, so that it is valid for that list only.
#[async_trait]
pub trait ListCursors: Send + Sync {
    /// The cursor for what comes after that item.
    async fn cursor(&self, list: &CursorScope, last: PageCursor) -> Result<String, SecretsError>;
    /// What a cursor says; `None` for one that was not made for that list.
    async fn read_cursor(&self, list: &CursorScope, cursor: &str) -> Result<Option<PageCursor>, SecretsError>;
}
