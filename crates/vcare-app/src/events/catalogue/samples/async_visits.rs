//! Visits without a live link that really run.

use time::OffsetDateTime;
use uuid::Uuid;
use vcare_domain::{
    Advice, AppointmentId, AsyncVisit, AsyncVisitId, AsyncVisitRefusal, Change, ChiefComplaint, ClaimLease,
    ClientMutationId, EncounterId, LanguageTag, NewAsyncVisit, NodeId, Outcome, PatientId, ResponseText, SessionId,
    Symptom, TenantId,
};

use super::{CLINICIAN, CREATED_AT, Narrator, SampleError, minute, scope, user, uuid};
use crate::actor::ActorRef;
use crate::events::async_visit_event;

const PATIENT: &str = "5e3a7d1c-0b7f-4f8e-a1d3-6a5b9c0e4d43";
/// What people wrote. No event may carry it.
pub(super) const WRITTEN: [&str; 4] =
    ["cough for three days", "fever at night", "drink much and rest", "no milk for a week"];

fn draft(number: usize, authored_at: OffsetDateTime) -> Result<NewAsyncVisit, SampleError> {
    Ok(NewAsyncVisit {
        id: AsyncVisitId::from_uuid(uuid(CREATED_AT, 0x200 + number)),
        tenant_id: TenantId::parse("kabul-central-hospital")?,
        node_id: Some(NodeId::parse("outpatient-2")?),
        patient_id: PatientId::parse("pat-5f1c7e20")?,
        appointment_id: Some(AppointmentId::parse("appt-88213")?),
        session_id: Some(SessionId::from_uuid(uuid(CREATED_AT, 3))),
        client_mutation_id: ClientMutationId::from_uuid(Uuid::from_u128(
            0x7f4d_f2a6_3c7e_4c4a_9d0b_2f1f_0a6f_5e00 + number as u128,
        )),
        submitted_by: user(PATIENT)?,
        related_person: None,
        chief_complaint: ChiefComplaint::parse(WRITTEN[0])?,
        complaint_code: None,
        symptoms: vec![Symptom::parse(WRITTEN[1])?],
        locale: Some(LanguageTag::parse("en")?),
        attachments_expected: 2,
        authored_at: Some(authored_at),
    })
}

type Command<'a> = &'a dyn Fn(&mut AsyncVisit, &Change) -> Result<Outcome, AsyncVisitRefusal>;

impl Narrator {
    pub(super) fn an_async_visit_that_is_answered(&mut self) -> Result<(), SampleError> {
        let mut visit = self.submitted(1)?;
        let answer = ResponseText::parse(WRITTEN[2])?;
        let (lease, encounter) = (ClaimLease::default(), EncounterId::parse("enc-77121")?);
        self.reviewed(&mut visit, 100, &|visit, change| visit.claim(lease, change))?;
        self.reviewed(&mut visit, 101, &|visit, change| visit.release(change))?;
        self.reviewed(&mut visit, 120, &|visit, change| visit.claim(lease, change))?;
        self.reviewed(&mut visit, 126, &|visit, change| visit.respond(answer.clone(), Advice::LiveVisit, change))?;
        self.written(&mut visit, |visit| visit.record_encounter(encounter, minute(127)))?;
        let more = ResponseText::parse(WRITTEN[3])?;
        self.reviewed(&mut visit, 140, &|visit, change| visit.amend(more.clone(), change))?;
        self.reviewed(&mut visit, 180, &|visit, change| visit.close(change))
    }

    pub(super) fn an_async_visit_whose_encounter_is_refused(&mut self) -> Result<(), SampleError> {
        let mut visit = self.submitted(2)?;
        let answer = ResponseText::parse(WRITTEN[2])?;
        self.reviewed(&mut visit, 120, &|visit, change| visit.claim(ClaimLease::default(), change))?;
        self.reviewed(&mut visit, 126, &|visit, change| visit.respond(answer.clone(), Advice::None, change))?;
        self.written(&mut visit, |visit| visit.park_encounter(minute(127)))
    }

    fn submitted(&mut self, number: usize) -> Result<AsyncVisit, SampleError> {
        let mut visit = AsyncVisit::submit(draft(number, minute(-1440))?, minute(90))?;
        self.tell_async(&mut visit, ActorRef::User(user(PATIENT)?))?;
        Ok(visit)
    }

    fn reviewed(&mut self, visit: &mut AsyncVisit, at: i64, command: Command<'_>) -> Result<(), SampleError> {
        let change = Change { by: user(CLINICIAN)?, at: minute(at), expected: Some(visit.parts().version.into()) };
        let actor = ActorRef::User(user(CLINICIAN)?);
        match command(visit, &change)? {
            Outcome::Applied => self.tell_async(visit, actor),
            Outcome::AlreadyApplied => Err("a sample's command changed nothing".into()),
        }
    }

    fn written(
        &mut self,
        visit: &mut AsyncVisit,
        command: impl FnOnce(&mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal>,
    ) -> Result<(), SampleError> {
        match command(visit)? {
            Outcome::Applied => self.tell_async(visit, ActorRef::System("encounter")),
            Outcome::AlreadyApplied => Err("a sample's command changed nothing".into()),
        }
    }

    /// As a store saves: what happened goes out, by whom it was caused.
    fn tell_async(&mut self, visit: &mut AsyncVisit, actor: ActorRef) -> Result<(), SampleError> {
        let scope = scope(actor)?;
        for recorded in visit.events() {
            let id = self.event_id(recorded.at);
            let told = async_visit_event(visit.parts(), recorded, id, &scope)?;
            let (subject, body) = told.ok_or("a sample's event tells nothing")?;
            self.told.push((None, subject, body));
        }
        visit.mark_saved();
        Ok(())
    }
}
