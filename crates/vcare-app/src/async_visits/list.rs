//! Visits without a live link are listed.

use vcare_domain::AsyncVisitStatus;

use crate::access::{Audited, ViewedAsyncVisit};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::lists::CursorScopeBuilder;
use crate::ports::{AsyncVisitFilter, CursorScope, Paging};

/// What it takes to look.
const NEEDED: Permission = Permission::AsyncVisitRead;

/// One page of visits, by arrival, each in the caller's view.
pub struct AsyncVisitListPage {
    /// The visits.
    pub items: Vec<ViewedAsyncVisit>,
    /// The cursor of the next page; `None` on the last one.
    pub next: Option<String>,
}

impl App {
    /// One page of visits, by arrival: those that the caller may see, each in their view. Clinicians see those that they
    /// have claimed, answered or sent, and the queue (without what was written); patients their own. With `patient_id`: also
    /// those of a patient in the caller's care, or whose proxy they are.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::CursorMismatch`], [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn list_async_visits(
        &self,
        caller: &Caller,
        mut filter: AsyncVisitFilter,
        only_claimable: bool,
        paging: Paging,
    ) -> Result<AsyncVisitListPage, AppError> {
        let about = Audited::all("AsyncVisit", caller);
        let work = async {
            filter.order = paging.order.unwrap_or_else(|| caller.default_order(NEEDED));
            let cursors = cursor_scope(caller, &filter, only_claimable);
            filter.after = self.page_start(&cursors, paging.cursor.as_deref()).await?;
            filter.claimable_at = only_claimable.then_some(self.clock.now());
            let Some(scope) = self.list_scope(caller, NEEDED, filter.patient_id.take()).await? else {
                self.audit_read(caller, &about, None, Vec::new()).await?;
                return Ok(AsyncVisitListPage { items: Vec::new(), next: None });
            };
            (filter.patient_id, filter.visible_to) = (scope.patient_id, scope.visible_to);
            let page = self.store.async_visits(&caller.tenant_id, &filter).await?;
            let shown = page.items.into_iter().filter_map(|visit| {
                let access = caller.access_on_list(NEEDED, &visit.facts(&caller.user_id), &scope.known)?;
                let audience = caller.audience(&visit, &access);
                Some(ViewedAsyncVisit { visit, audience })
            });
            let items: Vec<_> = shown.collect();
            let next = self.next_cursor(&cursors, page.next).await?;
            let ids = items.iter().map(|viewed| viewed.visit.parts().id.to_string()).collect();
            self.audit_read(caller, &about, None, ids).await?;
            Ok(AsyncVisitListPage { items, next })
        };
        self.guarded(caller, NEEDED, about.clone(), work).await
    }
}

/// What a cursor of this list is bound to: everything that decides which visits are on it, and in which order. The length of its
/// pages is not part of it.
fn cursor_scope(caller: &Caller, filter: &AsyncVisitFilter, only_claimable: bool) -> CursorScope {
    CursorScopeBuilder::list("async-visits", caller, filter.order)
        .several("status", filter.statuses.iter().map(|status| AsyncVisitStatus::as_str(*status)))
        .one("claimable", Some(only_claimable))
        .one("patientId", filter.patient_id.as_ref().map(|patient| patient.as_str()))
        .one("providerId", filter.provider_id.as_ref().map(|provider| provider.as_str()))
        .time("from", filter.from)
        .time("to", filter.to)
        .time("updatedSince", filter.updated_since)
        .done()
}
