//! Visits are looked at.

use vcare_domain::{PatientId, SessionId, VirtualSession};

use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::ports::{SessionFilter, SessionPage};

impl Caller {
    /// The only patient whose visits the caller may read; `None` for staff, who read their tenant's.
    fn own_patient(&self) -> Result<Option<PatientId>, AppError> {
        if !self.reads_own_only() {
            return Ok(None);
        }
        let own = self.patient_id.clone().or_else(|| PatientId::parse(self.user_id.as_str()).ok());
        own.map(Some).ok_or(AppError::Forbidden { permission: Permission::SessionRead })
    }
}

impl App {
    /// One visit.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for another patient's visit), [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn read_session(&self, caller: &Caller, id: SessionId) -> Result<VirtualSession, AppError> {
        caller.require(Permission::SessionRead)?;
        let own = caller.own_patient()?;
        let session = self.store.session(&caller.tenant_id, id).await?;
        session
            .filter(|session| own.is_none_or(|own| session.parts().patient_id == own))
            .ok_or(AppError::NotFound(Resource::Session))
    }

    /// One page of visits, by planned start. A patient sees their own, whatever the filter says.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn list_sessions(&self, caller: &Caller, mut filter: SessionFilter) -> Result<SessionPage, AppError> {
        caller.require(Permission::SessionRead)?;
        if let Some(own) = caller.own_patient()? {
            if filter.patient_id.as_ref().is_some_and(|asked| *asked != own) {
                return Ok(SessionPage { items: Vec::new(), next: None });
            }
            filter.patient_id = Some(own);
        }
        Ok(self.store.sessions(&caller.tenant_id, &filter).await?)
    }
}
