//! Visits without a live link are looked at.

use vcare_domain::{AsyncVisit, AsyncVisitId};

use crate::access::{Access, Audited, ViewedAsyncVisit, Wanted};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::ports::{ArrivalCursor, AsyncVisitFilter};

/// What it takes to read.
const NEEDED: Permission = Permission::AsyncVisitRead;

/// One page of visits, the oldest first, each in the caller's view.
pub struct SeenAsyncPage {
    /// The visits.
    pub items: Vec<ViewedAsyncVisit>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<ArrivalCursor>,
}

impl App {
    /// One visit.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for a visit that the caller may not see),
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, async_visit_id = %id))]
    pub async fn read_async_visit(&self, caller: &Caller, id: AsyncVisitId) -> Result<ViewedAsyncVisit, AppError> {
        let about = Audited::async_visit(id);
        let work = async {
            let (visit, access) = self.async_visit_for(caller, id, NEEDED).await?;
            self.audit_read(caller, &about, Some(access.relation), Vec::new()).await?;
            let audience = caller.audience(&visit, &access);
            Ok(ViewedAsyncVisit { visit, audience })
        };
        self.guarded(caller, NEEDED, about.clone(), work).await
    }

    /// The async visit of that id, if the caller may do that with it.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Denied`], [`AppError::Store`].
    pub(crate) async fn async_visit_for(
        &self,
        caller: &Caller,
        id: AsyncVisitId,
        permission: Permission,
    ) -> Result<(AsyncVisit, Access), AppError> {
        let Some(visit) = self.store.async_visit(&caller.tenant_id, id).await? else {
            return Err(self.nothing(caller, Wanted::of_async_visit(permission)).await?);
        };
        let access = self.access_to_async_visit(caller, &visit, permission).await?;
        Ok((visit, access))
    }

    /// One page of visits, the oldest first: those that the caller may see, each in their view. Clinicians see those that they
    /// have claimed, answered or sent, and the queue (without what was written); patients their own. With `patient_id`: also
    /// those of a patient in the caller's care, or whose proxy they are.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn list_async_visits(
        &self,
        caller: &Caller,
        mut filter: AsyncVisitFilter,
        only_claimable: bool,
    ) -> Result<SeenAsyncPage, AppError> {
        let about = Audited::all("AsyncVisit", caller);
        let work = async {
            let now = self.clock.now();
            filter.claimable_at = only_claimable.then_some(now);
            let Some(scope) = self.list_scope(caller, NEEDED, filter.patient_id.take()).await? else {
                self.audit_read(caller, &about, None, Vec::new()).await?;
                return Ok(SeenAsyncPage { items: Vec::new(), next: None });
            };
            (filter.patient_id, filter.visible_to) = (scope.patient_id, scope.visible_to);
            let page = self.store.async_visits(&caller.tenant_id, &filter).await?;
            let shown = page.items.into_iter().filter_map(|visit| {
                let access = caller.access_on_list(NEEDED, &visit.facts(&caller.user_id), &scope.known)?;
                let audience = caller.audience(&visit, &access);
                Some(ViewedAsyncVisit { visit, audience })
            });
            let items: Vec<_> = shown.collect();
            let ids = items.iter().map(|viewed| viewed.visit.parts().id.to_string()).collect();
            self.audit_read(caller, &about, None, ids).await?;
            Ok(SeenAsyncPage { items, next: page.next })
        };
        self.guarded(caller, NEEDED, about.clone(), work).await
    }
}
