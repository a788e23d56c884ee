//! A visit of four people, brought to any state.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::*;

/// When the visit is created; the minutes of a test count from here.
pub const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
/// The tenant's limit in these tests.
pub const LIMIT: u8 = 6;
/// How long its patients are waited for.
pub const WINDOW: Duration = Duration::MINUTE;
/// How long their people are waited for.
pub const PATIENCE: Patience = Patience::DEFAULT;

pub const PATIENT: u128 = 1;
pub const PROVIDER: u128 = 2;
pub const INTERPRETER: u128 = 3;
pub const OBSERVER: u128 = 4;

pub fn minute(n: i64) -> OffsetDateTime {
    NOON + Duration::minutes(n)
}

pub fn person(n: u128) -> ParticipantId {
    ParticipantId::from_uuid(Uuid::from_u128(n))
}

pub fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

pub fn reason<C: ReasonCode>() -> Reason<C> {
    Reason::noted(prose())
}

pub fn prose() -> FreeText {
    FreeText::parse("the patient asked for it").unwrap()
}

pub fn encounter(id: &str) -> EncounterId {
    EncounterId::parse(id).unwrap()
}

pub fn recording(key: &str) -> RecordingRef {
    RecordingRef::parse(key).unwrap()
}

/// A change by the visit's own provider.
pub fn at(minutes: i64) -> Change {
    by("dr-amiri", minutes)
}

pub fn by(name: &str, minutes: i64) -> Change {
    Change { by: user(name), at: minute(minutes), expected: None }
}

/// The same change, by somebody who saw version `seen`.
pub fn seeing(seen: u32, change: Change) -> Change {
    Change { expected: Some(Version::new(seen).into()), ..change }
}

pub fn with_role(n: u128, name: Option<&str>, role: ParticipantRole) -> NewParticipant {
    NewParticipant { id: person(n), user_id: name.map(user), role }
}

pub fn observer(n: u128) -> NewParticipant {
    with_role(n, None, ParticipantRole::Observer)
}

/// How long before its planned start the waiting room opens.
pub const GRACE: Duration = Duration::minutes(15);

/// Planned for that minute, for half an hour.
pub fn planned(minutes: i64) -> Schedule {
    let zone = TimeZoneName::parse("Asia/Kabul").unwrap();
    Schedule::plan(minute(minutes), None, zone, NOON).unwrap()
}

/// Moved to that minute.
pub fn to(minutes: i64) -> NewTime {
    NewTime { start: Some(minute(minutes)), ..NewTime::default() }
}

/// What a visit of one patient and, where named, one provider is made of.
pub fn plan(provider: Option<&str>) -> NewSession {
    NewSession {
        id: SessionId::from_uuid(Uuid::from_u128(100)),
        tenant_id: TenantId::parse("kabul-central").unwrap(),
        node_id: None,
        patient_id: PatientId::parse("pat-1").unwrap(),
        patient_participant_id: person(PATIENT),
        appointment_id: None,
        provider: provider.map(|name| (user(name), person(PROVIDER))),
        initiator_id: user("scheduler"),
        video_backend: VideoBackend::Jitsi,
        room: Room {
            name: RoomName::parse("kabul-abcdefgh").unwrap(),
            url: HttpsUrl::parse("https://meet.example/kabul-abcdefgh").unwrap(),
        },
        schedule: planned(0),
        recording_enabled: true,
    }
}

/// Nobody has come; patient, interpreter and observer hold their first link.
pub fn scheduled() -> VirtualSession {
    let mut visit = VirtualSession::create(plan(Some("dr-amiri")), NOON);
    applied(visit.invite(with_role(INTERPRETER, Some("karim"), ParticipantRole::Interpreter), LIMIT, &at(0)));
    applied(visit.invite(observer(OBSERVER), LIMIT, &at(0)));
    for n in [PATIENT, INTERPRETER, OBSERVER] {
        applied(visit.issue_join_token(person(n), None, LIMIT, &at(0)));
    }
    saved(visit)
}

/// Patient and interpreter wait since minute 1; the observer has not come.
pub fn waiting() -> VirtualSession {
    let mut visit = scheduled();
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(1)));
    applied(visit.join(person(INTERPRETER), 1, PATIENCE.resume, minute(1)));
    saved(visit)
}

/// The patient was admitted in minute 2; the interpreter still waits.
pub fn active() -> VirtualSession {
    let mut visit = waiting();
    applied(visit.admit(person(PATIENT), &at(2)));
    saved(visit)
}

/// The patient was lost in minute 12, after ten minutes, and given up in minute 13.
pub fn failed() -> VirtualSession {
    let mut visit = active();
    applied(visit.disconnect(person(PATIENT), minute(12), WINDOW));
    applied(visit.fail(WINDOW, minute(13)));
    saved(visit)
}

/// Ended in minute 12, after ten minutes; the Encounter is pending.
pub fn ended() -> VirtualSession {
    let mut visit = active();
    applied(visit.end(None, &at(12)));
    saved(visit)
}

pub fn cancelled() -> VirtualSession {
    let mut visit = waiting();
    applied(visit.cancel(reason(), &at(2)));
    saved(visit)
}

/// The patient did not come; noted in minute 5.
pub fn no_show() -> VirtualSession {
    let mut visit = scheduled();
    applied(visit.mark_no_show(NoShowCode::PatientAbsent, &at(5)));
    saved(visit)
}

pub fn in_status(status: SessionStatus) -> VirtualSession {
    let visit = match status {
        SessionStatus::Scheduled => scheduled(),
        SessionStatus::Waiting => waiting(),
        SessionStatus::Active => active(),
        SessionStatus::Ended => ended(),
        SessionStatus::Cancelled => cancelled(),
        SessionStatus::Failed => failed(),
        SessionStatus::NoShow => no_show(),
    };
    assert_eq!(visit.status(), status);
    visit
}

pub fn saved(mut visit: VirtualSession) -> VirtualSession {
    visit.mark_saved();
    visit
}

#[track_caller]
pub fn applied(result: Result<Outcome, Refusal>) {
    assert_eq!(result, Ok(Outcome::Applied));
}

/// The command leaves no trace, whatever it answers.
#[track_caller]
pub fn unchanged<T>(visit: &mut VirtualSession, command: impl FnOnce(&mut VirtualSession) -> T) -> T {
    let before = visit.clone();
    let answer = command(visit);
    assert_eq!(visit.parts(), before.parts());
    assert_eq!(visit.events(), before.events());
    assert_eq!(visit.follow_ups(), before.follow_ups());
    answer
}

/// The wish was fulfilled before.
#[track_caller]
pub fn repeated(visit: &mut VirtualSession, command: impl FnOnce(&mut VirtualSession) -> Result<Outcome, Refusal>) {
    assert_eq!(unchanged(visit, command), Ok(Outcome::AlreadyApplied));
}

#[track_caller]
pub fn refused(
    visit: &mut VirtualSession,
    refusal: Refusal,
    command: impl FnOnce(&mut VirtualSession) -> Result<Outcome, Refusal>,
) {
    assert_eq!(unchanged(visit, command), Err(refusal));
}

pub fn events(visit: &VirtualSession) -> Vec<SessionEvent> {
    visit.events().iter().map(|recorded| recorded.event.clone()).collect()
}

pub fn status_of(visit: &VirtualSession, n: u128) -> ParticipantStatus {
    visit.parts().participant(person(n)).unwrap().state.status()
}
