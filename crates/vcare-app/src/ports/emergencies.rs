//! Emergency accesses, which are kept here.

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{EmergencyAccess, PatientId, TenantId, UserId};

use crate::ports::StoreError;

/// Emergency accesses, read.
#[async_trait]
pub trait EmergencyReads: Send + Sync {
    /// The valid access of that person to that patient, if there is one: of several the one that expires last.
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
    /// The valid access of that person to that patient, if there is one. Locks the pair until the transaction ends: of two
    /// requests at the same moment, the second finds the access of the first.
    async fn open(
        &mut self,
        user: &UserId,
        patient: &PatientId,
        now: OffsetDateTime,
    ) -> Result<Option<EmergencyAccess>, StoreError>;
    /// Stores a granted access, with its audit entry and the event that notifies the treating providers.
    async fn keep(&mut self, access: &EmergencyAccess, treating: &[UserId]) -> Result<(), StoreError>;
}
