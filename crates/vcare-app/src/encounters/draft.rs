//! What a visit's Encounter is made of.

use vcare_domain::{Participant, ParticipantRole, SessionParts, UserId};

use crate::ports::{
    EncounterDraft, EncounterKind, EncounterPart, EncounterParticipant, Individual, Period, VirtualService,
};

/// System of the identifier by which a live visit's Encounter is found again.
pub const SESSION_IDENTIFIER_SYSTEM: &str = "urn:ghasi:virtual-care:session";

/// The Encounter of an ended visit; `None` when nobody was with the patient.
#[must_use]
pub fn encounter_draft(visit: &SessionParts) -> Option<EncounterDraft> {
    let held = visit.held();
    let (first, last) = (held.first()?, held.last()?);
    let period = Period { start: first.from, end: last.to? };
    let mut kinds = Vec::new();
    for kind in held.iter().map(|segment| EncounterKind::Live(segment.mode)) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let primary = visit.provider_times().into_iter().next().map(|time| time.user);
    Some(EncounterDraft {
        identifier_system: SESSION_IDENTIFIER_SYSTEM,
        identifier_value: visit.id.as_uuid().hyphenated().to_string(),
        patient_id: visit.encounter_patient().clone(),
        reason: None,
        appointment_id: visit.appointment_id.clone(),
        node_id: visit.node_id.clone(),
        kinds,
        virtual_service: Some(VirtualService { backend: visit.video_backend, address: visit.room.url.clone() }),
        participants: visit.participants.iter().flat_map(|one| parts_of(visit, one, primary.as_ref())).collect(),
        period,
        length_seconds: Some(visit.seconds().total()),
    })
}

/// A part for each stretch of the time together in which that person was there. An observer may be family, for whom a
/// Practitioner would be untrue, so observers are not named.
fn parts_of(visit: &SessionParts, one: &Participant, primary: Option<&UserId>) -> Vec<EncounterParticipant> {
    let part = match one.role {
        ParticipantRole::Provider if one.user_id.as_ref() == primary => EncounterPart::PrimaryPerformer,
        ParticipantRole::Provider => EncounterPart::SecondaryPerformer,
        ParticipantRole::Interpreter => EncounterPart::Translator,
        ParticipantRole::Patient => EncounterPart::Proxy,
        ParticipantRole::Observer => return Vec::new(),
    };
    let individual = match part {
        EncounterPart::Proxy => one.related_person.clone().map(Individual::RelatedPerson),
        _ => one.user_id.clone().map(Individual::Practitioner),
    };
    let Some(individual) = individual else { return Vec::new() };
    let stretches = visit.took_part(one).into_iter();
    let parts = stretches.filter_map(|stretch| {
        let period = Period { start: stretch.from, end: stretch.to? };
        Some(EncounterParticipant { individual: individual.clone(), part, period })
    });
    parts.collect()
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
            assert_eq!(visit.join(id(n), 1, Duration::ZERO, at(1)), Ok(Outcome::Applied));
        }
        for (n, minutes) in [(1, 2), (3, 5)] {
            assert_eq!(visit.admit(id(n), &change(minutes)), Ok(Outcome::Applied));
        }
        assert_eq!(encounter_draft(visit.parts()), None, "it is not over");
        assert_eq!(visit.end(None, &change(12)), Ok(Outcome::Applied));

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
