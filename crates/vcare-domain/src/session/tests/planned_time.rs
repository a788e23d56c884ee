//! Visits that move, and patients who come later.

use time::Duration;

use super::support::*;
use crate::*;

fn delay(minutes: u8) -> Delay {
    Delay::from_minutes(minutes).unwrap()
}

#[test]
fn a_visit_that_is_moved_says_when_it_was_planned_and_its_links_open_until_the_new_end() {
    let mut visit = scheduled();
    let (issued_until, tomorrow) = (minute(90), minute(24 * 60));
    assert!(!visit.link_is_open(person(PATIENT), issued_until, tomorrow));
    applied(visit.reschedule(&to(24 * 60), GRACE, &at(5)));
    assert_eq!(events(&visit), [SessionEvent::Rescheduled { from: planned(0) }]);
    assert_eq!((visit.status(), &visit.parts().schedule), (SessionStatus::Scheduled, &planned(24 * 60)));
    assert!(visit.link_is_open(person(PATIENT), issued_until, tomorrow));
    assert!(!visit.link_is_open(person(PATIENT), issued_until, tomorrow + Duration::minutes(30)));
    assert!(visit.admits_token(person(PATIENT), 1).is_ok(), "no new link is needed");
    repeated(&mut visit, |visit| visit.reschedule(&to(24 * 60), GRACE, &seeing(1, at(6))));
}

#[test]
fn who_waited_is_invited_again_when_the_visit_moves_to_a_time_that_has_not_come() {
    let mut visit = waiting();
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &at(3)));
    applied(visit.remove(person(INTERPRETER), reason(), &at(4)));
    applied(visit.reschedule(&to(120), GRACE, &at(5)));
    assert_eq!(visit.status(), SessionStatus::Scheduled);
    let states: Vec<_> = visit.parts().participants.iter().map(|one| one.state.status()).collect();
    use ParticipantStatus::{Invited, Removed};
    assert_eq!(states, [Invited, Invited, Removed, Invited]);
    assert_eq!(visit.parts().patient().unwrap().joined_at, None);
    assert_eq!(visit.parts().provider_id, Some(user("dr-amiri")));
    // Who does not come by the new time is a no-show, though they came by the old one.
    let mut moved = visit.clone();
    applied(moved.end_by_itself(PATIENCE, minute(180)));
    assert_eq!(moved.status(), SessionStatus::NoShow);
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(110)));
    applied(visit.join_as_provider(person(10), LIMIT, PATIENCE, &at(120)));
    applied(visit.admit(person(PATIENT), &at(121)));
    applied(visit.end(None, &at(131)));
    assert_eq!(visit.parts().seconds().total(), 600);
}

#[test]
fn a_visit_is_not_moved_into_the_past() {
    let mut visit = scheduled();
    let refusal = Refusal::Schedule(InvalidSchedule::HasPassed);
    refused(&mut visit, refusal, |visit| visit.reschedule(&to(4), GRACE, &at(5)));
}

#[test]
fn who_waits_keeps_waiting_when_the_waiting_room_is_open_by_the_new_time_too() {
    let mut visit = waiting();
    applied(visit.reschedule(&to(20), GRACE, &at(5)));
    assert_eq!(visit.status(), SessionStatus::Waiting);
    assert_eq!(visit.parts().patient().unwrap().state, ParticipantState::Waiting { since: minute(1) });
}

#[test]
fn a_patient_who_comes_later_is_expected_then_and_waited_for_from_then_on() {
    let mut visit = scheduled();
    applied(visit.announce_delay_by_link(person(PATIENT), 1, delay(20), minute(1)));
    assert_eq!(visit.parts().expected_at(), Some(minute(20)));
    let event = SessionEvent::PatientDelayed { delay: delay(20), expected_at: minute(20) };
    assert_eq!(events(&visit), [event]);
    repeated(&mut visit, |visit| visit.announce_delay(delay(20), minute(25)));
    applied(visit.announce_delay(delay(30), minute(25)));
    let until = minute(30) + PATIENCE.no_show;
    refused(&mut visit, Refusal::NotDue { until }, |visit| visit.end_by_itself(PATIENCE, until - Duration::SECOND));
    assert_eq!(visit.expected_arrival(person(PATIENT)), Some(minute(30)));
    assert_eq!(visit.expected_arrival(person(INTERPRETER)), None);
    let mut moved = visit.clone();
    applied(moved.reschedule(&to(60), GRACE, &at(26)));
    assert_eq!(moved.parts().expected_at(), None, "it was about the old time");
    applied(visit.end_by_itself(PATIENCE, until));
    assert_eq!((visit.status(), visit.parts().expected_at()), (SessionStatus::NoShow, None));
}

#[test]
fn a_delay_that_has_passed_is_not_announced() {
    let mut visit = scheduled();
    let refusal = Refusal::DelayHasPassed { expected_at: minute(10) };
    refused(&mut visit, refusal, |visit| visit.announce_delay(delay(10), minute(10)));
    applied(visit.announce_delay(delay(10), minute(10) - Duration::SECOND));
}

#[test]
fn a_patient_cancels_by_link_and_twice_is_once() {
    let mut visit = waiting();
    applied(visit.cancel_by_link(person(PATIENT), 1, reason(), minute(5)));
    assert_eq!(events(&visit), [SessionEvent::Cancelled]);
    repeated(&mut visit, |visit| visit.cancel_by_link(person(PATIENT), 1, reason(), minute(6)));
}

#[test]
fn only_the_patients_newest_link_cancels_or_announces_a_delay() {
    let mut visit = waiting();
    let cancel = |who, version| {
        move |visit: &mut VirtualSession| visit.cancel_by_link(person(who), version, reason(), minute(5))
    };
    let announce = |who, version| {
        move |visit: &mut VirtualSession| visit.announce_delay_by_link(person(who), version, delay(30), minute(5))
    };
    refused(&mut visit, Refusal::NotThePatient, cancel(INTERPRETER, 1));
    refused(&mut visit, Refusal::NotThePatient, announce(INTERPRETER, 1));
    applied(visit.issue_join_token(person(PATIENT), None, LIMIT, &at(5)));
    refused(&mut visit, Refusal::TokenSuperseded, cancel(PATIENT, 1));
    refused(&mut visit, Refusal::TokenSuperseded, announce(PATIENT, 1));
}
