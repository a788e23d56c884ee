//! Every action in every state: the table of design §3.

use super::support::*;
use crate::SessionStatus::{Active, Cancelled, Ended, Failed, NoShow, Scheduled, Waiting};
use crate::*;

/// What comes of an action in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Applied; the visit is then in that state.
    To(SessionStatus),
    /// Applied before; nothing changes.
    Repeat,
    /// Refused, naming the action and the state.
    No,
    /// Refused: the person does not wait.
    NotWaiting,
    /// Refused: nobody is missed.
    NotLost,
    /// Refused: it is too early.
    NotDue,
    /// Refused: the patient is in the waiting room.
    Came,
}

use Verdict::{Came, No, NotDue, NotLost, NotWaiting, Repeat, To};

/// Who or what the action is about, where that makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    TheVisit,
    ThePatient,
    SomebodyElse,
}

use About::{SomebodyElse, ThePatient, TheVisit};

/// The states in the order of the table's columns.
const COLUMNS: [SessionStatus; 7] = [Scheduled, Waiting, Active, Failed, Ended, Cancelled, NoShow];

#[rustfmt::skip]
const TABLE: [(Action, About, [Verdict; 7]); 31] = [
    //                                         scheduled      waiting        active      failed      ended      cancelled  no_show
    (Action::Invite,          SomebodyElse, [To(Scheduled), To(Waiting),   To(Active), No,         No,        No,     No]),
    (Action::IssueJoinToken,  ThePatient,   [To(Scheduled), To(Waiting),   To(Active), No,         No,        No,     No]),
    (Action::Join,            ThePatient,   [To(Waiting),   Repeat,        Repeat,     To(Active), No,        No,     No]),
    (Action::Join,            SomebodyElse, [To(Waiting),   To(Waiting),   To(Active), No,         No,        No,     No]),
    (Action::JoinAsProvider,  SomebodyElse, [To(Waiting),   To(Waiting),   To(Active), To(Active), No,        No,     No]),
    (Action::Admit,           ThePatient,   [NotWaiting,    To(Active),    NotWaiting, No,         No,        No,     No]),
    (Action::Admit,           SomebodyElse, [NotWaiting,    To(Waiting),   To(Active), No,         No,        No,     No]),
    (Action::Remove,          ThePatient,   [To(Scheduled), To(Waiting),   To(Active), No,         No,        No,     No]),
    (Action::ChangeMediaMode, TheVisit,     [No,            No,            To(Active), No,         No,        No,     No]),
    (Action::NoteLink,        ThePatient,   [To(Scheduled), To(Waiting),   To(Active), No,         No,        No,     No]),
    (Action::FallBack,        TheVisit,     [No,            No,            To(Active), To(Failed), No,        No,     No]),
    (Action::RecordThread,    TheVisit,     [No,            No,            No,         No,         No,        No,     No]),
    (Action::ParkThread,      TheVisit,     [No,            No,            No,         No,         No,        No,     No]),
    (Action::Disconnect,      ThePatient,   [No,            No,            To(Active), No,         No,        No,     No]),
    (Action::Disconnect,      SomebodyElse, [No,            No,            Repeat,     No,         No,        No,     No]),
    (Action::ReportConnection, ThePatient,  [Repeat,        Repeat,        To(Active), No,         No,        No,     No]),
    (Action::Fail,            TheVisit,     [No,            No,            NotLost,    Repeat,     No,        No,     No]),
    (Action::Cancel,          TheVisit,     [To(Cancelled), To(Cancelled), No,         No,         No,        Repeat,     No]),
    (Action::Reschedule,      TheVisit,     [To(Scheduled), To(Scheduled), No,         No,         No,        No,     No]),
    (Action::AnnounceDelay,   ThePatient,   [To(Scheduled), To(Waiting),   No,         No,         No,        No,     No]),
    (Action::End,             TheVisit,     [No,            To(Ended),     To(Ended),  To(Ended),  Repeat,    No,     No]),
    (Action::EndByItself,     TheVisit,     [NotDue,        NotDue,        No,         NotDue,     No,        No,     No]),
    (Action::MarkNoShow,      TheVisit,     [To(NoShow),    Came,          No,         No,         No,        No,     Repeat]),
    (Action::RecordEncounter, TheVisit,     [No,            No,            No,         No,         To(Ended), No,     No]),
    (Action::ParkEncounter,   TheVisit,     [No,            No,            No,         No,         To(Ended), No,     No]),
    (Action::RepointEncounter, TheVisit,    [No,            No,            No,         No,         To(Ended), No,     No]),
    (Action::WithdrawRecording, TheVisit,   [To(Scheduled), To(Waiting),   To(Active), No,         No,        No,     No]),
    (Action::ContinueAsync,   TheVisit,     [No,            No,            No,         Repeat,     No,        No,     No]),
    (Action::RecordRecording, TheVisit,     [No,            To(Waiting),   To(Active), To(Failed), To(Ended), No,     No]),
    // These two change nothing of the visit.
    (Action::Transcribe,      TheVisit,     [No,            No,            Repeat,     No,         No,        No,     No]),
    (Action::Document,        TheVisit,     [No,            No,            Repeat,     Repeat,     Repeat,    No,     No]),
];

/// Somebody else is the interpreter, who waits unless nobody has come; who comes anew is the observer.
fn act(visit: &mut VirtualSession, action: Action, about: About) -> Result<Outcome, Refusal> {
    let somebody = |else_is| person(if about == ThePatient { PATIENT } else { else_is });
    match action {
        Action::Invite => visit.invite(observer(9), LIMIT, &at(20)),
        Action::IssueJoinToken => visit.issue_join_token(somebody(INTERPRETER), None, LIMIT, &at(20)),
        Action::Join => visit.join(somebody(OBSERVER), 1, PATIENCE.resume, minute(20)),
        Action::JoinAsProvider => visit.join_as_provider(person(9), LIMIT, PATIENCE, &by("dr-noori", 20)),
        Action::Admit => visit.admit(somebody(INTERPRETER), &at(20)),
        Action::Remove => visit.remove(somebody(INTERPRETER), reason(), &at(20)),
        Action::ChangeMediaMode => visit.change_media_mode(MediaMode::Audio, SegmentCause::LinkDegraded, minute(20)),
        Action::NoteLink => {
            let link = LinkUse { mode: MediaMode::Audio, cap_kbps: 30 };
            visit.note_link(somebody(INTERPRETER), link, false, minute(20))
        }
        Action::FallBack => visit.fall_back(None, &at(20)),
        Action::RecordThread => visit.record_thread(ThreadId::parse("thr_1").unwrap(), minute(20)),
        Action::ParkThread => visit.park_thread(minute(20)),
        Action::Disconnect => visit.disconnect(somebody(INTERPRETER), minute(20), WINDOW),
        Action::ReportConnection => visit.hear(somebody(INTERPRETER), Heard::Lost, minute(20), PATIENCE),
        Action::Fail => visit.fail(WINDOW, minute(20)),
        Action::Cancel => visit.cancel(reason(), &at(20)),
        Action::Reschedule => visit.reschedule(&to(60), GRACE, &at(20)),
        Action::AnnounceDelay => {
            visit.announce_delay_by_link(person(PATIENT), 1, Delay::from_minutes(30).unwrap(), minute(20))
        }
        Action::End => visit.end(None, &at(20)),
        Action::EndByItself => visit.end_by_itself(PATIENCE, minute(20)),
        Action::MarkNoShow => visit.mark_no_show(NoShowCode::PatientAbsent, &at(20)),
        Action::ContinueAsync => visit.may_continue_async().map(|()| Outcome::AlreadyApplied),
        Action::WithdrawRecording => visit.withdraw_recording(&at(20)),
        Action::RecordRecording => visit.record_recording(recording("a.mp4"), minute(20)),
        Action::RecordEncounter => visit.record_encounter(encounter("enc-1"), minute(20)),
        Action::ParkEncounter => visit.park_encounter(minute(20)),
        Action::RepointEncounter => visit.repoint_encounter(PatientId::parse("pat-2").unwrap(), minute(20)),
        Action::Transcribe => visit.transcribed_by(&user("dr-amiri")).map(|_| Outcome::AlreadyApplied),
        Action::Document => visit.documented_by(&user("dr-amiri")).map(|_| Outcome::AlreadyApplied),
    }
}

#[test]
fn every_action_in_every_state_does_what_the_table_says() {
    for (action, about, row) in TABLE {
        for (from, verdict) in COLUMNS.into_iter().zip(row) {
            let mut visit = in_status(from);
            let before = visit.clone();
            let answer = act(&mut visit, action, about);
            let cell = format!("{action:?} of {about:?} while {from}");
            match verdict {
                To(status) => {
                    assert_eq!(answer, Ok(Outcome::Applied), "{cell}");
                    assert_eq!(visit.status(), status, "{cell}");
                    assert_eq!(visit.version(), before.version().next(), "{cell}");
                    // Whom an Encounter is written for is told with the charge.
                    assert_eq!(visit.events().is_empty(), action == Action::RepointEncounter, "{cell}");
                    continue;
                }
                Repeat => assert_eq!(answer, Ok(Outcome::AlreadyApplied), "{cell}"),
                No => assert_eq!(answer, Err(Refusal::InvalidTransition { action, from }), "{cell}"),
                NotLost => assert_eq!(answer, Err(Refusal::PatientNotLost), "{cell}"),
                NotDue => assert!(matches!(answer, Err(Refusal::NotDue { .. })), "{cell}: {answer:?}"),
                Came => assert_eq!(answer, Err(Refusal::PatientCame), "{cell}"),
                NotWaiting => assert!(matches!(answer, Err(Refusal::NotWaiting { .. })), "{cell}: {answer:?}"),
            }
            assert_eq!(visit.parts(), before.parts(), "{cell}");
            assert!(visit.events().is_empty() && visit.follow_ups().is_empty(), "{cell}");
        }
    }
}

#[test]
fn the_table_has_a_column_for_every_state() {
    for status in SessionStatus::ALL {
        assert!(COLUMNS.contains(&status), "{status}");
    }
}

/// The commands that take the version a caller saw, and the state in which they would be applied.
type Versioned = (SessionStatus, fn(&mut VirtualSession, Change) -> Result<Outcome, Refusal>);

const VERSIONED: [Versioned; 11] = [
    (Scheduled, |visit, change| visit.invite(observer(9), LIMIT, &change)),
    (Scheduled, |visit, change| visit.issue_join_token(person(PATIENT), None, LIMIT, &change)),
    (Scheduled, |visit, change| visit.join_as_provider(person(9), LIMIT, PATIENCE, &change)),
    (Waiting, |visit, change| visit.admit(person(PATIENT), &change)),
    (Waiting, |visit, change| visit.remove(person(PATIENT), reason(), &change)),
    (Waiting, |visit, change| visit.cancel(reason(), &change)),
    (Scheduled, |visit, change| visit.mark_no_show(NoShowCode::PatientAbsent, &change)),
    (Waiting, |visit, change| visit.reschedule(&to(60), GRACE, &change)),
    (Active, |visit, change| visit.withdraw_recording(&change)),
    (Active, |visit, change| visit.fall_back(None, &change)),
    (Active, |visit, change| visit.end(None, &change)),
];

#[test]
fn who_saw_another_version_is_refused_and_told_the_current_one() {
    for (row, (status, command)) in VERSIONED.into_iter().enumerate() {
        let mut visit = in_status(status);
        let current = visit.version();
        for seen in [current.get() - 1, current.get() + 1, 0] {
            let change = seeing(seen, at(20));
            let answer = unchanged(&mut visit, |visit| command(visit, change));
            assert_eq!(answer, Err(Refusal::VersionConflict { current }), "row {row}");
        }
        assert_eq!(command(&mut visit, seeing(current.get(), at(20))), Ok(Outcome::Applied), "row {row}");
        assert_eq!(visit.version(), current.next(), "row {row}");
    }
}

#[test]
fn a_refusal_tells_in_words_what_was_tried_and_where_the_visit_stands() {
    let refusal = ended().cancel(reason(), &at(20)).unwrap_err();
    assert_eq!(refusal.to_string(), "cannot cancel a session that is ended");
}
