//! What the lists of both kinds of visits have in common: their default order, and cursors that are valid for one list only.

use std::fmt;

use time::OffsetDateTime;
use vcare_domain::Permission;

use crate::actor::Caller;
use crate::app::App;
use crate::error::AppError;
use crate::ports::{CursorScope, Order, PageCursor};

impl Caller {
    /// The default order of a list: patients look for the next or the last visit, staff work through a list from its start.
    pub(crate) fn default_order(&self, permission: Permission) -> Order {
        if self.only_for_their_own(permission) { Order::Descending } else { Order::Ascending }
    }
}

/// Builds what a cursor is bound to. Every filter is named, used or not, so that two different lists never have the same scope.
pub(crate) struct CursorScopeBuilder(CursorScope);

impl CursorScopeBuilder {
    /// A list of that collection, for that caller, in that order.
    pub fn list(collection: &str, caller: &Caller, order: Order) -> Self {
        let parts = [collection, caller.user_id.as_str(), order.as_str()].map(str::to_owned).to_vec();
        Self(CursorScope { tenant_id: caller.tenant_id.clone(), parts })
    }

    /// A filter with one value.
    pub fn one(mut self, name: &str, value: Option<impl fmt::Display>) -> Self {
        self.0.parts.push(value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}")));
        self
    }

    /// A filter with several words. Their order, and a word that is sent twice, make no difference.
    pub fn several(self, name: &str, words: impl Iterator<Item = &'static str>) -> Self {
        let mut words: Vec<_> = words.collect();
        words.sort_unstable();
        words.dedup();
        self.one(name, (!words.is_empty()).then(|| words.join(",")))
    }

    /// A filter by a time.
    pub fn time(self, name: &str, value: Option<OffsetDateTime>) -> Self {
        self.one(name, value.map(OffsetDateTime::unix_timestamp_nanos))
    }

    /// The scope.
    pub fn done(self) -> CursorScope {
        self.0
    }
}

impl App {
    /// Where a page begins, by the cursor that the caller sent.
    ///
    /// # Errors
    /// [`AppError::CursorMismatch`] for a cursor that was not made for this list; [`AppError::Secrets`].
    pub(crate) async fn page_start(
        &self,
        list: &CursorScope,
        cursor: Option<&str>,
    ) -> Result<Option<PageCursor>, AppError> {
        let Some(cursor) = cursor else { return Ok(None) };
        self.cursors.read_cursor(list, cursor).await?.map(Some).ok_or(AppError::CursorMismatch)
    }

    /// The cursor of the next page, if there is one.
    ///
    /// # Errors
    /// [`AppError::Secrets`].
    pub(crate) async fn next_cursor(
        &self,
        list: &CursorScope,
        next: Option<PageCursor>,
    ) -> Result<Option<String>, AppError> {
        let Some(last) = next else { return Ok(None) };
        Ok(Some(self.cursors.cursor(list, last).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Order::{Ascending, Descending};
    use vcare_domain::{TenantId, UserId};

    fn caller(user: &str) -> Caller {
        Caller {
            tenant_id: TenantId::parse("hosp-kabul").unwrap(),
            user_id: UserId::parse(user).unwrap(),
            roles: Vec::new(),
            node_id: None,
            patient_id: None,
            name: None,
            emergency: None,
            trace: crate::TraceContext { correlation_id: "c".to_owned(), traceparent: "t".to_owned() },
        }
    }

    #[test]
    fn two_different_lists_have_different_scopes() {
        let one = |collection, user, order| CursorScopeBuilder::list(collection, &caller(user), order);
        let list = || one("sessions", "a", Ascending);
        let time = Some(OffsetDateTime::UNIX_EPOCH);
        let none = None::<&str>;
        let all = [
            list().one("x", none).one("y", none),
            one("async-visits", "a", Ascending).one("x", none).one("y", none),
            one("sessions", "b", Ascending).one("x", none).one("y", none),
            one("sessions", "a", Descending).one("x", none).one("y", none),
            list().one("x", Some("1")).one("y", none),
            list().one("x", none).one("y", Some("1")),
            list().one("x", Some("1,y=1")).one("y", none),
            list().one("x", Some("")).one("y", none),
            list().time("x", time).one("y", none),
            list().several("x", ["b", "a"].into_iter()).one("y", none),
        ];
        let all: Vec<_> = all.into_iter().map(CursorScopeBuilder::done).collect();
        for (at, scope) in all.iter().enumerate() {
            assert!(!all[..at].contains(scope), "{scope:?}");
        }
        let again = list().several("x", ["a", "b", "a"].into_iter()).one("y", none).done();
        assert_eq!(Some(&again), all.last(), "the order of words makes no difference");
    }
}
