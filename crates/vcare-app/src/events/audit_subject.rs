//! Audit entries about patients' data as a whole.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use vcare_domain::PatientId;

use crate::events::{AuditAction, AuditEntry, AuditOutcome};
use crate::ports::ErasedRecords;

impl AuditEntry {
    /// Something was ordered about a patient's data, or somebody was shown what there is: `SUBJECT_SHOWN`, `SUBJECT_HELD`,
    /// `SUBJECT_RESTRICTED` or `SUBJECT_RELEASED`.
    #[must_use]
    pub fn subject(event_type: &'static str, patient: &PatientId, at: OffsetDateTime) -> Self {
        let action = if event_type == "SUBJECT_SHOWN" { AuditAction::Read } else { AuditAction::Update };
        Self {
            event_type,
            resource_type: "Patient",
            resource_id: patient.as_str().to_owned(),
            action,
            outcome: AuditOutcome::Success,
            metadata: BTreeMap::new(),
            shown: Vec::new(),
            at,
        }
    }

    /// A patient was erased: how much of what.
    #[must_use]
    pub fn subject_erased(patient: &PatientId, erased: &ErasedRecords, uploads: u64, at: OffsetDateTime) -> Self {
        let counts = [
            ("keys", erased.keys),
            ("sessions", erased.sessions),
            ("asyncVisits", erased.async_visits),
            ("drafts", erased.drafts),
            ("answers", erased.answers),
            ("emergencyReasons", erased.emergency_reasons),
            ("recordings", erased.recordings.len() as u64),
            ("uploads", uploads),
        ];
        Self {
            event_type: "SUBJECT_ERASED",
            resource_type: "Patient",
            resource_id: patient.as_str().to_owned(),
            action: AuditAction::Delete,
            outcome: AuditOutcome::Success,
            metadata: counts.into_iter().map(|(what, count)| (what, count.to_string())).collect(),
            shown: Vec::new(),
            at,
        }
    }
}
