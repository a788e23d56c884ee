//! Turns an erasure into its event.

use time::OffsetDateTime;
use vcare_domain::{EventId, PatientId};

use crate::actor::Scope;
use crate::events::CloudEvent;
use crate::events::data::SubjectErased;
use crate::timestamp::Timestamp;

/// The subject of [`erasure_event`].
pub const SUBJECT_ERASED: &str = "virtual_care.subject.erased.v1";

/// The published form of an erasure: whose, and when. Whoever holds copies of what the service published about the patient learns
/// from it that they are to be erased, too.
#[must_use]
pub fn erasure_event(patient: &PatientId, at: OffsetDateTime, id: EventId, scope: &Scope) -> CloudEvent<SubjectErased> {
    let data = SubjectErased { patient_id: patient.as_str().to_owned(), erased_at: Timestamp(at) };
    CloudEvent::new(SUBJECT_ERASED, id, at, scope, data)
}
