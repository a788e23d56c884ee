//! Every action in every state.

use super::support::*;
use crate::AsyncVisitAction::{
    Amend, Claim, Close, ParkEncounter, RecordEncounter, Release, RepointEncounter, Respond,
};
use crate::AsyncVisitStatus::{Closed, Responded, Submitted, UnderReview};
use crate::*;

/// What comes of an action in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Applied; the visit is then in that state.
    To(AsyncVisitStatus),
    /// Applied before; nothing changes.
    Repeat,
    /// Refused, naming the action and the state.
    No,
    /// Refused: it is somebody else's.
    Theirs,
}

use Verdict::{No, Repeat, Theirs, To};

/// The states in the order of the table's columns. Who holds or answered the visit is the doctor.
const COLUMNS: [AsyncVisitStatus; 4] = [Submitted, UnderReview, Responded, Closed];

#[rustfmt::skip]
const TABLE: [(AsyncVisitAction, &str, [Verdict; 4]); 16] = [
    //                           submitted        under_review     responded      closed
    (Claim,           DOCTOR,    [To(UnderReview), To(UnderReview), No,            No]),
    (Claim,           COLLEAGUE, [To(UnderReview), Theirs,          No,            No]),
    (Release,         DOCTOR,    [Repeat,          To(Submitted),   No,            No]),
    (Release,         COLLEAGUE, [Repeat,          Theirs,          No,            No]),
    (Respond,         DOCTOR,    [No,              To(Responded),   Repeat,        Repeat]),
    (Respond,         COLLEAGUE, [No,              Theirs,          No,            No]),
    (Close,           DOCTOR,    [No,              No,              To(Closed),    Repeat]),
    (Close,           COLLEAGUE, [No,              No,              To(Closed),    Repeat]),
    (Amend,           DOCTOR,    [No,              No,              To(Responded), To(Closed)]),
    (Amend,           COLLEAGUE, [No,              No,              Theirs,        Theirs]),
    (RecordEncounter, DOCTOR,    [No,              No,              To(Responded), To(Closed)]),
    (RecordEncounter, COLLEAGUE, [No,              No,              To(Responded), To(Closed)]),
    (ParkEncounter,   DOCTOR,    [No,              No,              To(Responded), To(Closed)]),
    (ParkEncounter,   COLLEAGUE, [No,              No,              To(Responded), To(Closed)]),
    (RepointEncounter, DOCTOR,   [No,              No,              To(Responded), To(Closed)]),
    (RepointEncounter, COLLEAGUE, [No,             No,              To(Responded), To(Closed)]),
];

fn act(visit: &mut AsyncVisit, action: AsyncVisitAction, who: &str) -> Result<Outcome, AsyncVisitRefusal> {
    match action {
        Claim => visit.claim(lease(30), &by(who, 20)),
        Release => visit.release(&by(who, 20)),
        Respond => visit.respond(answer("rest"), Advice::LiveVisit, &by(who, 20)),
        Close => visit.close(&by(who, 20)),
        Amend => visit.amend(answer("no milk"), &by(who, 20)),
        RepointEncounter => visit.repoint_encounter(PatientId::parse("pat-2").unwrap(), minute(20)),
        RecordEncounter => visit.record_encounter(encounter("enc-1"), minute(20)),
        ParkEncounter => visit.park_encounter(minute(20)),
    }
}

#[test]
fn every_action_in_every_state_does_what_the_table_says() {
    for (action, who, row) in TABLE {
        for (from, verdict) in COLUMNS.into_iter().zip(row) {
            let mut visit = in_status(from);
            let before = visit.clone();
            let told = act(&mut visit, action, who);
            let cell = format!("{action:?} by {who} while {from}");
            match verdict {
                To(status) => {
                    assert_eq!(told, Ok(Outcome::Applied), "{cell}");
                    assert_eq!(visit.status(), status, "{cell}");
                    assert_eq!(visit.parts().version, before.parts().version.next(), "{cell}");
                    // Whom an Encounter is written for is told with the charge.
                    assert_eq!(visit.events().len(), usize::from(action != RepointEncounter), "{cell}");
                    continue;
                }
                Repeat => assert_eq!(told, Ok(Outcome::AlreadyApplied), "{cell}"),
                No => assert_eq!(told, Err(AsyncVisitRefusal::InvalidTransition { action, from }), "{cell}"),
                Theirs => assert!(
                    matches!(
                        told,
                        Err(AsyncVisitRefusal::ClaimedByAnother { .. } | AsyncVisitRefusal::NotTheClaimer { .. })
                    ),
                    "{cell}: {told:?}"
                ),
            }
            assert_eq!(visit.parts(), before.parts(), "{cell}");
            assert!(visit.events().is_empty() && visit.follow_ups().is_empty(), "{cell}");
        }
    }
}

#[test]
fn the_table_has_a_column_for_every_state() {
    assert_eq!(COLUMNS, AsyncVisitStatus::ALL);
}

/// The commands that take the version a caller saw, and the state in which they would be applied.
type Versioned = (AsyncVisitStatus, fn(&mut AsyncVisit, Change) -> Result<Outcome, AsyncVisitRefusal>);

const VERSIONED: [Versioned; 5] = [
    (Submitted, |visit, change| visit.claim(lease(30), &change)),
    (UnderReview, |visit, change| visit.release(&change)),
    (UnderReview, |visit, change| visit.respond(answer("rest"), Advice::None, &change)),
    (Responded, |visit, change| visit.amend(answer("no milk"), &change)),
    (Responded, |visit, change| visit.close(&change)),
];

#[test]
fn who_saw_another_version_is_refused_and_told_the_current_one() {
    for (row, (status, command)) in VERSIONED.into_iter().enumerate() {
        let mut visit = in_status(status);
        let current = visit.parts().version;
        for seen in [current.get() - 1, current.get() + 1] {
            let before = visit.parts().clone();
            let told = command(&mut visit, seeing(seen, by(DOCTOR, 20)));
            assert_eq!(told, Err(AsyncVisitRefusal::VersionConflict { current }), "row {row}");
            assert_eq!(visit.parts(), &before, "row {row}");
        }
        assert_eq!(command(&mut visit, seeing(current.get(), by(DOCTOR, 20))), Ok(Outcome::Applied), "row {row}");
    }
}

#[test]
fn a_refusal_tells_in_words_what_was_tried_and_where_the_visit_stands() {
    let refusal = submitted().close(&by(DOCTOR, 1)).unwrap_err();
    assert_eq!(refusal.to_string(), "cannot close an async visit that is submitted");
}
