//! When the room opens, who is seen in it, what is recorded.

use time::Duration;

use super::support::*;
use crate::*;

const BEFORE: Duration = Duration::minutes(15);
const GRACE: Duration = Duration::minutes(60);

/// The visit is planned from noon to half past.
fn opening(visit: &VirtualSession, minutes: i64) -> Result<RoomOpening, RoomClosed> {
    visit.room_opening(BEFORE, GRACE, minute(minutes))
}

fn left(minutes: i64) -> Result<RoomOpening, RoomClosed> {
    Ok(RoomOpening { left: Duration::minutes(minutes) })
}

#[test]
fn a_planned_room_opens_before_its_time_and_closes_with_its_grace() {
    let visit = scheduled();
    assert_eq!(opening(&visit, -16), Err(RoomClosed::TooEarly { opens_at: minute(-15) }));
    assert_eq!(opening(&visit, -15), left(105));
    assert_eq!(opening(&visit, 30), left(60));
    assert_eq!(opening(&visit, 90), Err(RoomClosed::TooLate));
}

#[test]
fn a_provider_who_comes_early_opens_the_room() {
    let mut visit = scheduled();
    assert!(opening(&visit, -120).is_err());
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &at(-120)));
    assert!(opening(&visit, -119).is_ok());
}

#[test]
fn a_patient_who_comes_early_does_not_open_the_room() {
    let visit = waiting();
    assert_eq!(opening(&visit, -16), Err(RoomClosed::TooEarly { opens_at: minute(-15) }));
}

#[test]
fn the_room_of_a_visit_that_runs_late_stays_open() {
    let visit = active();
    assert_eq!(opening(&visit, 10), left(80));
    assert_eq!(opening(&visit, 200), left(60));
}

#[test]
fn the_room_of_a_visit_that_is_over_stays_closed() {
    for (visit, status) in
        [(ended(), SessionStatus::Ended), (cancelled(), SessionStatus::Cancelled), (failed(), SessionStatus::Failed)]
    {
        assert_eq!(opening(&visit, 13), Err(RoomClosed::Over(status)));
    }
}

#[test]
fn who_was_let_in_becomes_active_when_seen_in_the_room() {
    let mut visit = active();
    let id = person(PATIENT);
    assert_eq!(status_of(&visit, PATIENT), ParticipantStatus::Admitted);
    applied(visit.connect(id, minute(3), PATIENCE));
    assert_eq!(status_of(&visit, PATIENT), ParticipantStatus::Active);
    let (role, status) = (ParticipantRole::Patient, ParticipantStatus::Active);
    assert_eq!(events(&visit), [SessionEvent::ParticipantJoined { participant: id, role, status }]);
    repeated(&mut visit, |visit| visit.connect(id, minute(4), PATIENCE));
    applied(visit.disconnect(id, minute(5), WINDOW));
    applied(visit.connect(id, minute(6), PATIENCE));
    assert_eq!(status_of(&visit, PATIENT), ParticipantStatus::Active);
    assert_eq!(visit.parts().participant(id).unwrap().left_at, None, "who is back has not left");
}

#[test]
fn who_was_not_let_in_is_not_brought_in_by_being_seen() {
    for n in [INTERPRETER, OBSERVER] {
        repeated(&mut active(), |visit| visit.connect(person(n), minute(3), PATIENCE));
    }
    let mut visit = active();
    applied(visit.remove(person(PATIENT), reason(), &at(3)));
    repeated(&mut visit, |visit| visit.connect(person(PATIENT), minute(4), PATIENCE));
    refused(&mut visit, Refusal::ParticipantNotFound, |visit| visit.connect(person(77), minute(4), PATIENCE));
}

#[test]
fn a_visit_that_is_over_does_not_change_by_who_is_seen() {
    for mut visit in [ended(), failed(), cancelled(), no_show()] {
        repeated(&mut visit, |visit| visit.connect(person(PATIENT), minute(50), PATIENCE));
    }
}

#[test]
fn consent_that_was_withdrawn_is_withdrawn_for_good() {
    let mut visit = active();
    assert_eq!(visit.parts().recording_consent(), RecordingConsent::Given);
    applied(visit.withdraw_recording(&at(5)));
    assert_eq!(events(&visit), [SessionEvent::RecordingWithdrawn]);
    assert_eq!(visit.parts().recording_consent(), RecordingConsent::Withdrawn);
    assert_eq!(visit.parts().recording_withdrawn_at, Some(minute(5)));
    repeated(&mut visit, |visit| visit.withdraw_recording(&seeing(1, at(6))));
}

#[test]
fn a_visit_that_is_not_recorded_has_no_consent_to_withdraw() {
    let mut visit = VirtualSession::create(NewSession { recording_enabled: false, ..plan(None) }, NOON);
    assert_eq!(visit.parts().recording_consent(), RecordingConsent::Missing);
    repeated(&mut visit, |visit| visit.withdraw_recording(&at(1)));
    assert_eq!(visit.parts().recording_withdrawn_at, None);
}

#[test]
fn every_recording_is_told_of_once_before_and_after_the_end() {
    let (first, second) = (recording("kabul/a.mp4"), recording("kabul/b.mp4"));
    let mut visit = active();
    applied(visit.record_recording(first.clone(), minute(5)));
    applied(visit.end(None, &at(12)));
    applied(visit.record_recording(second.clone(), minute(20)));
    let told: Vec<_> =
        events(&visit).into_iter().filter(|event| matches!(event, SessionEvent::RecordingAvailable { .. })).collect();
    let available = |recording: &RecordingRef| SessionEvent::RecordingAvailable { recording: recording.clone() };
    assert_eq!(told, [available(&first), available(&second)]);
    assert_eq!(visit.parts().recordings, [first.clone(), second]);
    repeated(&mut visit, |visit| visit.record_recording(first, minute(21)));
}
