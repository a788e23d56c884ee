//! An operator takes a job in hand.

use vcare_domain::{SessionId, VirtualSession};

use crate::actor::Scope;
use crate::app::App;
use crate::error::AppError;
use crate::ports::{JobKind, StoreError};
use crate::transaction::Plan;

impl App {
    /// Lets a job be tried at once, whether it waits for a person or for its time. Answers whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id, session_id = %session))]
    pub async fn requeue_job(&self, scope: &Scope, session: SessionId, kind: JobKind) -> Result<bool, StoreError> {
        let mut tx = self.store.begin("requeue_job", scope).await?;
        let found = tx.jobs().requeue(session, kind, self.clock.now()).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Sets a job aside for a person, and says so on its visit. Answers whether there was one.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Refused`] when the visit has its Encounter, [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id, session_id = %session))]
    pub async fn park_job(&self, scope: &Scope, session: SessionId, kind: JobKind) -> Result<bool, AppError> {
        let JobKind::CreateEncounter = kind;
        let now = self.clock.now();
        let plan = Plan {
            name: "park_encounter",
            session,
            once: None,
            closes: None,
            decide: |visit: &mut VirtualSession| visit.park_encounter(now),
        };
        self.change_session(scope, plan).await?;
        let mut tx = self.store.begin("park_job", scope).await?;
        let found = tx.jobs().park(session, kind, "operator").await?;
        tx.commit().await?;
        Ok(found)
    }
}
