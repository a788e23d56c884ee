//! Visits that nobody ends, that go on after they failed, and to which nobody came.

use time::{Duration, OffsetDateTime};

use super::support::*;
use crate::*;

fn lose(visit: &mut VirtualSession, who: u128, minutes: i64) {
    applied(visit.disconnect(person(who), minute(minutes), WINDOW));
}

fn due(visit: &mut VirtualSession, until: OffsetDateTime) {
    let early = until - Duration::SECOND;
    refused(visit, Refusal::NotDue { until }, |visit| visit.end_by_itself(PATIENCE, early));
}

fn cause(visit: &VirtualSession) -> Option<EndCause> {
    match visit.parts().state {
        SessionState::Ended { cause, .. } => Some(cause),
        _ => None,
    }
}

/// A real conversation of ten minutes; then the provider leaves, and the patient.
fn left_by_everybody() -> VirtualSession {
    let mut visit = active();
    lose(&mut visit, PROVIDER, 12);
    lose(&mut visit, PATIENT, 13);
    visit
}

#[test]
fn a_visit_that_everybody_left_ends_by_itself_and_is_charged_for_what_was_held() {
    let mut visit = left_by_everybody();
    assert_eq!(visit.everybody_left_at(), Some(minute(13)));
    assert_eq!(visit.follow_ups().last(), Some(&FollowUp::EndByItself { due: minute(13) }));
    refused(&mut visit, Refusal::PatientNotLost, |visit| visit.fail(WINDOW, minute(20)));
    due(&mut visit, minute(23));
    let mut visit = saved(visit);
    applied(visit.end_by_itself(PATIENCE, minute(23)));
    assert_eq!(cause(&visit), Some(EndCause::EverybodyLeft));
    assert_eq!(events(&visit), [SessionEvent::Ended { duration_seconds: 600 }]);
    assert_eq!(visit.follow_ups(), [FollowUp::CreateEncounter]);
    assert_eq!(visit.parts().state.ended_at(), Some(minute(12)));
}

#[test]
fn while_somebody_is_in_a_visit_it_does_not_end_by_itself() {
    let mut visit = active();
    let refusal = Refusal::InvalidTransition { action: Action::EndByItself, from: SessionStatus::Active };
    refused(&mut visit, refusal.clone(), |visit| visit.end_by_itself(PATIENCE, minute(500)));
    let mut visit = left_by_everybody();
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &at(20)));
    assert_eq!(visit.follow_ups().last(), Some(&FollowUp::FailLostVisit { due: minute(21) }), "the patient is awaited");
    refused(&mut visit, refusal, |visit| visit.end_by_itself(PATIENCE, minute(500)));
    applied(visit.fail(WINDOW, minute(21)));
}

#[test]
fn a_visit_whose_patient_was_removed_and_whose_provider_was_lost_ends_by_itself() {
    let mut visit = active();
    applied(visit.remove(person(PATIENT), reason(), &at(5)));
    assert_eq!(visit.everybody_left_at(), None);
    lose(&mut visit, PROVIDER, 7);
    assert_eq!(visit.follow_ups().last(), Some(&FollowUp::EndByItself { due: minute(7) }));
    applied(visit.end_by_itself(PATIENCE, minute(17)));
    assert_eq!(visit.parts().seconds().total(), 180);
}

#[test]
fn a_visit_in_messages_goes_on_for_a_day_after_everybody_left_the_room() {
    let mut visit = active();
    applied(visit.fall_back(None, &at(5)));
    lose(&mut visit, PROVIDER, 6);
    lose(&mut visit, PATIENT, 7);
    due(&mut visit, minute(7) + Duration::DAY);
    applied(visit.end_by_itself(PATIENCE, minute(7) + Duration::DAY));
}

#[test]
fn a_failed_visit_that_nobody_ends_ends_by_itself_after_a_day() {
    let mut visit = failed();
    due(&mut visit, minute(13) + Duration::DAY);
    applied(visit.end_by_itself(PATIENCE, minute(13) + Duration::DAY));
    assert_eq!(cause(&visit), Some(EndCause::ConnectionLost));
    assert_eq!(events(&visit), [SessionEvent::Ended { duration_seconds: 600 }]);
}

#[test]
fn after_a_power_cut_the_same_link_brings_the_patient_back_into_the_same_visit() {
    let mut visit = failed();
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(15)));
    assert_eq!(visit.status(), SessionStatus::Active);
    assert!(events(&visit).contains(&SessionEvent::Resumed));
    assert_eq!(visit.entry(person(PATIENT)), Entry::DirectJoin);
    applied(visit.end(None, &at(20)));
    // Ten minutes before the cut, five after it.
    assert_eq!(visit.parts().seconds().total(), 900);
    let stretches: Vec<_> = visit.parts().together().iter().map(|one| (one.from, one.to.unwrap())).collect();
    assert_eq!(stretches, [(minute(2), minute(12)), (minute(15), minute(20))]);
    assert_eq!(visit.parts().state.started_at(), Some(minute(2)));
}

#[test]
fn a_failed_visit_goes_on_when_its_patient_is_seen_in_the_room_again() {
    let mut visit = failed();
    applied(visit.connect(person(PATIENT), minute(15), PATIENCE));
    assert_eq!(visit.status(), SessionStatus::Active);
    let mut visit = failed();
    applied(visit.hear(person(PATIENT), Heard::Restored, minute(15), PATIENCE));
    assert_eq!(visit.status(), SessionStatus::Active);
}

#[test]
fn a_clinician_who_joins_brings_a_failed_visit_back_and_the_patient_is_awaited_once_more() {
    let mut visit = failed();
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &at(15)));
    assert_eq!(visit.status(), SessionStatus::Active);
    assert_eq!(visit.follow_ups(), [FollowUp::FailLostVisit { due: minute(16) }]);
    applied(visit.fail(WINDOW, minute(16)));
    applied(visit.end(None, &at(17)));
    assert_eq!(visit.parts().seconds().total(), 600, "nothing was held since");
}

#[test]
fn a_failed_visit_can_be_resumed_for_a_while_and_by_nobody_but_patient_and_provider() {
    let mut visit = failed();
    let failed_visit = |action| Refusal::InvalidTransition { action, from: SessionStatus::Failed };
    refused(&mut visit, failed_visit(Action::Join), |visit| {
        visit.join(person(OBSERVER), 1, PATIENCE.resume, minute(15))
    });
    refused(&mut visit, failed_visit(Action::Join), |visit| {
        visit.join(person(PATIENT), 1, PATIENCE.resume, minute(43))
    });
    refused(&mut visit, failed_visit(Action::JoinAsProvider), |visit| {
        visit.join_as_provider(person(9), LIMIT, PATIENCE, &at(43))
    });
    repeated(&mut visit, |visit| visit.connect(person(PATIENT), minute(43), PATIENCE));
    applied(visit.join(person(PATIENT), 1, PATIENCE.resume, minute(42)));
}

#[test]
fn a_patient_who_does_not_come_is_a_no_show_and_nothing_is_charged() {
    let mut visit = scheduled();
    due(&mut visit, minute(60));
    applied(visit.end_by_itself(PATIENCE, minute(60)));
    assert_eq!(visit.parts().state, SessionState::NoShow { noted_at: minute(60), code: NoShowCode::PatientAbsent });
    assert_eq!((events(&visit), visit.follow_ups()), (vec![SessionEvent::NoShow], &[][..]));
    let refusal = Refusal::InvalidTransition { action: Action::Join, from: SessionStatus::NoShow };
    refused(&mut visit, refusal, |visit| visit.join(person(PATIENT), 1, PATIENCE.resume, minute(60)));
}

#[test]
fn a_visit_is_no_no_show_before_its_planned_end() {
    let short = Patience { no_show: Duration::minutes(5), ..PATIENCE };
    refused(&mut scheduled(), Refusal::NotDue { until: minute(30) }, |visit| visit.end_by_itself(short, minute(29)));
}

#[test]
fn a_patient_who_came_is_not_a_no_show_however_late_the_clinic_runs() {
    let mut visit = waiting();
    due(&mut visit, minute(30) + Duration::DAY);
    applied(visit.end_by_itself(PATIENCE, minute(30) + Duration::DAY));
    assert_eq!(cause(&visit), Some(EndCause::NotHeld));
    assert_eq!(visit.parts().state.encounter(), Some(&EncounterRecord::NotRequired));
}

#[test]
fn a_clinician_notes_a_no_show_from_the_planned_start_on_and_not_while_the_patient_waits() {
    let mut visit = scheduled();
    let before = Change { at: minute(0) - Duration::SECOND, ..at(0) };
    refused(&mut visit, Refusal::NotDue { until: minute(0) }, |visit| {
        visit.mark_no_show(NoShowCode::PatientAbsent, &before)
    });
    applied(visit.mark_no_show(NoShowCode::PatientAbsent, &at(0)));
    repeated(&mut visit, |visit| visit.mark_no_show(NoShowCode::PatientAbsent, &seeing(1, at(9))));
    refused(&mut waiting(), Refusal::PatientCame, |visit| visit.mark_no_show(NoShowCode::PatientAbsent, &at(20)));
}
