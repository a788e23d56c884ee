//! What holds for every visit, whatever is asked of it, in whatever order, by whatever clock.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use time::{Duration, OffsetDateTime};

use super::tests::support::{COLLEAGUE, DOCTOR, NOON, answer, draft, encounter, lease};
use crate::AsyncVisitStatus::{Closed, Responded, Submitted, UnderReview};
use crate::*;

#[derive(Debug, Clone)]
enum Command {
    Claim(u16),
    Release,
    Respond(&'static str, Advice),
    Amend(&'static str),
    Close,
    RepointEncounter(&'static str),
    RecordEncounter(&'static str),
    ParkEncounter,
}

/// One command, by somebody, at a time their clock shows, acting on a version so far from the current one.
#[derive(Debug, Clone)]
struct Step {
    command: Command,
    by: &'static str,
    at: OffsetDateTime,
    off: Option<i64>,
}

fn a_step() -> impl Strategy<Value = Step> {
    let command = prop_oneof![
        4 => (1..60_u16).prop_map(Command::Claim),
        2 => Just(Command::Release),
        3 => (select(&["rest", "drink"][..]), select(&Advice::ALL[..]))
            .prop_map(|(text, advice)| Command::Respond(text, advice)),
        2 => select(&["no milk", "no tea"][..]).prop_map(Command::Amend),
        1 => Just(Command::Close),
        1 => select(&["pat-1", "pat-2"][..]).prop_map(Command::RepointEncounter),
        2 => select(&["enc-1", "enc-2"][..]).prop_map(Command::RecordEncounter),
        1 => Just(Command::ParkEncounter),
    ];
    let clock = (-7_200_000..7_200_000_i64).prop_map(|ms| NOON + Duration::milliseconds(ms));
    let off = prop_oneof![6 => Just(None), 2 => Just(Some(0)), 1 => (-2..3_i64).prop_map(Some)];
    (command, select(&[DOCTOR, COLLEAGUE][..]), clock, off).prop_map(|(command, by, at, off)| Step {
        command,
        by,
        at,
        off,
    })
}

fn a_life() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(a_step(), 0..30)
}

fn submitted() -> AsyncVisit {
    AsyncVisit::submit(draft(), NOON).unwrap()
}

/// A visit that one of those sent, after a life of any length.
pub(crate) fn an_async_visit(sent_by: impl Strategy<Value = &'static str>) -> impl Strategy<Value = AsyncVisit> {
    (a_life(), sent_by).prop_map(|(steps, by)| {
        let new = NewAsyncVisit { submitted_by: UserId::parse(by).unwrap(), ..draft() };
        let mut visit = AsyncVisit::submit(new, NOON).unwrap();
        for step in &steps {
            let _ = step.run(&mut visit);
        }
        visit
    })
}

impl Step {
    fn change(&self, visit: &AsyncVisit) -> Change {
        let current = i64::from(visit.parts().version.get());
        let expected = self.off.map(|off| Version::new(u32::try_from(current + off).unwrap_or(0)).into());
        Change { by: UserId::parse(self.by).unwrap(), at: self.at, expected }
    }

    fn run(&self, visit: &mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal> {
        let change = self.change(visit);
        match &self.command {
            Command::Claim(minutes) => visit.claim(lease(*minutes), &change),
            Command::Release => visit.release(&change),
            Command::Respond(text, advice) => visit.respond(answer(text), *advice, &change),
            Command::Amend(text) => visit.amend(answer(text), &change),
            Command::Close => visit.close(&change),
            Command::RepointEncounter(id) => visit.repoint_encounter(PatientId::parse(*id).unwrap(), self.at),
            Command::RecordEncounter(id) => visit.record_encounter(encounter(id), self.at),
            Command::ParkEncounter => visit.park_encounter(self.at),
        }
    }
}

/// The states, written down a second time.
fn is_legal(from: AsyncVisitStatus, to: AsyncVisitStatus) -> bool {
    from == to
        || matches!((from, to), (Submitted, UnderReview) | (UnderReview, Submitted | Responded) | (Responded, Closed))
}

/// What one step may do to a visit.
fn check_step(
    step: &Step,
    before: &AsyncVisit,
    told: &Result<Outcome, AsyncVisitRefusal>,
    after: &AsyncVisit,
) -> Result<(), TestCaseError> {
    let (old, new) = (before.parts(), after.parts());
    prop_assert!(is_legal(before.status(), after.status()), "{} to {}", before.status(), after.status());
    let fresh = after.events().len() - before.events().len();
    if *told == Ok(Outcome::Applied) {
        prop_assert_eq!(new.version, old.version.next());
        // Whom an Encounter is written for is told with the charge.
        let told = usize::from(!matches!(step.command, Command::RepointEncounter(_)));
        prop_assert_eq!(fresh, told);
        prop_assert!(new.updated_at >= old.updated_at, "time ran backwards");
        prop_assert!(told == 0 || after.events().last().is_some_and(|recorded| recorded.at == new.updated_at));
    } else {
        prop_assert_eq!(new, old);
        prop_assert_eq!(fresh, 0, "an event without change");
        prop_assert_eq!(after.follow_ups(), before.follow_ups());
    }
    // What was submitted stays.
    prop_assert_eq!(&new.chief_complaint, &old.chief_complaint);
    prop_assert_eq!((new.authored_at, new.submitted_at), (old.authored_at, old.submitted_at));
    // A hold that lasts is nobody else's, and an answer is only its holder's.
    if let Some(held) = old.state.claim()
        && held.by.as_str() != step.by
        && matches!(step.command, Command::Claim(_) | Command::Release | Command::Respond(..))
    {
        let over = step.at.max(old.updated_at) >= held.until;
        let taken_over = over && matches!(step.command, Command::Claim(_));
        prop_assert!(taken_over || *told != Ok(Outcome::Applied), "somebody else's visit was changed");
    }
    if let (Some(was), Some(is)) = (old.state.response(), new.state.response()) {
        prop_assert_eq!((&was.text, was.advice, &was.by), (&is.text, is.advice, &is.by), "an answer changed");
        prop_assert!(is.addenda.starts_with(&was.addenda), "what was added changed");
        prop_assert!(is.addenda.len() <= MAX_ADDENDA && is.addenda.iter().all(|one| one.by == is.by));
    }
    Ok(())
}

/// What a whole life of a visit told the world.
fn check_history(visit: &AsyncVisit) -> Result<(), TestCaseError> {
    let events: Vec<_> = visit.events().iter().map(|recorded| &recorded.event).collect();
    let count = |is: fn(&AsyncVisitEvent) -> bool| events.iter().filter(|event| is(event)).count();
    prop_assert_eq!(events[0], &AsyncVisitEvent::Submitted);
    prop_assert_eq!(count(|event| matches!(event, AsyncVisitEvent::Submitted)), 1);
    prop_assert!(visit.events().is_sorted_by_key(|recorded| recorded.at), "events out of order");
    let answered = visit.parts().state.response();
    prop_assert_eq!(count(|event| matches!(event, AsyncVisitEvent::Responded)), usize::from(answered.is_some()));
    let owed: &[FollowUp] = if answered.is_some() { &[FollowUp::CreateEncounter] } else { &[] };
    prop_assert_eq!(visit.follow_ups(), owed, "an Encounter exactly if it was answered");
    let recorded = answered.and_then(|response| response.encounter.id()).cloned();
    let charges: Vec<_> = events.iter().filter(|event| matches!(event, AsyncVisitEvent::Chargeable { .. })).collect();
    let charge = recorded.map(|encounter| AsyncVisitEvent::Chargeable { encounter });
    prop_assert_eq!(charges.len(), usize::from(charge.is_some()), "charged twice, or for nothing");
    prop_assert!(charges.iter().all(|told| Some(**told) == charge.as_ref()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_of_a_visit_its_promises_hold(steps in a_life()) {
        let mut visit = submitted();
        for step in &steps {
            let before = visit.clone();
            let told = step.run(&mut visit);
            check_step(step, &before, &told, &visit)?;
        }
        check_history(&visit)?;
    }

    #[test]
    fn a_visit_restored_before_every_step_lives_the_same_life(steps in a_life()) {
        let mut kept = submitted();
        let mut stored = kept.parts().clone();
        for step in &steps {
            kept.mark_saved();
            let mut restored = AsyncVisit::restore(stored);
            prop_assert_eq!(restored.parts(), kept.parts());
            prop_assert_eq!(restored.stored(), kept.stored());
            prop_assert_eq!(step.run(&mut restored), step.run(&mut kept));
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
    for _ in 0..400 {
        let steps = a_life().new_tree(&mut runner).unwrap().current();
        let mut visit = submitted();
        for step in &steps {
            if let Err(refusal) = step.run(&mut visit) {
                refusals.insert(first_word(&refusal));
            }
            statuses.insert(visit.status().as_str());
        }
        events.extend(visit.events().iter().map(|recorded| first_word(&recorded.event)));
    }
    assert_eq!(statuses.len(), AsyncVisitStatus::ALL.len(), "{statuses:?}");
    assert_eq!(events.len(), 8, "{events:?}");
    assert_eq!(refusals.len(), 4, "{refusals:?}");
}

fn first_word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
