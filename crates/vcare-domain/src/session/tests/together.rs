//! The time that the patient and a provider spend together, which is what is charged.

use time::{Duration, OffsetDateTime};

use super::support::*;
use crate::*;

fn second(n: i64) -> OffsetDateTime {
    minute(2) + Duration::seconds(n)
}

fn span(from: OffsetDateTime, to: OffsetDateTime) -> TimeSpan {
    TimeSpan { from, to: Some(to) }
}

fn seconds(visit: &VirtualSession) -> u32 {
    visit.parts().seconds().total()
}

fn ended_at(visit: &VirtualSession) -> Option<OffsetDateTime> {
    visit.parts().state.ended_at()
}

fn times(visit: &VirtualSession) -> Vec<(String, u32)> {
    visit.parts().provider_times().into_iter().map(|time| (time.user.as_str().to_owned(), time.seconds)).collect()
}

fn lose(visit: &mut VirtualSession, who: u128, at: OffsetDateTime) {
    applied(visit.hear(person(who), Heard::Lost, at, PATIENCE));
}

#[test]
fn a_patient_who_stays_alone_is_not_charged_for_it() {
    let mut visit = active();
    lose(&mut visit, PROVIDER, second(3));
    applied(visit.end(None, &at(10)));
    assert_eq!(seconds(&visit), 3);
    assert_eq!(visit.events().last().unwrap().event, SessionEvent::Ended { duration_seconds: 3 });
    assert_eq!(ended_at(&visit), Some(second(3)), "whenever the button is pressed");
    assert_eq!(times(&visit), [("dr-amiri".to_owned(), 3)]);
}

#[test]
fn a_provider_who_waits_for_a_lost_patient_is_not_charged_for_it() {
    let mut visit = active();
    lose(&mut visit, PATIENT, second(60));
    applied(visit.hear(person(PATIENT), Heard::Restored, second(90), PATIENCE));
    applied(visit.end(None, &at(4)));
    let together = [span(second(0), second(60)), span(second(90), second(120))];
    assert_eq!(visit.parts().together(), together);
    assert_eq!((seconds(&visit), ended_at(&visit)), (90, Some(minute(4))));
    let cut: Vec<_> = visit.parts().held().iter().map(|one| (one.mode, one.from, one.to.unwrap())).collect();
    assert_eq!(cut, together.map(|one| (MediaMode::Video, one.from, one.to.unwrap())));
}

#[test]
fn a_visit_that_is_handed_over_names_both_and_who_was_there_longest_held_it() {
    let mut visit = active();
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &Change { at: second(50), ..by("dr-noori", 0) }));
    lose(&mut visit, PROVIDER, second(60));
    applied(visit.end(None, &at(12)));
    assert_eq!(seconds(&visit), 600);
    assert_eq!(times(&visit), [("dr-noori".to_owned(), 550), ("dr-amiri".to_owned(), 60)]);
    assert_eq!(visit.parts().held_by(), Some(user("dr-noori")), "and not who was planned");
    assert_eq!(visit.parts().provider_id, Some(user("dr-amiri")));
}

#[test]
fn a_visit_that_another_one_held_is_that_ones() {
    let mut visit = waiting();
    applied(visit.join_as_provider(person(9), LIMIT, PATIENCE, &by("dr-noori", 1)));
    applied(visit.admit(person(PATIENT), &by("dr-noori", 2)));
    applied(visit.end(None, &by("dr-noori", 12)));
    assert_eq!(times(&visit), [("dr-noori".to_owned(), 600)]);
    assert_eq!(visit.parts().held_by(), Some(user("dr-noori")));
}

#[test]
fn before_anybody_was_with_the_patient_the_planned_provider_is_named() {
    assert_eq!(waiting().parts().held_by(), Some(user("dr-amiri")));
    assert_eq!(waiting().parts().together(), []);
}

#[test]
fn an_interpreter_takes_part_while_patient_and_provider_are_there() {
    let mut visit = active();
    applied(visit.admit(person(INTERPRETER), &at(5)));
    lose(&mut visit, PROVIDER, minute(8));
    applied(visit.end(None, &at(10)));
    let took_part = |n| visit.parts().took_part(visit.parts().participant(person(n)).unwrap());
    assert_eq!(took_part(INTERPRETER), [span(minute(5), minute(8))]);
    assert_eq!(took_part(PATIENT), [span(minute(2), minute(8))]);
    assert_eq!(took_part(OBSERVER), [], "only invited");
}

#[test]
fn what_runs_has_no_end_and_is_not_counted_yet() {
    let visit = active();
    assert_eq!(visit.parts().together(), [TimeSpan::since(minute(2))]);
    assert_eq!((seconds(&visit), times(&visit)), (0, Vec::new()));
}

#[test]
fn a_participant_of_a_row_without_stays_was_there_from_admission_until_they_left() {
    let mut visit = active();
    lose(&mut visit, PROVIDER, minute(7));
    applied(visit.end(None, &at(12)));
    for one in &visit.parts().participants {
        let stripped = Participant { stays: Vec::new(), ..one.clone() };
        assert_eq!(stripped.with_stays(Vec::new()).stays, one.stays, "{}", one.role.as_str());
    }
}

#[test]
fn stays_agree_with_a_state_that_a_version_without_them_has_written() {
    let visit = active();
    let provider = visit.parts().participant(person(PROVIDER)).unwrap().clone();
    let (stays, since) = (provider.stays.clone(), minute(9));
    let gone = Participant {
        state: ParticipantState::Disconnected { at: minute(5) },
        left_at: Some(minute(5)),
        ..provider.clone()
    };
    assert_eq!(gone.clone().with_stays(stays.clone()).stays, [span(minute(2), minute(5))]);
    let back = Participant { state: ParticipantState::Active { since }, left_at: None, ..provider };
    let stored = vec![span(minute(2), minute(5))];
    assert_eq!(back.with_stays(stored.clone()).stays, [stored[0], TimeSpan::since(since)]);
}

#[test]
fn of_a_connection_that_comes_and_goes_the_shortest_gaps_are_closed() {
    let mut visit = active();
    for n in 0..i64::try_from(MAX_STAYS).unwrap() + 20 {
        // The third gap is the shortest.
        let gap = if n == 2 { 1 } else { 2 };
        lose(&mut visit, PATIENT, second(10 * n + 5));
        applied(visit.hear(person(PATIENT), Heard::Restored, second(10 * n + 5 + gap), PATIENCE));
    }
    let stays = &visit.parts().patient().unwrap().stays;
    assert_eq!(stays.len(), MAX_STAYS);
    assert!(stays.iter().any(|stay| stay.from < second(25) && stay.to > Some(second(26))), "the third gap is closed");
    assert!(stays.is_sorted_by(|a, b| a.to.is_some_and(|to| to < b.from)));
}
