//! Proof of completeness: one ended visit, one Encounter, one charge.

use time::OffsetDateTime;

use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::ports::Unsettled;

/// What is not done yet, at a moment.
#[derive(Debug)]
pub struct Reconciliation {
    /// The moment.
    pub as_of: OffsetDateTime,
    /// What is not done yet.
    pub unsettled: Unsettled,
}

impl Reconciliation {
    /// Whether nothing is missing: every ended visit has its Encounter and its charge, every event is acknowledged, and no visit has
    /// failed that was neither resumed nor ended.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        let Unsettled { without_encounter, without_charge, unacknowledged, parked, failed } = &self.unsettled;
        let owed = without_encounter.count + without_charge.count + failed.count;
        owed == 0 && unacknowledged.count == 0 && parked.count == 0
    }
}

impl App {
    /// What is not done yet in the caller's tenant.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn reconcile(&self, caller: &Caller) -> Result<Reconciliation, AppError> {
        caller.require(Permission::ReconciliationRead)?;
        let unsettled = self.store.unsettled(&caller.tenant_id).await?;
        Ok(Reconciliation { as_of: self.clock.now(), unsettled })
    }
}
