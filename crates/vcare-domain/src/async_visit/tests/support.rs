//! Visits in every state.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::*;

pub const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
pub const DOCTOR: &str = "dr-amiri";
pub const COLLEAGUE: &str = "dr-noori";

pub fn minute(n: i64) -> OffsetDateTime {
    NOON + Duration::minutes(n)
}

pub fn by(user: &str, at: i64) -> Change {
    Change { by: UserId::parse(user).unwrap(), at: minute(at), expected: None }
}

pub fn seeing(version: u32, change: Change) -> Change {
    Change { expected: Some(Version::new(version).into()), ..change }
}

pub fn lease(minutes: u16) -> ClaimLease {
    ClaimLease::minutes(minutes).unwrap()
}

pub fn answer(text: &str) -> ResponseText {
    ResponseText::parse(text).unwrap()
}

pub fn encounter(id: &str) -> EncounterId {
    EncounterId::parse(id).unwrap()
}

pub fn draft() -> NewAsyncVisit {
    NewAsyncVisit {
        id: AsyncVisitId::from_uuid(Uuid::from_u128(7)),
        tenant_id: TenantId::parse("hosp-kabul").unwrap(),
        node_id: None,
        patient_id: PatientId::parse("pat-1").unwrap(),
        appointment_id: None,
        session_id: None,
        client_mutation_id: ClientMutationId::parse("7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11").unwrap(),
        submitted_by: UserId::parse("pat-account").unwrap(),
        related_person: None,
        chief_complaint: ChiefComplaint::parse("سر درد").unwrap(),
        complaint_code: None,
        symptoms: vec![Symptom::parse("تب").unwrap()],
        locale: None,
        attachments_expected: 2,
        authored_at: Some(minute(-3000)),
    }
}

/// Submitted at noon.
pub fn submitted() -> AsyncVisit {
    let mut visit = AsyncVisit::submit(draft(), NOON).unwrap();
    visit.mark_saved();
    visit
}

/// In that state: claimed by the doctor at minute 1 for half an hour, answered at minute 5, closed at minute 6.
pub fn in_status(status: AsyncVisitStatus) -> AsyncVisit {
    let mut visit = submitted();
    for (reached, step) in [
        (AsyncVisitStatus::UnderReview, claim as fn(&mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal>),
        (AsyncVisitStatus::Responded, respond),
        (AsyncVisitStatus::Closed, close),
    ] {
        if visit.status() == status {
            break;
        }
        assert_eq!(step(&mut visit), Ok(Outcome::Applied));
        assert_eq!(visit.status(), reached);
        visit.mark_saved();
    }
    assert_eq!(visit.status(), status);
    visit
}

fn claim(visit: &mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal> {
    visit.claim(lease(30), &by(DOCTOR, 1))
}

fn respond(visit: &mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal> {
    visit.respond(answer("rest"), Advice::LiveVisit, &by(DOCTOR, 5))
}

fn close(visit: &mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal> {
    visit.close(&by(DOCTOR, 6))
}
