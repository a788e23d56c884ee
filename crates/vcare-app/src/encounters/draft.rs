//! What a visit's Encounter is made of.

use vcare_domain::{ParticipantRole, SessionParts};

use crate::ports::{EncounterDraft, EncounterParticipant, Individual, Period};

/// System of the identifier by which a live visit's Encounter is found again.
pub const SESSION_IDENTIFIER_SYSTEM: &str = "urn:ghasi:virtual-care:session";

/// The Encounter of an ended visit; `None` when nothing took place, or it ended before it began.
#[must_use]
pub fn encounter_draft(visit: &SessionParts) -> Option<EncounterDraft> {
    let (first, last) = (visit.segments.first()?, visit.segments.last()?);
    let period = Period { start: first.from, end: last.to? };
    if period.start > period.end {
        return None;
    }
    let participants = visit.participants.iter().filter_map(|participant| {
        // The patient is the Encounter's subject; a proxy is named as a participant. Somebody who was never admitted did not take
        // part.
        let individual = match participant.role {
            ParticipantRole::Patient => Individual::RelatedPerson(participant.related_person.clone()?),
            _ => Individual::Practitioner(participant.user_id.clone()?),
        };
        let start = participant.let_in_at?.clamp(period.start, period.end);
        let end = participant.left_at.unwrap_or(period.end).clamp(start, period.end);
        Some(EncounterParticipant { individual, role: participant.role, period: Period { start, end } })
    });
    Some(EncounterDraft {
        identifier_system: SESSION_IDENTIFIER_SYSTEM,
        identifier_value: visit.id.as_uuid().hyphenated().to_string(),
        patient_id: visit.patient_id.clone(),
        appointment_id: visit.appointment_id.clone(),
        node_id: visit.node_id.clone(),
        participants: participants.collect(),
        period,
        length_seconds: Some(visit.seconds().total()),
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use time::{Duration, OffsetDateTime};
    use uuid::Uuid;
    use vcare_domain::{
        Change, HttpsUrl, NewParticipant, NewSession, Outcome, ParticipantId, PatientId, Room, RoomName, Schedule,
        SessionId, TenantId, TimeZoneName, UserId, VideoBackend, VirtualSession,
    };

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
    const LIMIT: u8 = 6;

    fn id(n: u128) -> ParticipantId {
        ParticipantId::from_uuid(Uuid::from_u128(n))
    }

    fn at(minutes: i64) -> OffsetDateTime {
        NOON + Duration::minutes(minutes)
    }

    fn visit() -> VirtualSession {
        let url = HttpsUrl::parse("https://meet.example/kabul-abcdefgh").unwrap();
        let new = NewSession {
            id: SessionId::from_uuid(Uuid::from_u128(9)),
            tenant_id: TenantId::parse("hosp-kabul").unwrap(),
            node_id: None,
            patient_id: PatientId::parse("pat-1").unwrap(),
            patient_participant_id: id(1),
            appointment_id: None,
            provider: Some((UserId::parse("dr-amin").unwrap(), id(2))),
            initiator_id: UserId::parse("dr-amin").unwrap(),
            video_backend: VideoBackend::Jitsi,
            room: Room { name: RoomName::parse("kabul-abcdefgh").unwrap(), url },
            schedule: Schedule::plan(NOON, None, TimeZoneName::utc(), NOON).unwrap(),
            recording_enabled: false,
        };
        VirtualSession::create(new, NOON)
    }

    fn change(minutes: i64) -> Change {
        Change { by: UserId::parse("dr-amin").unwrap(), at: at(minutes), expected: None }
    }

    #[test]
    fn an_interpreter_who_only_waited_did_not_take_part() {
        let mut visit = visit();
        for (n, name) in [(3, "karim"), (4, "latifa")] {
            let user_id = Some(UserId::parse(name).unwrap());
            let interpreter = NewParticipant { id: id(n), user_id, role: ParticipantRole::Interpreter };
            assert_eq!(visit.invite(interpreter, LIMIT, &change(0)), Ok(Outcome::Applied));
        }
        for n in [1, 3, 4] {
            assert_eq!(visit.issue_join_token(id(n), None, LIMIT, &change(0)), Ok(Outcome::Applied));
            assert_eq!(visit.join(id(n), 1, at(1)), Ok(Outcome::Applied));
        }
        for (n, minutes) in [(1, 2), (3, 5)] {
            assert_eq!(visit.admit(id(n), &change(minutes)), Ok(Outcome::Applied));
        }
        assert_eq!(encounter_draft(visit.parts()), None, "it is not over");
        assert_eq!(visit.end(&change(12)), Ok(Outcome::Applied));

        let draft = encounter_draft(visit.parts()).unwrap();
        let parts: Vec<_> = draft
            .participants
            .iter()
            .map(|person| (person.individual.clone(), person.period.start, person.period.end))
            .collect();
        let account = |name: &str| Individual::Practitioner(UserId::parse(name).unwrap());
        assert_eq!(parts, [(account("dr-amin"), at(2), at(12)), (account("karim"), at(5), at(12))]);
        assert_eq!((draft.period.start, draft.period.end, draft.length_seconds), (at(2), at(12), Some(600)));
    }
}
