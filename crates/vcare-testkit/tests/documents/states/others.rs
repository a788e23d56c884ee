//! A visit without a live link, and a machine's draft.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_domain::{
    Advice, AiDraft, AiDraftId, AiModel, AsyncVisit, AsyncVisitId, AsyncVisitRefusal, AsyncVisitStatus, Author, Change,
    ChiefComplaint, ClaimLease, ClientMutationId, Delivery, DraftRefusal, DraftState, EncounterId, KeyedHash,
    NewAsyncVisit, NewDraft, NoteId, Outcome, PatientId, ResponseText, SealedText, TenantId, UserId,
};

use super::explore::{Cells, Command, Machine, OUTSIDE, are_all_commands, explore};
use super::visit::{DOCTOR, NOON, held};

const COLLEAGUE: &str = "dr-noori";

fn submitted() -> AsyncVisit {
    let new = NewAsyncVisit {
        id: AsyncVisitId::from_uuid(Uuid::from_u128(7)),
        tenant_id: TenantId::parse("hosp-kabul").unwrap(),
        node_id: None,
        patient_id: PatientId::parse("pat-1").unwrap(),
        appointment_id: None,
        session_id: None,
        client_mutation_id: ClientMutationId::parse("7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11").unwrap(),
        submitted_by: UserId::parse("pat-account").unwrap(),
        related_person: None,
        chief_complaint: ChiefComplaint::parse("headache").unwrap(),
        complaint_code: None,
        symptoms: Vec::new(),
        locale: None,
        attachments_expected: 0,
        authored_at: Some(NOON),
    };
    AsyncVisit::submit(new, NOON).unwrap()
}

/// What is decided on an async visit, by whom, and when.
type Decide = fn(&mut AsyncVisit, &Change) -> Result<Outcome, AsyncVisitRefusal>;

const DECISIONS: [(&str, Decide); 8] = [
    ("claim", |visit, change| visit.claim(ClaimLease::minutes(1).unwrap(), change)),
    ("release", |visit, change| visit.release(change)),
    ("respond", |visit, change| visit.respond(ResponseText::parse("rest").unwrap(), Advice::None, change)),
    ("amend", |visit, change| visit.amend(ResponseText::parse("no milk").unwrap(), change)),
    ("close", |visit, change| visit.close(change)),
    ("record_encounter", |visit, change| visit.record_encounter(EncounterId::parse("enc-1").unwrap(), change.at)),
    ("park_encounter", |visit, change| visit.park_encounter(change.at)),
    ("repoint_encounter", |visit, change| visit.repoint_encounter(PatientId::parse("pat-2").unwrap(), change.at)),
];

/// A visit without a live link, its Encounter, and what each command comes to.
pub fn async_visit() -> (Machine, Machine, String) {
    let names = DECISIONS.map(|(name, _)| name);
    are_all_commands(&names, "async_visit");
    let mut commands: Vec<Command<AsyncVisit>> = Vec::new();
    for (name, decide) in DECISIONS {
        // Half a minute after a claim of one minute it holds, two minutes after it does not.
        for (by, seconds) in [DOCTOR, COLLEAGUE].into_iter().flat_map(|by| [(by, 30), (by, 120)]) {
            let command = move |visit: &mut AsyncVisit| {
                let at = visit.parts().updated_at + Duration::seconds(seconds);
                decide(visit, &Change { by: UserId::parse(by).unwrap(), at, expected: None }).ok()
            };
            commands.push((name, Box::new(command)));
        }
    }
    let encounter = |visit: &AsyncVisit| {
        let response = visit.parts().state.response();
        response.map_or(OUTSIDE, |response| response.encounter.status().as_str())
    };
    let key = |visit: &AsyncVisit| {
        format!(
            "{} {:?} {}",
            visit.status().as_str(),
            visit.parts().state.provider().map(UserId::as_str),
            encounter(visit)
        )
    };
    let mut machine = Machine::beginning("submit", AsyncVisitStatus::Submitted.as_str());
    let (mut encounters, mut cells) = (Machine::default(), Cells::default());
    explore(submitted(), &commands, key, |before, command, after, answer| {
        let (from, to) = (before.status().as_str(), after.status().as_str());
        cells.note(from, command, to, answer);
        machine.step(from, command, to);
        encounters.step(encounter(before), command, encounter(after));
    });
    let states: Vec<&str> = AsyncVisitStatus::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(machine.states(), states.iter().copied().collect::<BTreeSet<_>>());
    (machine.ending(&["closed"]), encounters, cells.table(&states, &names))
}

fn sealed() -> SealedText {
    SealedText { key_id: "key".to_owned(), bytes: vec![1; 40] }
}

fn state_of(draft: &AiDraft) -> &'static str {
    match &draft.parts().state {
        DraftState::Pending { .. } => "pending",
        DraftState::Accepted { delivery: Delivery::Owed { .. }, .. } => "owed",
        DraftState::Accepted { delivery: Delivery::Parked { .. }, .. } => "parked",
        DraftState::Accepted { delivery: Delivery::Done { .. }, .. } => "delivered",
        DraftState::Declined(_) => "declined",
        DraftState::Expired { .. } => "expired",
    }
}

/// What is done with a draft by its author, and when.
type Handle = fn(&mut AiDraft, &Author, OffsetDateTime) -> Result<Outcome, DraftRefusal>;

const HANDLING: [(&str, Handle); 5] = [
    ("accept", |draft, author, at| draft.accept(author, None, at)),
    ("decline", |draft, author, at| draft.decline(author, at)),
    ("expire", |draft, _, at| Ok(draft.expire(at))),
    ("record_delivery", |draft, _, at| draft.record_delivery(NoteId::parse("note_1").unwrap(), at)),
    ("park_delivery", |draft, _, at| draft.park_delivery(at)),
];

/// A machine's draft.
pub fn draft() -> Machine {
    let visit = held();
    let author = visit.documented_by(&UserId::parse(DOCTOR).unwrap()).unwrap();
    let new = NewDraft {
        id: AiDraftId::from_uuid(Uuid::from_u128(7)),
        tenant_id: visit.parts().tenant_id.clone(),
        model: AiModel::parse("standin-1").unwrap(),
        transcript_hash: KeyedHash::from_bytes([1; 32]),
        draft_hash: KeyedHash::from_bytes([2; 32]),
        text: sealed(),
        expires_at: NOON + Duration::DAY,
    };
    let start = AiDraft::create(new, &author, NOON);
    are_all_commands(&HANDLING.map(|(name, _)| name), "ai/draft.rs");
    let mut commands: Vec<Command<AiDraft>> = Vec::new();
    for (name, handle) in HANDLING {
        // In its time, and after it.
        for at in [NOON + Duration::HOUR, NOON + Duration::days(2)] {
            let author = author.clone();
            commands.push((name, Box::new(move |draft: &mut AiDraft| handle(draft, &author, at).ok())));
        }
    }
    let mut machine = Machine::beginning("create", "pending");
    explore(
        start,
        &commands,
        |draft| state_of(draft).to_owned(),
        |before, command, after, _| {
            machine.step(state_of(before), command, state_of(after));
        },
    );
    assert_eq!(machine.states().len(), 6);
    machine.ending(&["delivered", "declined", "expired"])
}
