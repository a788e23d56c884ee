//! What a visit's Encounter is made of.

use vcare_domain::{ParticipantRole, SessionParts};

use crate::ports::{EncounterDraft, EncounterParticipant, Period};

/// System of the identifier by which a live visit's Encounter is found again.
pub const SESSION_IDENTIFIER_SYSTEM: &str = "urn:ghasi:virtual-care:session";

/// The Encounter of an ended visit; `None` when nothing took place.
#[must_use]
pub fn encounter_draft(visit: &SessionParts) -> Option<EncounterDraft> {
    let (first, last) = (visit.segments.first()?, visit.segments.last()?);
    let period = Period { start: first.from, end: last.to? };
    let participants = visit.participants.iter().filter_map(|participant| {
        // The patient is the subject, and who never came did not take part.
        if participant.role == ParticipantRole::Patient {
            return None;
        }
        let start = participant.joined_at?.clamp(period.start, period.end);
        let end = participant.left_at.unwrap_or(period.end).clamp(start, period.end);
        let user_id = participant.user_id.clone()?;
        Some(EncounterParticipant { user_id, role: participant.role, period: Period { start, end } })
    });
    Some(EncounterDraft {
        identifier_system: SESSION_IDENTIFIER_SYSTEM,
        identifier_value: visit.id.as_uuid().hyphenated().to_string(),
        patient_id: visit.patient_id.clone(),
        appointment_id: visit.appointment_id.clone(),
        node_id: visit.node_id.clone(),
        participants: participants.collect(),
        period,
        length_seconds: visit.seconds().total(),
    })
}
