//! Turns an emergency access into its event.

use std::collections::BTreeSet;

use vcare_domain::{EmergencyAccess, EventId, UserId};

use crate::actor::Scope;
use crate::events::CloudEvent;
use crate::events::data::EmergencyAccessGranted;
use crate::timestamp::Timestamp;

/// The subject of [`emergency_event`].
pub const EMERGENCY_ACCESS: &str = "virtual_care.access.emergency.v1";

/// The published form of an emergency access: who has it, to which patient, why as a code, and who is to be notified. The
/// reason in words stays in the service.
#[must_use]
pub fn emergency_event(
    access: &EmergencyAccess,
    treating: &[UserId],
    id: EventId,
    scope: &Scope,
) -> CloudEvent<EmergencyAccessGranted> {
    let treating: BTreeSet<&str> = treating.iter().map(UserId::as_str).collect();
    let data = EmergencyAccessGranted {
        access_id: access.id.to_string(),
        actor_id: access.user_id.as_str().to_owned(),
        patient_id: access.patient_id.as_str().to_owned(),
        visit_id: access.visit.map(|visit| visit.to_string()),
        treating_provider_ids: treating.into_iter().map(ToOwned::to_owned).collect(),
        reason_code: Some(access.reason.code.as_str()),
        granted_at: Timestamp(access.granted_at),
        expires_at: Timestamp(access.expires_at),
    };
    CloudEvent::new(EMERGENCY_ACCESS, id, access.granted_at, scope, data)
}
