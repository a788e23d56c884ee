//! Coming, waiting, being let in, being put out, coming back.

use super::support::*;
use crate::*;

fn joined(n: u128, role: ParticipantRole, status: ParticipantStatus) -> SessionEvent {
    SessionEvent::ParticipantJoined { participant: person(n), role, status }
}

fn admitted(n: u128, role: ParticipantRole, by: &str) -> SessionEvent {
    SessionEvent::ParticipantAdmitted { participant: person(n), role, admitted_by: user(by) }
}

#[test]
fn the_first_who_comes_opens_the_waiting_room() {
    let mut visit = scheduled();
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(1)));
    assert_eq!(visit.status(), SessionStatus::Waiting);
    assert_eq!(events(&visit), [joined(PATIENT, ParticipantRole::Patient, ParticipantStatus::Waiting)]);
    assert_eq!(visit.entry(person(PATIENT)), Entry::WaitingRoom);
    assert_eq!(visit.parts().participant(person(PATIENT)).unwrap().joined_at, Some(minute(1)));
}

#[test]
fn reloading_the_page_changes_nothing() {
    repeated(&mut waiting(), |visit| visit.join(person(PATIENT), 1, PATIENCE.resume, minute(2)));
    repeated(&mut active(), |visit| visit.join(person(PATIENT), 1, PATIENCE.resume, minute(3)));
}

#[test]
fn an_old_link_opens_neither_before_nor_after_the_admission() {
    for mut visit in [scheduled(), waiting(), active()] {
        applied(visit.issue_join_token(person(PATIENT), None, LIMIT, &at(3)));
        refused(&mut visit, Refusal::TokenSuperseded, |visit| {
            visit.join(person(PATIENT), 1, PATIENCE.resume, minute(3))
        });
    }
}

#[test]
fn a_stranger_is_not_let_in() {
    let mut visit = waiting();
    refused(&mut visit, Refusal::ParticipantNotFound, |visit| visit.join(person(9), 1, PATIENCE.resume, minute(2)));
    refused(&mut visit, Refusal::ParticipantNotFound, |visit| visit.admit(person(9), &at(2)));
    refused(&mut visit, Refusal::ParticipantNotFound, |visit| visit.remove(person(9), reason(), &at(2)));
    refused(&mut active(), Refusal::ParticipantNotFound, |visit| visit.disconnect(person(9), minute(3), WINDOW));
    assert_eq!(visit.entry(person(9)), Entry::WaitingRoom);
}

#[test]
fn admitting_the_patient_begins_the_visit_and_marks_the_provider_as_come() {
    let mut visit = waiting();
    applied(visit.admit(person(PATIENT), &at(2)));
    assert_eq!(
        events(&visit),
        [
            joined(PROVIDER, ParticipantRole::Provider, ParticipantStatus::Active),
            admitted(PATIENT, ParticipantRole::Patient, "dr-amiri"),
            SessionEvent::Started,
        ]
    );
    let parts = visit.parts();
    assert_eq!(parts.state, SessionState::Active { started_at: minute(2) });
    let cause = SegmentCause::Started;
    assert_eq!(parts.segments, [MediaSegment { mode: MediaMode::Video, from: minute(2), to: None, cause }]);
    assert_eq!(visit.entry(person(PATIENT)), Entry::DirectJoin);
    assert_eq!(visit.entry(person(PROVIDER)), Entry::DirectJoin);
}

#[test]
fn admitting_an_interpreter_does_not_begin_the_visit() {
    let mut visit = waiting();
    applied(visit.admit(person(INTERPRETER), &at(2)));
    assert_eq!(visit.status(), SessionStatus::Waiting);
    assert_eq!(visit.parts().segments, []);
    assert!(!events(&visit).contains(&SessionEvent::Started));
}

#[test]
fn the_second_of_two_clinicians_who_admit_loses() {
    let mut visit = waiting();
    applied(visit.admit(person(PATIENT), &at(2)));
    let status = ParticipantStatus::Admitted;
    refused(&mut visit, Refusal::NotWaiting { status }, |visit| visit.admit(person(PATIENT), &at(2)));
    let visit = &mut scheduled();
    let status = ParticipantStatus::Invited;
    refused(visit, Refusal::NotWaiting { status }, |visit| visit.admit(person(PATIENT), &at(2)));
}

#[test]
fn who_is_no_provider_of_the_visit_admits_only_while_one_is_there() {
    let mut visit = waiting();
    let nurse = || by("nurse", 2);
    refused(&mut visit, Refusal::ProviderNotInSession, |visit| visit.admit(person(PATIENT), &nurse()));
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &at(2)));
    let mut visit = saved(visit);
    applied(visit.admit(person(PATIENT), &nurse()));
    assert_eq!(
        events(&visit),
        [admitted(PATIENT, ParticipantRole::Patient, "nurse"), SessionEvent::Started],
        "admitting makes nobody a participant"
    );
}

#[test]
fn a_provider_whose_connection_dropped_still_counts_as_there() {
    let mut visit = active();
    applied(visit.disconnect(person(PROVIDER), minute(3), WINDOW));
    applied(visit.admit(person(INTERPRETER), &by("nurse", 4)));
}

#[test]
fn a_removed_provider_no_longer_decides() {
    let mut visit = waiting();
    applied(visit.remove(person(PROVIDER), reason(), &by("admin", 2)));
    refused(&mut visit, Refusal::ProviderNotInSession, |visit| visit.admit(person(PATIENT), &at(3)));
}

#[test]
fn a_clinician_who_comes_becomes_a_provider_of_the_visit_once() {
    let mut visit = scheduled();
    let come = |visit: &mut VirtualSession| visit.join_as_provider(person(9), LIMIT, PATIENCE, &by("dr-noori", 1));
    applied(come(&mut visit));
    let role = ParticipantRole::Provider;
    assert_eq!(
        events(&visit),
        [SessionEvent::ParticipantInvited { participant: person(9), role }, joined(9, role, ParticipantStatus::Active)]
    );
    assert_eq!(visit.parts().provider_id, Some(user("dr-amiri")), "the named provider stays");
    repeated(&mut visit, come);
    repeated(&mut visit, |visit| visit.join_as_provider(person(10), LIMIT, PATIENCE, &seeing(1, by("dr-noori", 1))));
}

#[test]
fn the_invited_provider_comes_as_who_they_are() {
    let mut visit = scheduled();
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &at(1)));
    assert_eq!(events(&visit), [joined(PROVIDER, ParticipantRole::Provider, ParticipantStatus::Active)]);
    assert_eq!(visit.parts().participant(person(9)), None);
}

#[test]
fn the_first_provider_who_comes_becomes_the_visits_provider() {
    let mut visit = VirtualSession::create(plan(None), NOON);
    applied(visit.join_as_provider(person(8), LIMIT, PATIENCE, &by("dr-noori", 1)));
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &by("dr-amiri", 2)));
    assert_eq!(visit.parts().provider_id, Some(user("dr-noori")));
}

#[test]
fn a_provider_who_comes_by_admitting_becomes_the_visits_provider_too() {
    let mut visit = VirtualSession::create(plan(None), NOON);
    applied(visit.invite(with_role(9, Some("dr-noori"), ParticipantRole::Provider), LIMIT, &at(0)));
    applied(visit.issue_join_token(person(PATIENT), None, LIMIT, &at(0)));
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(1)));
    applied(visit.admit(person(PATIENT), &by("dr-noori", 2)));
    assert_eq!(visit.parts().provider_id, Some(user("dr-noori")), "billing asks for it");
}

#[test]
fn who_lost_the_connection_comes_back_into_the_visit() {
    let mut visit = active();
    applied(visit.disconnect(person(PATIENT), minute(5), WINDOW));
    let role = ParticipantRole::Patient;
    assert_eq!(events(&visit), [SessionEvent::ParticipantDisconnected { participant: person(PATIENT), role }]);
    repeated(&mut visit, |visit| visit.disconnect(person(PATIENT), minute(6), WINDOW));
    let patient = |visit: &VirtualSession| visit.parts().patient().unwrap().clone();
    assert_eq!(patient(&visit).left_at, Some(minute(5)));
    assert_eq!(visit.entry(person(PATIENT)), Entry::DirectJoin, "nobody waits twice");

    let mut visit = saved(visit);
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(6)));
    assert_eq!(events(&visit), [joined(PATIENT, role, ParticipantStatus::Active)]);
    assert_eq!((patient(&visit).joined_at, patient(&visit).left_at), (Some(minute(1)), None));
    assert_eq!(visit.parts().segments.len(), 1, "the visit went on meanwhile");
}

#[test]
fn a_removed_person_needs_a_new_link() {
    let mut visit = active();
    applied(visit.remove(person(PATIENT), reason(), &at(3)));
    let role = ParticipantRole::Patient;
    let removed_by = user("dr-amiri");
    assert_eq!(events(&visit), [SessionEvent::ParticipantRemoved { participant: person(PATIENT), role, removed_by }]);
    repeated(&mut visit, |visit| visit.remove(person(PATIENT), reason(), &seeing(1, at(4))));
    for any in 0..4 {
        refused(&mut visit, Refusal::ParticipantRemoved, |visit| {
            visit.join(person(PATIENT), any, PATIENCE.resume, minute(4))
        });
    }
    assert_eq!(visit.entry(person(PATIENT)), Entry::WaitingRoom);

    applied(visit.issue_join_token(person(PATIENT), None, LIMIT, &at(5)));
    let version = visit.parts().patient().unwrap().token_version;
    for old in 0..version {
        refused(&mut visit, Refusal::TokenSuperseded, |visit| {
            visit.join(person(PATIENT), old, PATIENCE.resume, minute(5))
        });
    }
    applied(visit.join(person(PATIENT), version, PATIENCE.resume, minute(5)));
    assert_eq!(status_of(&visit, PATIENT), ParticipantStatus::Waiting, "back to the waiting room");
}

#[test]
fn a_patient_admitted_again_does_not_begin_the_visit_again() {
    let mut visit = active();
    applied(visit.remove(person(PATIENT), reason(), &at(3)));
    applied(visit.issue_join_token(person(PATIENT), None, LIMIT, &at(4)));
    applied(visit.join(person(PATIENT), 3, PATIENCE.resume, minute(4)));
    let mut visit = saved(visit);
    applied(visit.admit(person(PATIENT), &at(5)));
    assert_eq!(events(&visit), [admitted(PATIENT, ParticipantRole::Patient, "dr-amiri")]);
    assert_eq!(visit.parts().state, SessionState::Active { started_at: minute(2) });
}

#[test]
fn a_token_of_a_finished_visit_meets_its_state() {
    for (visit, from) in [(ended(), SessionStatus::Ended), (cancelled(), SessionStatus::Cancelled)] {
        let refusal = Refusal::InvalidTransition { action: Action::Join, from };
        assert_eq!(visit.admits_token(person(OBSERVER), 1).err(), Some(refusal));
        assert_eq!(visit.admits_token(person(OBSERVER), 2).err(), Some(Refusal::TokenSuperseded));
    }
}

#[test]
fn a_token_shows_the_status_of_a_visit_that_failed_and_of_none_that_is_over() {
    let visit = failed();
    let refusal = Refusal::InvalidTransition { action: Action::Join, from: SessionStatus::Failed };
    assert_eq!(visit.admits_token(person(PATIENT), 1).err(), Some(refusal));
    assert_eq!(visit.shows_status_to(person(PATIENT), 1).map(|person| person.role), Ok(ParticipantRole::Patient));
    for old in [0, 2] {
        assert_eq!(visit.shows_status_to(person(PATIENT), old).err(), Some(Refusal::TokenSuperseded));
    }
    assert_eq!(visit.shows_status_to(person(77), 1).err(), Some(Refusal::ParticipantNotFound));
    for (visit, from) in [(ended(), SessionStatus::Ended), (cancelled(), SessionStatus::Cancelled)] {
        let refusal = Refusal::InvalidTransition { action: Action::Join, from };
        assert_eq!(visit.shows_status_to(person(PATIENT), 1).err(), Some(refusal));
    }
    assert!(active().shows_status_to(person(PATIENT), 1).is_ok());
}

#[test]
fn removing_who_is_gone_already_keeps_the_time_they_left() {
    let mut visit = active();
    applied(visit.disconnect(person(PATIENT), minute(5), WINDOW));
    applied(visit.remove(person(PATIENT), reason(), &at(15)));
    assert_eq!(visit.parts().patient().unwrap().left_at, Some(minute(5)));
}

#[test]
fn who_never_came_never_left() {
    let mut visit = scheduled();
    applied(visit.remove(person(OBSERVER), reason(), &at(3)));
    let observer = visit.parts().participant(person(OBSERVER)).unwrap();
    assert_eq!((observer.joined_at, observer.left_at), (None, None));
    assert_eq!(observer.state, ParticipantState::Removed { at: minute(3), reason: reason() });
}

#[test]
fn who_only_waited_was_never_let_in() {
    let mut visit = waiting();
    applied(visit.admit(person(PATIENT), &at(3)));
    applied(visit.end(None, &at(9)));
    let let_in = |n| visit.parts().participant(person(n)).unwrap().let_in_at;
    assert_eq!(let_in(PATIENT), Some(minute(3)));
    assert_eq!(let_in(PROVIDER), Some(minute(3)), "by admitting");
    assert_eq!(let_in(INTERPRETER), None);
}
