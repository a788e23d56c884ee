//! An operator has a visit's Encounter written for another record of the patient.

use vcare_domain::{Outcome, PatientId, SessionId, VisitId};

use crate::actor::Scope;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;
use crate::ports::{JobKind, UnitOfWork};
use crate::transaction::close;

impl App {
    /// Has the Encounter that a visit is owed written for that patient, and its job tried at once, in one transaction. Answers
    /// whether there was a job. The same again changes nothing of the visit.
    ///
    /// # Errors
    /// [`AppError::NotFound`]; [`AppError::Refused`] and [`AppError::AsyncRefused`] when no Encounter is owed;
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id, visit = %visit))]
    pub async fn repoint_visit(&self, scope: &Scope, visit: VisitId, patient: &PatientId) -> Result<bool, AppError> {
        let mut tx = self.store.begin("repoint_visit", scope).await?;
        let done = self.repoint_in(&mut *tx, visit, patient).await;
        close(tx, done).await
    }

    /// The visit first: who works the job locks them in that order, too.
    async fn repoint_in(&self, tx: &mut dyn UnitOfWork, visit: VisitId, patient: &PatientId) -> Result<bool, AppError> {
        let now = self.clock.now();
        let (subject, kind) = match visit {
            VisitId::Live(id) => {
                let mut session = tx.sessions().find(id).await?.ok_or(AppError::NotFound(Resource::Session))?;
                if session.repoint_encounter(patient.clone(), now)? == Outcome::Applied {
                    tx.sessions().save(&mut session).await?;
                }
                (id, JobKind::CreateEncounter)
            }
            VisitId::Async(id) => {
                let mut visit = tx.async_visits().find(id).await?.ok_or(AppError::NotFound(Resource::AsyncVisit))?;
                if visit.repoint_encounter(patient.clone(), now)? == Outcome::Applied {
                    tx.async_visits().save(&mut visit).await?;
                }
                (SessionId::from_uuid(*id.as_uuid()), JobKind::CreateAsyncEncounter)
            }
        };
        tx.audit(AuditEntry::repointed(visit, patient, now)).await?;
        Ok(tx.jobs().requeue(subject, kind, now).await?)
    }
}
