//! What holds for every visit, whatever is asked of it, in whatever order, by whatever clock.

mod history;
mod kept;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use time::{Duration, OffsetDateTime};

use self::history::check_history;
use self::kept::{Inside, check_time_together, is_legal};
use super::tests::support::{GRACE, LIMIT, NOON, PATIENCE, encounter, person, plan, reason, recording, to, user};
use crate::SessionStatus::{Active, Cancelled, NoShow};
use crate::*;

const USERS: [&str; 3] = ["dr-amiri", "dr-noori", "karim"];

/// A join token somebody holds: how many were issued since.
type TokenAge = u32;

#[derive(Debug, Clone)]
enum Command {
    Invite(Option<&'static str>, ParticipantRole),
    IssueJoinToken(Index),
    Join(Index, TokenAge),
    JoinAsProvider,
    Admit(Index),
    Remove(Index),
    Disconnect(Index),
    Connect(Index),
    Hear(Index, Heard),
    WithdrawRecording,
    RecordRecording(&'static str),
    ChangeMediaMode(MediaMode, SegmentCause),
    NoteLink(Index, LinkUse, bool),
    FallBack,
    RecordThread(&'static str),
    ParkThread,
    Fail,
    Cancel,
    End,
    EndByItself,
    MarkNoShow,
    Reschedule(i64),
    AnnounceDelay(u8),
    RecordEncounter(&'static str),
    RepointEncounter(&'static str),
    ParkEncounter,
}

/// Which version the caller says they saw.
#[derive(Debug, Clone, Copy)]
enum Seen {
    Nothing,
    Current,
    Off(i64),
}

/// One command, by somebody, at a time their clock shows.
#[derive(Debug, Clone)]
struct Step {
    command: Command,
    by: &'static str,
    at: OffsetDateTime,
    seen: Seen,
}

/// People come, are let in, drop out and are put out.
fn coming_and_going() -> impl Strategy<Value = Command> + Clone {
    let anybody = any::<Index>;
    let account = prop_oneof![Just(None), select(&USERS[..]).prop_map(Some)];
    let token = prop_oneof![9 => Just(0), 1 => 1..3_u32];
    prop_oneof![
        3 => (account, select(&ParticipantRole::ALL[..])).prop_map(|(user, role)| Command::Invite(user, role)),
        6 => anybody().prop_map(Command::IssueJoinToken),
        9 => (anybody(), token).prop_map(|(who, age)| Command::Join(who, age)),
        2 => Just(Command::JoinAsProvider),
        9 => anybody().prop_map(Command::Admit),
        1 => anybody().prop_map(Command::Remove),
        3 => anybody().prop_map(Command::Disconnect),
        2 => anybody().prop_map(Command::Connect),
        1 => (anybody(), select(&Heard::ALL[..])).prop_map(|(who, heard)| Command::Hear(who, heard)),
        2 => (select(&MediaMode::ALL[..]), select(&SegmentCause::ALL[..]))
            .prop_map(|(mode, cause)| Command::ChangeMediaMode(mode, cause)),
        3 => (anybody(), a_link(), any::<bool>()).prop_map(|(who, link, chosen)| Command::NoteLink(who, link, chosen)),
    ]
}

fn a_link() -> impl Strategy<Value = LinkUse> + Clone {
    (select(&MediaMode::ALL[..]), 0..2000_u32).prop_map(|(mode, cap_kbps)| LinkUse { mode, cap_kbps })
}

fn anything() -> impl Strategy<Value = Command> + Clone {
    prop_oneof![
        8 => coming_and_going(),
        12 => Just(Command::Fail),
        3 => Just(Command::JoinAsProvider),
        1 => Just(Command::FallBack),
        1 => select(&["thr_1", "thr_2"][..]).prop_map(Command::RecordThread),
        1 => Just(Command::ParkThread),
        1 => Just(Command::Cancel),
        2 => Just(Command::End),
        1 => Just(Command::EndByItself),
        1 => Just(Command::MarkNoShow),
        1 => (-90..90_i64).prop_map(Command::Reschedule),
        1 => select(&Delay::MINUTES[..]).prop_map(Command::AnnounceDelay),
        3 => select(&["enc-1", "enc-2"][..]).prop_map(Command::RecordEncounter),
        3 => Just(Command::ParkEncounter),
        1 => select(&["pat-1", "pat-2"][..]).prop_map(Command::RepointEncounter),
        1 => Just(Command::WithdrawRecording),
        1 => select(&["a.mp4", "b.mp4"][..]).prop_map(Command::RecordRecording),
    ]
}

fn a_step(command: impl Strategy<Value = Command>) -> impl Strategy<Value = Step> {
    let clock = (-3_600_000..3_600_000_i64).prop_map(|ms| NOON + Duration::milliseconds(ms));
    let seen = prop_oneof![6 => Just(Seen::Nothing), 2 => Just(Seen::Current), 1 => (-3..3_i64).prop_map(Seen::Off)];
    (command, select(&USERS[..]), clock, seen).prop_map(|(command, by, at, seen)| Step { command, by, at, seen })
}

/// Who provides, and what happens: at first people come, so that most visits begin before anything ends them.
fn a_life() -> impl Strategy<Value = (Option<&'static str>, Vec<Step>)> {
    let provider = prop_oneof![Just(None), select(&USERS[..2]).prop_map(Some)];
    let opening = prop::collection::vec(a_step(coming_and_going()), 0..40);
    let rest = prop::collection::vec(a_step(anything()), 0..40);
    (provider, opening, rest).prop_map(|(provider, opening, rest)| (provider, [opening, rest].concat()))
}

fn created(provider: Option<&str>) -> VirtualSession {
    VirtualSession::create(plan(provider), NOON)
}

/// A visit that one of those created, after a life of any length.
pub(crate) fn a_live_visit(created_by: impl Strategy<Value = &'static str>) -> impl Strategy<Value = VirtualSession> {
    (a_life(), created_by).prop_map(|((provider, steps), by)| {
        let mut visit = VirtualSession::create(NewSession { initiator_id: user(by), ..plan(provider) }, NOON);
        for (number, step) in steps.iter().enumerate() {
            let _ = step.run(&mut visit, number);
        }
        visit
    })
}

impl Step {
    fn change(&self, visit: &VirtualSession) -> Change {
        let current = visit.version();
        let expected = match self.seen {
            Seen::Nothing => None,
            Seen::Current => Some(current.into()),
            Seen::Off(by) => Some(Version::new(u32::try_from(i64::from(current.get()) + by).unwrap_or(0)).into()),
        };
        Change { by: user(self.by), at: self.at, expected }
    }

    /// `number` names whoever is new in this step.
    fn run(&self, visit: &mut VirtualSession, number: usize) -> Result<Outcome, Refusal> {
        let new = person(1000 + number as u128);
        let change = self.change(visit);
        let who = |index: &Index| index.get(&visit.parts().participants).clone();
        match &self.command {
            Command::Invite(name, role) => {
                visit.invite(NewParticipant { id: new, user_id: name.map(user), role: *role }, LIMIT, &change)
            }
            Command::IssueJoinToken(index) => visit.issue_join_token(who(index).id, None, LIMIT, &change),
            Command::Join(index, age) => {
                let who = who(index);
                visit.join(who.id, who.token_version.saturating_sub(*age), PATIENCE.resume, self.at)
            }
            Command::JoinAsProvider => visit.join_as_provider(new, LIMIT, PATIENCE, &change),
            Command::Admit(index) => visit.admit(who(index).id, &change),
            Command::Remove(index) => visit.remove(who(index).id, reason(), &change),
            Command::Disconnect(index) => visit.disconnect(who(index).id, self.at, Duration::MINUTE),
            Command::Connect(index) => visit.connect(who(index).id, self.at, PATIENCE),
            Command::Hear(index, heard) => visit.hear(who(index).id, *heard, self.at, PATIENCE),
            Command::WithdrawRecording => visit.withdraw_recording(&change),
            Command::RecordRecording(key) => visit.record_recording(recording(key), self.at),
            Command::ChangeMediaMode(mode, cause) => visit.change_media_mode(*mode, *cause, self.at),
            Command::NoteLink(index, link, chosen) => visit.note_link(who(index).id, *link, *chosen, self.at),
            Command::FallBack => visit.fall_back(None, &change),
            Command::RecordThread(id) => visit.record_thread(ThreadId::parse(*id).unwrap(), self.at),
            Command::ParkThread => visit.park_thread(self.at),
            Command::Fail => visit.fail(Duration::MINUTE, self.at),
            Command::Cancel => visit.cancel(reason(), &change),
            Command::End => visit.end(None, &change),
            Command::EndByItself => visit.end_by_itself(PATIENCE, self.at),
            Command::MarkNoShow => visit.mark_no_show(NoShowCode::PatientAbsent, &change),
            Command::Reschedule(minutes) => visit.reschedule(&to(*minutes), GRACE, &change),
            Command::AnnounceDelay(minutes) => visit.announce_delay(Delay::from_minutes(*minutes).unwrap(), self.at),
            Command::RecordEncounter(id) => visit.record_encounter(encounter(id), self.at),
            Command::ParkEncounter => visit.park_encounter(self.at),
            Command::RepointEncounter(id) => visit.repoint_encounter(PatientId::parse(*id).unwrap(), self.at),
        }
    }

    fn heeds_the_version(&self) -> bool {
        use Command::{
            Admit, Cancel, End, FallBack, Invite, IssueJoinToken, JoinAsProvider, MarkNoShow, Remove, Reschedule,
            WithdrawRecording,
        };
        matches!(
            self.command,
            Invite(..)
                | IssueJoinToken(_)
                | JoinAsProvider
                | Admit(_)
                | Remove(_)
                | Cancel
                | End
                | MarkNoShow
                | Reschedule(_)
                | FallBack
                | WithdrawRecording
        )
    }
}

/// What one step may do to a visit.
fn check_step(
    step: &Step,
    before: &VirtualSession,
    answer: &Result<Outcome, Refusal>,
    after: &VirtualSession,
) -> Result<(), TestCaseError> {
    let (old, new) = (before.parts(), after.parts());
    prop_assert!(is_legal(before.status(), after.status()), "{} to {}", before.status(), after.status());
    let fresh = after.events().len() - before.events().len();
    if *answer == Ok(Outcome::Applied) {
        prop_assert_eq!(new.version, old.version.next());
        // Whom an Encounter is written for is told with the charge.
        let untold = matches!(step.command, Command::RepointEncounter(_));
        prop_assert!(fresh > 0 || untold, "a change without event");
        prop_assert!(new.updated_at >= old.updated_at, "time ran backwards");
        prop_assert!(after.events().iter().rev().take(fresh).all(|recorded| recorded.at == new.updated_at));
        let stale = step.change(before).expected.is_some_and(|seen| !seen.contain(old.version));
        prop_assert!(!(stale && step.heeds_the_version()), "a stale caller changed the visit");
        prop_assert!(!matches!(before.status(), Cancelled), "a cancelled visit changed");
        prop_assert!(!matches!(before.status(), NoShow), "a visit that nobody came to changed");
    } else {
        prop_assert_eq!(new, old);
        prop_assert_eq!(fresh, 0, "an event without change");
        prop_assert_eq!(after.follow_ups(), before.follow_ups());
    }
    for (was, is) in old.participants.iter().zip(&new.participants) {
        prop_assert_eq!(was.id, is.id, "participants keep their places");
        let put_out = is.state.status() == ParticipantStatus::Removed && is.state != was.state;
        prop_assert!(is.token_version >= was.token_version + u32::from(put_out), "an old token lives again");
    }
    for (was, is) in old.segments.iter().zip(&new.segments) {
        prop_assert!(was == is || was.to.is_none(), "a closed segment changed");
    }
    let recorded = new.recordings.iter().collect::<BTreeSet<_>>();
    prop_assert_eq!(recorded.len(), new.recordings.len(), "a recording noted twice");
    prop_assert!(!new.recording_enabled || old.recording_enabled, "recording came on by itself");
    check_joining(step, before, answer)
}

/// A link opens only if it is the newest of somebody who was not put out.
fn check_joining(step: &Step, before: &VirtualSession, answer: &Result<Outcome, Refusal>) -> Result<(), TestCaseError> {
    if let (Command::Join(index, age), Ok(_)) = (&step.command, answer) {
        let who = index.get(&before.parts().participants);
        prop_assert!(*age == 0 && who.token_version > 0);
        prop_assert_ne!(who.state.status(), ParticipantStatus::Removed);
    }
    Ok(())
}

/// What holds for a visit at any time.
fn check_parts(parts: &SessionParts) -> Result<(), TestCaseError> {
    let is_active = parts.state.status() == Active;
    let open = parts.segments.iter().filter(|segment| segment.to.is_none()).count();
    prop_assert_eq!(open, usize::from(is_active), "a segment is open exactly while the visit is active");
    prop_assert!(parts.segments.windows(2).all(|pair| pair[0].to <= Some(pair[1].from)), "segments overlap");
    prop_assert!(parts.segments.iter().all(|segment| segment.to.is_none_or(|to| to >= segment.from)));
    prop_assert_eq!(parts.state.started_at(), parts.segments.first().map(|first| first.from));

    let patients = parts.participants.iter().filter(|p| p.role == ParticipantRole::Patient).count();
    prop_assert_eq!(patients, 1);
    let ids: BTreeSet<_> = parts.participants.iter().map(|p| p.id).collect();
    prop_assert_eq!(ids.len(), parts.participants.len(), "an id given twice");
    for (n, one) in parts.participants.iter().enumerate() {
        let twin =
            |other: &Participant| one.user_id.is_some() && one.user_id == other.user_id && one.role == other.role;
        prop_assert!(!parts.participants[..n].iter().any(twin), "somebody is there twice");
        prop_assert!(one.left_at.is_none_or(|left| one.joined_at.is_some_and(|joined| joined <= left)));
        prop_assert!(one.joined_at.is_none_or(|joined| joined >= parts.created_at && joined <= parts.updated_at));
        let came = one.role == ParticipantRole::Provider && one.joined_at.is_some();
        prop_assert!(!came || parts.provider_id.is_some(), "a provider came and the visit has none");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_of_a_visit_its_promises_hold((provider, steps) in a_life()) {
        let mut visit = created(provider);
        let mut kept = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let before = visit.clone();
            let answer = step.run(&mut visit, number);
            check_step(step, &before, &answer, &visit)?;
            check_parts(visit.parts())?;
            kept.push(Inside::of(&visit));
        }
        check_history(&visit)?;
        check_time_together(&kept, &visit)?;
    }

    #[test]
    fn a_visit_restored_before_every_step_lives_the_same_life((provider, steps) in a_life()) {
        let mut kept = created(provider);
        let mut stored = kept.parts().clone();
        for (number, step) in steps.iter().enumerate() {
            kept.mark_saved();
            let mut restored = VirtualSession::restore(stored);
            prop_assert_eq!(restored.parts(), kept.parts());
            prop_assert_eq!(restored.stored(), kept.stored());
            prop_assert_eq!(step.run(&mut restored, number), step.run(&mut kept, number));
            prop_assert_eq!(restored.events(), kept.events());
            prop_assert_eq!(restored.follow_ups(), kept.follow_ups());
            stored = restored.parts().clone();
        }
        prop_assert_eq!(&stored, kept.parts());
    }
}

/// Guards the properties above: they would hold for visits in which nothing ever happens, too.
#[test]
fn random_lives_reach_every_state_every_event_and_every_kind_of_refusal() {
    let mut runner = TestRunner::deterministic();
    let (mut statuses, mut events, mut refusals) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..600 {
        let (provider, steps) = a_life().new_tree(&mut runner).unwrap().current();
        let mut visit = created(provider);
        for (number, step) in steps.iter().enumerate() {
            if let Err(refusal) = step.run(&mut visit, number) {
                refusals.insert(first_word(&refusal));
            }
            statuses.insert(visit.status().as_str());
        }
        events.extend(visit.events().iter().map(|recorded| first_word(&recorded.event)));
    }
    assert_eq!(statuses.len(), SessionStatus::ALL.len(), "{statuses:?}");
    assert_eq!(events.len(), 24, "{events:?}");
    // Strangers cannot occur: every participant is drawn from the visit.
    assert_eq!(refusals.len(), 16, "{refusals:?}");
}

fn first_word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
