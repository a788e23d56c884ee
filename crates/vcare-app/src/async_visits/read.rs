//! Visits without a live link are looked at.

use vcare_domain::{AsyncVisit, AsyncVisitId};

use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::ports::{AsyncVisitFilter, AsyncVisitPage};

/// What it takes to read.
const NEEDED: Permission = Permission::AsyncVisitRead;

impl App {
    /// One visit.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for another patient's visit), [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, async_visit_id = %id))]
    pub async fn read_async_visit(&self, caller: &Caller, id: AsyncVisitId) -> Result<AsyncVisit, AppError> {
        caller.require(NEEDED)?;
        let own = caller.own_patient(NEEDED)?;
        let visit = self.store.async_visit(&caller.tenant_id, id).await?;
        visit
            .filter(|visit| own.is_none_or(|own| visit.parts().patient_id == own))
            .ok_or(AppError::NotFound(Resource::AsyncVisit))
    }

    /// One page of visits, the oldest first: the clinicians' queue. A patient sees their own, whatever the filter says.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn list_async_visits(
        &self,
        caller: &Caller,
        mut filter: AsyncVisitFilter,
        only_claimable: bool,
    ) -> Result<AsyncVisitPage, AppError> {
        caller.require(NEEDED)?;
        filter.claimable_at = only_claimable.then(|| self.clock.now());
        if let Some(own) = caller.own_patient(NEEDED)? {
            if filter.patient_id.as_ref().is_some_and(|asked| *asked != own) {
                return Ok(AsyncVisitPage { items: Vec::new(), next: None });
            }
            filter.patient_id = Some(own);
        }
        Ok(self.store.async_visits(&caller.tenant_id, &filter).await?)
    }
}
