//! The policy against a model of it that was written from the design's table alone: 10,000 times somebody asks something of
//! a visit that the service can produce, and both must say the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::async_visit::properties::an_async_visit;
use crate::session::properties::a_live_visit;
use crate::*;

const TRIPLES: usize = 10_000;
/// The accounts that the random visits know, one that none knows, and those who create and send.
const ACCOUNTS: [&str; 6] = ["dr-amiri", "dr-noori", "karim", "scheduler", "pat-account", "stranger"];
/// The patient of every random visit.
const PATIENT: &str = "pat-1";

/// A relation, by its name in the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Bond {
    Own,
    Proxy,
    Treating,
    Submitter,
    Invited,
    Assigned,
    Emergency,
    Pool,
    Scheduling,
}

use Bond::{Assigned, Emergency, Invited, Own, Pool, Proxy, Scheduling, Submitter, Treating};

/// The nearest first: who cares for a patient does so before they act for them, and asks nobody.
const BONDS: [Bond; 9] = [Own, Treating, Proxy, Submitter, Invited, Assigned, Emergency, Pool, Scheduling];

/// Which roles get a permission in which relation, in the order of [`Bond`]: `c` clinician, `n` nurse practitioner,
/// `s` scheduler, `a` admin, `t` tenant admin, `p` platform admin, `i` patient. A clinician plans only visits that they have
/// created; this table does not say that.
#[rustfmt::skip]
const TABLE: [(Permission, [&str; 9]); 24] = [
    //                              own  proxy treat sub   invited    assig emerg pool  scheduling
    (Permission::SessionRead,       ["i", "i", "cn", "",   "cnsatpi", "cn", "cn", "cn", "cnsatp"]),
    (Permission::SessionInvite,     ["",  "",  "cn", "",   "",        "cn", "",   "",   "cnsa"]),
    (Permission::SessionLink,       ["i", "i", "cn", "",   "",        "cn", "",   "",   "cnsa"]),
    (Permission::SessionCancel,     ["i", "i", "cn", "",   "",        "cn", "",   "",   "cnsa"]),
    (Permission::SessionReschedule, ["",  "",  "cn", "",   "",        "cn", "",   "",   "cnsa"]),
    (Permission::SessionNoShow,     ["",  "",  "cn", "",   "",        "cn", "",   "",   "cnsa"]),
    (Permission::SessionDelay,      ["i", "i", "",   "",   "",        "",   "",   "",   ""]),
    (Permission::SessionJoin,       ["",  "",  "cn", "",   "",        "",   "cn", "cn", ""]),
    (Permission::SessionAdmit,      ["",  "",  "cn", "",   "",        "",   "",   "",   "a"]),
    (Permission::SessionEnd,        ["",  "",  "cn", "",   "",        "",   "",   "",   "a"]),
    (Permission::SessionRemove,     ["",  "",  "cn", "",   "",        "",   "",   "",   ""]),
    (Permission::SessionFallBack,   ["",  "",  "cn", "",   "",        "",   "",   "",   ""]),
    (Permission::ConnectionReport,  ["i", "i", "cn", "",   "cni",     "",   "",   "",   ""]),
    (Permission::LinkProbe,         ["i", "i", "cn", "",   "cnsatpi", "",   "",   "",   ""]),
    (Permission::RecordingWithdraw, ["i", "i", "cn", "",   "",        "",   "",   "",   ""]),
    (Permission::AiTranscribe,      ["",  "",  "c",  "",   "",        "",   "",   "",   ""]),
    (Permission::AiSummary,         ["",  "",  "c",  "",   "",        "",   "",   "",   ""]),
    (Permission::AiAcceptSummary,   ["",  "",  "c",  "",   "",        "",   "",   "",   ""]),
    (Permission::AsyncVisitSubmit,  ["i", "i", "cn", "",   "",        "cn", "",   "",   ""]),
    (Permission::AsyncVisitRead,    ["i", "i", "cn", "cn", "",        "cn", "cn", "cn", ""]),
    (Permission::AsyncVisitUpload,  ["i", "i", "cn", "cn", "",        "",   "",   "",   ""]),
    (Permission::AsyncVisitReview,  ["",  "",  "cn", "",   "",        "cn", "",   "cn", ""]),
    (Permission::AsyncVisitClose,   ["",  "",  "cn", "",   "",        "",   "",   "",   ""]),
    // Of no visit, so that no relation to one gives it.
    (Permission::SessionCreate,     ["";  9]),
];

fn letter(role: Role) -> char {
    match role {
        Role::Clinician => 'c',
        Role::NursePractitioner => 'n',
        Role::Scheduler => 's',
        Role::Admin => 'a',
        Role::TenantAdmin => 't',
        Role::PlatformAdmin => 'p',
        Role::Patient => 'i',
    }
}

/// Who an answer is for, by the rows of the design's table.
fn shown_as(bond: Bond) -> Audience {
    match bond {
        Own | Proxy => Audience::Patient,
        Treating => Audience::Treating,
        Invited => Audience::Guest,
        Submitter | Assigned | Emergency => Audience::Staff,
        Pool | Scheduling => Audience::Scheduler,
    }
}

/// Somebody who signed in.
#[derive(Debug, Clone)]
struct Somebody {
    account: UserId,
    patient: Option<PatientId>,
    roles: Vec<Role>,
}

#[derive(Debug, Clone)]
enum Visit {
    Live(VirtualSession),
    Async(AsyncVisit),
}

/// What is answered elsewhere: whether they act for the patient, have the patient in their care, have emergency access.
#[derive(Debug, Clone, Copy)]
struct Elsewhere {
    proxy: bool,
    assigned: bool,
    emergency: bool,
}

#[derive(Debug, Clone)]
struct Asked {
    somebody: Somebody,
    permission: Permission,
    elsewhere: Elsewhere,
}

/// One account's relations to a live visit.
struct Standing {
    treats: bool,
    takes_part: bool,
    was_removed: bool,
}

impl Standing {
    fn of(account: &UserId, visit: &SessionParts) -> Self {
        let removed = |one: &Participant| matches!(one.state, ParticipantState::Removed { .. });
        let (mut provides, mut stays, mut takes_part, mut was_removed) = (false, false, false, false);
        for one in visit.participants.iter().filter(|one| one.user_id.as_ref() == Some(account)) {
            was_removed |= removed(one);
            match one.role {
                ParticipantRole::Provider => (provides, stays) = (true, stays || !removed(one)),
                _ => takes_part |= !removed(one),
            }
        }
        let treats = stays || (!provides && visit.provider_id.as_ref() == Some(account));
        // Somebody who still has another part was not removed from the visit.
        Self { treats, takes_part, was_removed: was_removed && !treats && !takes_part }
    }
}

impl Visit {
    fn patient(&self) -> &PatientId {
        match self {
            Self::Live(visit) => &visit.parts().patient_id,
            Self::Async(visit) => &visit.parts().patient_id,
        }
    }

    /// The model: whether somebody has that relation to the visit, in one of their roles.
    fn stands(&self, bond: Bond, role: Role, asked: &Asked) -> bool {
        let (account, cares) = (&asked.somebody.account, matches!(letter(role), 'c' | 'n'));
        match (bond, self) {
            (Own, _) => asked.somebody.patient.as_ref() == Some(self.patient()),
            (Proxy, _) => asked.elsewhere.proxy && role == Role::Patient,
            (Assigned, _) => asked.elsewhere.assigned && cares,
            (Emergency, _) => asked.elsewhere.emergency && cares,
            (Treating, Self::Live(visit)) => cares && Standing::of(account, visit.parts()).treats,
            (Treating, Self::Async(visit)) => cares && holder(visit.parts()) == Some(account),
            (Submitter, Self::Live(_)) | (Invited, Self::Async(_)) => false,
            (Submitter, Self::Async(visit)) => cares && visit.parts().submitted_by == *account,
            (Invited, Self::Live(visit)) => Standing::of(account, visit.parts()).takes_part,
            (Pool, Self::Live(visit)) => {
                let parts = visit.parts();
                let accounts =
                    parts.participants.iter().filter_map(|one| one.user_id.as_ref()).chain(&parts.provider_id);
                let free = !accounts.into_iter().any(|one| Standing::of(one, parts).treats);
                let open = matches!(
                    parts.state,
                    SessionState::Scheduled | SessionState::Waiting | SessionState::Active { .. }
                );
                cares && free && open && !Standing::of(account, parts).was_removed
            }
            (Pool, Self::Async(visit)) => {
                cares && matches!(visit.parts().state, AsyncVisitState::Submitted | AsyncVisitState::UnderReview(_))
            }
            (Scheduling, Self::Live(visit)) if cares => {
                visit.parts().initiator_id == *account && !Standing::of(account, visit.parts()).was_removed
            }
            (Scheduling, _) => matches!(letter(role), 's' | 'a' | 't' | 'p'),
        }
    }

    /// The relations that somebody has to the visit, in any of their roles.
    fn bonds(&self, asked: &Asked) -> Vec<Bond> {
        let own = self.stands(Own, Role::Patient, asked);
        let excluded = |bond: &Bond| !own || *bond == Own;
        let held = |bond: &Bond| asked.somebody.roles.iter().any(|role| self.stands(*bond, *role, asked));
        BONDS.into_iter().filter(excluded).filter(held).collect()
    }

    /// The model's answer. What only looks is answered by the nearest relation that gives it; everything else by the
    /// nearest that the visit knows of itself, and only then by what must be asked elsewhere.
    fn model(&self, asked: &Asked) -> Option<Bond> {
        let row = TABLE.iter().find(|(permission, _)| *permission == asked.permission);
        let cells = row.map_or([""; 9], |(_, cells)| *cells);
        let gives = |bond: &Bond| {
            let cell = cells[*bond as usize];
            asked.somebody.roles.iter().any(|role| cell.contains(letter(*role)) && self.stands(*bond, *role, asked))
        };
        let giving: Vec<Bond> = self.bonds(asked).into_iter().filter(gives).collect();
        let known = giving.iter().find(|bond| !matches!(bond, Proxy | Assigned | Emergency));
        match asked.permission {
            Permission::SessionRead | Permission::AsyncVisitRead => giving.first().copied(),
            _ => known.or(giving.first()).copied(),
        }
    }

    /// The policy's answer, driven to its end.
    fn policy(&self, asked: &Asked) -> Option<Relation> {
        let Somebody { account, patient, roles } = &asked.somebody;
        let person = Person { user_id: account, patient_id: patient.as_ref(), roles };
        let facts = match self {
            Self::Live(visit) => visit.facts(account),
            Self::Async(visit) => visit.facts(account),
        };
        let mut known = Known::default();
        for _ in 0..=3 {
            match decide_access(&person, asked.permission, &facts, &known) {
                AccessDecision::Allowed(relation) => return Some(relation),
                AccessDecision::Denied => return None,
                AccessDecision::Ask(outside) => {
                    assert_eq!(known.of(outside), None, "asked twice: {outside:?} {asked:?}");
                    let holds = match outside {
                        Outside::Proxy => asked.elsewhere.proxy,
                        Outside::Assigned => asked.elsewhere.assigned,
                        Outside::Emergency => asked.elsewhere.emergency,
                    };
                    known.learn(outside, holds);
                }
            }
        }
        panic!("there are three questions, and a fourth was asked: {asked:?} {self:?}");
    }
}

/// Who has claimed or answered an async visit.
fn holder(visit: &AsyncVisitParts) -> Option<&UserId> {
    match &visit.state {
        AsyncVisitState::Submitted => None,
        AsyncVisitState::UnderReview(claim) => Some(&claim.by),
        AsyncVisitState::Responded(response) | AsyncVisitState::Closed { response, .. } => Some(&response.by),
    }
}

fn somebody() -> impl Strategy<Value = Somebody> {
    use Role::{Admin, Clinician, NursePractitioner, Patient, Scheduler};
    let usual = select(vec![
        vec![Clinician],
        vec![NursePractitioner],
        vec![Patient],
        vec![Scheduler],
        vec![Admin],
        vec![Patient, Clinician],
        vec![Scheduler, Clinician],
        vec![Admin, NursePractitioner],
    ]);
    let roles = prop_oneof![3 => usual, 2 => subsequence(Role::ALL.to_vec(), 0..=4)];
    let patient = prop_oneof![5 => Just(None), 2 => Just(Some(PATIENT)), 1 => Just(Some("pat-2"))];
    (select(&ACCOUNTS[..]), patient, roles).prop_map(|(account, patient, roles)| Somebody {
        account: UserId::parse(account).unwrap(),
        patient: patient.map(|patient| PatientId::parse(patient).unwrap()),
        roles,
    })
}

fn a_visit() -> impl Strategy<Value = Visit> {
    let by = || select(&ACCOUNTS[..]);
    prop_oneof![
        3 => a_live_visit(by()).prop_map(Visit::Live),
        2 => an_async_visit(by()).prop_map(Visit::Async),
    ]
}

/// Mostly what can be asked of a visit of that kind.
fn something(visit: &Visit) -> impl Strategy<Value = Permission> + use<> {
    let of_live = matches!(visit, Visit::Live(_));
    let is_for_async = |permission: &Permission| permission.as_str().contains(":async_visit:");
    let (of_async, others): (Vec<_>, Vec<_>) = Permission::ALL.into_iter().partition(is_for_async);
    let (fitting, reading) =
        if of_live { (others, Permission::SessionRead) } else { (of_async, Permission::AsyncVisitRead) };
    prop_oneof![5 => select(fitting), 2 => Just(reading), 1 => select(&Permission::ALL[..])]
}

fn elsewhere() -> impl Strategy<Value = Elsewhere> {
    let sometimes = || prop::bool::weighted(0.3);
    (sometimes(), sometimes(), sometimes()).prop_map(|(proxy, assigned, emergency)| Elsewhere {
        proxy,
        assigned,
        emergency,
    })
}

fn draw<T>(strategy: &impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// The same every time: eight questions to each visit.
fn triples() -> Vec<(Visit, Asked)> {
    let mut runner = TestRunner::deterministic();
    let mut all = Vec::new();
    while all.len() < TRIPLES {
        let visit = draw(&a_visit(), &mut runner);
        for _ in 0..8 {
            let (somebody, elsewhere) = draw(&(somebody(), elsewhere()), &mut runner);
            let permission = draw(&something(&visit), &mut runner);
            all.push((visit.clone(), Asked { somebody, permission, elsewhere }));
        }
    }
    all
}

#[test]
fn ten_thousand_times_the_policy_says_what_the_design_says() {
    for (number, (visit, asked)) in triples().iter().enumerate() {
        let (model, policy) = (visit.model(asked), visit.policy(asked));
        let said = policy.map(|relation| (format!("{relation:?}"), relation.audience()));
        let expected = model.map(|bond| (format!("{bond:?}"), shown_as(bond)));
        assert_eq!(said, expected, "{number}: {asked:#?} of {visit:#?}");
    }
}

/// Guards the test above, which would also pass if nobody ever had any relation.
#[test]
fn the_ten_thousand_reach_every_relation_with_yes_and_with_no_and_every_permission() {
    let all = triples();
    assert_eq!(all.len(), TRIPLES);
    let (mut yes, mut no) = (BTreeMap::<Bond, usize>::new(), BTreeMap::<Bond, usize>::new());
    let (mut given, mut refused, mut kinds) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (visit, asked) in &all {
        match visit.model(asked) {
            Some(bond) => {
                *yes.entry(bond).or_default() += 1;
                given.insert(asked.permission.as_str());
            }
            None => {
                for bond in visit.bonds(asked) {
                    *no.entry(bond).or_default() += 1;
                }
                refused.insert(asked.permission.as_str());
            }
        }
        kinds.extend(kinds_of(visit, asked));
    }
    for bond in BONDS {
        let often = |counted: &BTreeMap<Bond, usize>| counted.get(&bond).copied().unwrap_or_default();
        assert!(often(&yes) >= 20, "{bond:?} gave something {} times: {yes:?}", often(&yes));
        assert!(often(&no) >= 20, "{bond:?} was not enough {} times: {no:?}", often(&no));
    }
    // What is of no visit is nobody's in any relation to one.
    assert_eq!(given.len(), TABLE.len() - 1, "{given:?}");
    assert_eq!(refused.len(), Permission::ALL.len(), "{refused:?}");
    assert_eq!(kinds.len(), 12, "{kinds:?}");
}

/// What is worth meeting among the visits and people.
fn kinds_of(visit: &Visit, asked: &Asked) -> Vec<&'static str> {
    let Somebody { account, patient, roles } = &asked.somebody;
    let is = |role: Role| roles.contains(&role);
    let mut kinds = vec![
        ("a patient who is a clinician", patient.is_some() && is(Role::Patient) && is(Role::Clinician)),
        ("a scheduler who is a clinician", is(Role::Scheduler) && is(Role::Clinician)),
    ];
    match visit {
        Visit::Live(live) => {
            let parts = live.parts();
            let own = || parts.participants.iter().filter(|one| one.user_id.as_ref() == Some(account));
            let removed = |one: &Participant| matches!(one.state, ParticipantState::Removed { .. });
            let provides = |one: &Participant| one.role == ParticipantRole::Provider;
            // Put out and let in again: the token of who has one was raised, and nobody else's was without a link.
            let back = |one: &Participant| one.left_at.is_some() && matches!(one.state, ParticipantState::Invited);
            kinds.extend([
                ("a provider who was removed", own().any(|one| provides(one) && removed(one))),
                ("a guest who was removed", own().any(|one| !provides(one) && removed(one))),
                ("somebody who was put out and invited again", own().any(back)),
                ("somebody with two parts", own().count() > 1),
                ("an interpreter", own().any(|one| one.role == ParticipantRole::Interpreter && !removed(one))),
                ("a visit that nobody provides", !parts.participants.iter().any(provides)),
                ("a visit of theirs that somebody else created", own().any(provides) && parts.initiator_id != *account),
                ("a visit that is over", live.is_over()),
            ]);
        }
        Visit::Async(visit) => {
            let claimed = matches!(visit.parts().state, AsyncVisitState::UnderReview(_));
            let answered = matches!(visit.parts().state, AsyncVisitState::Responded(_));
            kinds.extend([
                ("a claim of theirs", claimed && holder(visit.parts()) == Some(account)),
                ("an answer of theirs", answered && holder(visit.parts()) == Some(account)),
            ]);
        }
    }
    kinds.into_iter().filter(|(_, met)| *met).map(|(kind, _)| kind).collect()
}
