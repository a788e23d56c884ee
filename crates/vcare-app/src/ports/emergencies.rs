//! Emergency accesses, which are kept here.

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{EmergencyAccess, PatientId, TenantId, UserId};

use crate::ports::StoreError;

/// Emergency accesses, read.
#[async_trait]
pub trait EmergencyReads: Send + Sync {
    /// The access of that person to that patient that holds now, if there is one: of several the one that holds longest.
    async fn open_emergency(
        &self,
        tenant: &TenantId,
        user: &UserId,
        patient: &PatientId,
        now: OffsetDateTime,
    ) -> Result<Option<EmergencyAccess>, StoreError>;
}

/// Emergency accesses, inside a transaction.
#[async_trait]
pub trait Emergencies: Send {
    /// The access of that person to that patient that holds now, if there is one. Until the transaction ends nobody else
    /// looks for an access of these two: of two who want one at the same moment, the second finds the first one's.
    async fn open(
        &mut self,
        user: &UserId,
        patient: &PatientId,
        now: OffsetDateTime,
    ) -> Result<Option<EmergencyAccess>, StoreError>;
    /// Keeps a granted access, with its audit entry and the event that tells of it those who treat the patient.
    async fn keep(&mut self, access: &EmergencyAccess, treating: &[UserId]) -> Result<(), StoreError>;
}
