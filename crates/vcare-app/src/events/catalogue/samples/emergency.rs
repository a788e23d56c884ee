//! Emergency access, told as a store tells of it.

use vcare_domain::{
    EmergencyAccess, EmergencyAccessId, EmergencyCode, EmergencyReason, NewEmergencyAccess, PatientId, Reason,
    SessionId, TenantId, VisitId,
};

use super::{CLINICIAN, CREATED_AT, Narrator, SampleError, minute, scope, user, uuid};
use crate::actor::ActorRef;
use crate::events::{AuditEntry, emergency_event, erasure_event};

/// Who is on duty when the patient is brought in.
const ON_DUTY: &str = "9f3b6a71-2c4d-4a8e-8f10-5b7c6d8e9f54";
/// What they wrote. No event may carry it.
pub(super) const WHY: &str = "unconscious, and nobody knows the medication";

impl Narrator {
    /// Years later the patient asks to be erased.
    pub(super) fn an_erasure(&mut self) -> Result<(), SampleError> {
        let (patient, at) = (PatientId::parse("pat-5f1c7e20")?, minute(70));
        let scope = scope(ActorRef::User(user(ON_DUTY)?))?;
        let event = erasure_event(&patient, at, self.event_id(at), &scope);
        self.told.push((None, event.kind(), serde_json::to_vec(&event)?));
        Ok(())
    }

    pub(super) fn an_emergency(&mut self) -> Result<(), SampleError> {
        let new = NewEmergencyAccess {
            id: EmergencyAccessId::from_uuid(uuid(minute(65), 0x300)),
            tenant_id: TenantId::parse("kabul-central-hospital")?,
            user_id: user(ON_DUTY)?,
            patient_id: PatientId::parse("pat-5f1c7e20")?,
            reason: Reason { code: EmergencyCode::UrgentCare, note: Some(EmergencyReason::parse(WHY)?) },
            visit: Some(VisitId::Live(SessionId::from_uuid(uuid(CREATED_AT, 1)))),
        };
        let access = EmergencyAccess::grant(new, minute(65));
        let scope = scope(ActorRef::User(access.user_id.clone()))?;
        let entry = AuditEntry::emergency_access(&access).into_event(self.event_id(minute(65)), &scope);
        self.told.push((None, entry.kind(), serde_json::to_vec(&entry)?));
        let event = emergency_event(&access, &[user(CLINICIAN)?], self.event_id(minute(65)), &scope);
        self.told.push((None, event.kind(), serde_json::to_vec(&event)?));
        Ok(())
    }
}
