//! What is heard of connections: late, twice, out of order.

use super::support::*;
use crate::*;

fn hear(visit: &mut VirtualSession, n: u128, heard: Heard, at: i64) -> Result<Outcome, Refusal> {
    visit.hear(person(n), heard, minute(at), PATIENCE)
}

#[test]
fn who_was_let_in_loses_the_visit_and_comes_back() {
    let mut visit = active();
    applied(hear(&mut visit, PATIENT, Heard::Lost, 5));
    assert_eq!(status_of(&visit, PATIENT), ParticipantStatus::Disconnected);
    repeated(&mut visit, |visit| hear(visit, PATIENT, Heard::Lost, 6));
    applied(hear(&mut visit, PATIENT, Heard::Restored, 7));
    assert_eq!(status_of(&visit, PATIENT), ParticipantStatus::Active);
    repeated(&mut visit, |visit| hear(visit, PATIENT, Heard::Restored, 8));
    applied(hear(&mut visit, PATIENT, Heard::Lost, 9));
    applied(hear(&mut visit, PATIENT, Heard::Alive, 10));
    assert_eq!(status_of(&visit, PATIENT), ParticipantStatus::Active);
}

#[test]
fn what_is_older_than_where_somebody_stands_changes_nothing() {
    let mut visit = active();
    applied(hear(&mut visit, PATIENT, Heard::Lost, 5));
    repeated(&mut visit, |visit| hear(visit, PATIENT, Heard::Restored, 4));
    applied(hear(&mut visit, PATIENT, Heard::Restored, 7));
    repeated(&mut visit, |visit| hear(visit, PATIENT, Heard::Lost, 6));
    // Before they were let in.
    let mut visit = active();
    repeated(&mut visit, |visit| hear(visit, PATIENT, Heard::Lost, -60));
}

#[test]
fn who_only_waits_or_has_not_come_is_neither_lost_nor_brought_in() {
    for heard in Heard::ALL {
        repeated(&mut waiting(), |visit| hear(visit, PATIENT, heard, 3));
        repeated(&mut scheduled(), |visit| hear(visit, PATIENT, heard, 3));
        repeated(&mut active(), |visit| hear(visit, OBSERVER, heard, 3));
    }
}

#[test]
fn who_was_let_in_is_not_seen_in_the_visit_by_a_beacon_of_the_page_before_it() {
    let mut visit = active();
    repeated(&mut visit, |visit| hear(visit, PATIENT, Heard::Alive, 3));
    assert_eq!(status_of(&visit, PATIENT), ParticipantStatus::Admitted);
}

#[test]
fn nothing_is_heard_of_who_was_put_out_nor_in_a_visit_that_is_over() {
    for heard in Heard::ALL {
        let mut visit = active();
        applied(visit.remove(person(PATIENT), reason(), &at(3)));
        refused(&mut visit, Refusal::ParticipantRemoved, |visit| hear(visit, PATIENT, heard, 4));
        refused(&mut visit, Refusal::ParticipantNotFound, |visit| hear(visit, 77, heard, 4));
        for mut visit in [ended(), cancelled(), no_show(), failed()] {
            let refusal = Refusal::InvalidTransition { action: Action::ReportConnection, from: visit.status() };
            // Longer than a failed visit can be resumed.
            refused(&mut visit, refusal, |visit| hear(visit, PATIENT, heard, 50));
        }
    }
}
