//! Reads of whole rows. Each table is selected from and loaded at one place, as a boxed query that callers narrow down.
//!
//! The compiler proves for each chained filter of an unboxed query that some sixty columns fit their Rust types. When each
//! place had its own query, that was four fifths of the time to build this crate.

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::{ExpressionMethods, QueryDsl, QueryResult, SelectableHelper};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use vcare_app::ports::{RecordKeys, StoreError};
use vcare_domain::{AiDraft, AsyncVisit, TenantConfig, TenantId, Upload, VirtualSession};

use crate::errors::store_error;
use crate::rows::{AiDraftRow, AsyncVisitRow, Restored, SessionRow, TenantConfigRow, UploadRow};
use crate::schema::{ai_draft, async_upload, async_visit, tenant_config, virtual_session};

/// What a read locks until its transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Nothing.
    None,
    /// The rows, against changes: others may refer to them.
    NoKeyUpdate,
    /// The rows, against changes by others; several may hold this at once.
    Share,
}

/// A boxed query and its lock: boxed queries of diesel have no locking clause.
struct Locking<Q> {
    query: Q,
    lock: Lock,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Locking<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        match self.lock {
            Lock::None => {}
            Lock::NoKeyUpdate => out.push_sql(" FOR NO KEY UPDATE"),
            Lock::Share => out.push_sql(" FOR SHARE"),
        }
        Ok(())
    }
}

impl<Q: Query> Query for Locking<Q> {
    type SqlType = Q::SqlType;
}

/// Like a boxed query: prepared statements are found by their text.
impl<Q> QueryId for Locking<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Makes, for one table, the query of a tenant's rows and the function that loads it.
macro_rules! rows {
    ($(#[$meta:meta])* $module:ident: $table:ident, $row:ty $(, $one:item)?) => {
        $(#[$meta])*
        pub(crate) mod $module {
            use super::*;

            /// A query of whole rows, to be narrowed down.
            pub(crate) type Rows<'q> = $table::BoxedQuery<'q, Pg, SqlTypeOf<AsSelect<$row, Pg>>>;

            /// All rows of a tenant.
            pub(crate) fn of(tenant: &TenantId) -> Rows<'_> {
                $table::table.filter($table::tenant_id.eq(tenant.as_str())).select(<$row>::as_select()).into_boxed()
            }

            /// The rows that a query finds, in its order.
            pub(crate) async fn rows(
                pg: &mut AsyncPgConnection,
                query: Rows<'_>,
                lock: Lock,
            ) -> Result<Vec<$row>, StoreError> {
                Locking { query, lock }.load(pg).await.map_err(store_error)
            }

            $($one)?
        }
    };
}

/// The same for a table whose rows hold nothing that is encrypted with a record's key.
macro_rules! plain {
    ($(#[$meta:meta])* $module:ident: $table:ident, $row:ty => $aggregate:ty) => {
        rows!(
            $(#[$meta])*
            $module: $table, $row,
            /// The first that a query finds.
            pub(crate) async fn one(
                pg: &mut AsyncPgConnection,
                query: Rows<'_>,
                lock: Lock,
            ) -> Result<Option<$aggregate>, StoreError> {
                rows(pg, query, lock).await?.into_iter().next().map(<$row>::restore).transpose()
            }
        );
    };
}

/// The same for a table whose rows are decrypted.
macro_rules! encrypted {
    ($(#[$meta:meta])* $module:ident: $table:ident, $row:ty => $aggregate:ty) => {
        rows!(
            $(#[$meta])*
            $module: $table, $row,
            /// The first that a query finds, decrypted.
            pub(crate) async fn one(
                pg: &mut AsyncPgConnection,
                keys: &dyn RecordKeys,
                query: Rows<'_>,
                lock: Lock,
            ) -> Result<Option<$aggregate>, StoreError> {
                match rows(pg, query, lock).await?.into_iter().next() {
                    Some(row) => row.restore(keys).await.map(Some),
                    None => Ok(None),
                }
            }
        );
    };
}

encrypted!(
    /// Visits.
    sessions: virtual_session, SessionRow => Restored<VirtualSession>
);
encrypted!(
    /// Visits without a live link.
    async_visits: async_visit, AsyncVisitRow => Restored<AsyncVisit>
);
plain!(
    /// Uploads.
    uploads: async_upload, UploadRow => Upload
);
plain!(
    /// Tenants' settings.
    configs: tenant_config, TenantConfigRow => TenantConfig
);
encrypted!(
    /// Machines' drafts.
    drafts: ai_draft, AiDraftRow => AiDraft
);
