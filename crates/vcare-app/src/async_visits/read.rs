//! Visits without a live link are looked at.

use vcare_domain::{AsyncVisit, AsyncVisitId};

use crate::access::{Access, Audited, ViewedAsyncVisit, Wanted};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;

/// What it takes to read.
const NEEDED: Permission = Permission::AsyncVisitRead;

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
}
