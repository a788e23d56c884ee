//! Submitting a visit, taking it up, answering it, and what follows an answer.

use time::{Duration, OffsetDateTime};

use crate::async_visit::{
    Addendum, Advice, AsyncVisit, AsyncVisitAction, AsyncVisitEvent, AsyncVisitParts, AsyncVisitRefusal,
    AsyncVisitState, Claim, ComplaintCode, MAX_ADDENDA, MAX_ATTACHMENTS, MAX_SYMPTOMS, Response,
};
use crate::encounter::{ChartedEncounter, EncounterRecord};
use crate::event::{FollowUp, Recorded};
use crate::ids::{AsyncVisitId, ClientMutationId, SessionId};
use crate::session::{Change, Outcome, Version};
use crate::text::{
    AppointmentId, ChiefComplaint, LanguageTag, NodeId, PatientId, RelatedPersonId, ResponseText, Symptom, TenantId,
    UserId,
};

/// What cannot be a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAsyncVisit {
    /// More symptoms than anybody reads.
    #[error("must be at most {MAX_SYMPTOMS}")]
    TooManySymptoms,
    /// More photos and voice notes than are kept.
    #[error("must be at most {MAX_ATTACHMENTS}")]
    TooManyAttachments,
    /// A claim for no time, or for longer than anybody reads.
    #[error("must be a number from 1 to {}", ClaimLease::MAX_MINUTES)]
    LeaseOutOfRange,
}

/// What a new visit is made of. All gates have been passed.
#[derive(Debug, Clone)]
pub struct NewAsyncVisit {
    /// The visit.
    pub id: AsyncVisitId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The facility.
    pub node_id: Option<NodeId>,
    /// Whom it is for.
    pub patient_id: PatientId,
    /// The appointment it fulfils.
    pub appointment_id: Option<AppointmentId>,
    /// The live visit that it goes on with.
    pub session_id: Option<SessionId>,
    /// The draft's name.
    pub client_mutation_id: ClientMutationId,
    /// Who sends it.
    pub submitted_by: UserId,
    /// Who sends it, when they act for the patient.
    pub related_person: Option<RelatedPersonId>,
    /// Why the patient asks for help.
    pub chief_complaint: ChiefComplaint,
    /// The complaint's code, where the sender has one.
    pub complaint_code: Option<ComplaintCode>,
    /// What they feel.
    pub symptoms: Vec<Symptom>,
    /// The language they wrote in.
    pub locale: Option<LanguageTag>,
    /// How many photos and voice notes come with it.
    pub attachments_expected: u8,
    /// When it was written, by the phone's clock; `None` when the phone does not say.
    pub authored_at: Option<OffsetDateTime>,
}

/// How long a claim keeps others away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimLease(Duration);

impl ClaimLease {
    /// The longest, in minutes.
    pub const MAX_MINUTES: u16 = 240;

    /// So many minutes.
    ///
    /// # Errors
    /// [`InvalidAsyncVisit::LeaseOutOfRange`] unless 1 to [`Self::MAX_MINUTES`].
    pub fn minutes(minutes: u16) -> Result<Self, InvalidAsyncVisit> {
        let fits = (1..=Self::MAX_MINUTES).contains(&minutes);
        if fits { Ok(Self(Duration::minutes(minutes.into()))) } else { Err(InvalidAsyncVisit::LeaseOutOfRange) }
    }
}

impl Default for ClaimLease {
    /// Half an hour.
    fn default() -> Self {
        Self(Duration::minutes(30))
    }
}

impl AsyncVisit {
    /// Takes a draft in.
    ///
    /// # Errors
    /// [`InvalidAsyncVisit::TooManySymptoms`], [`InvalidAsyncVisit::TooManyAttachments`].
    pub fn submit(new: NewAsyncVisit, now: OffsetDateTime) -> Result<Self, InvalidAsyncVisit> {
        if new.symptoms.len() > MAX_SYMPTOMS {
            return Err(InvalidAsyncVisit::TooManySymptoms);
        }
        if new.attachments_expected > MAX_ATTACHMENTS {
            return Err(InvalidAsyncVisit::TooManyAttachments);
        }
        let parts = AsyncVisitParts {
            id: new.id,
            tenant_id: new.tenant_id,
            node_id: new.node_id,
            patient_id: new.patient_id,
            encounter_patient_id: None,
            appointment_id: new.appointment_id,
            session_id: new.session_id,
            client_mutation_id: new.client_mutation_id,
            submitted_by: new.submitted_by,
            related_person: new.related_person,
            chief_complaint: new.chief_complaint,
            complaint_code: new.complaint_code,
            symptoms: new.symptoms,
            locale: new.locale,
            attachments_expected: new.attachments_expected,
            authored_at: new.authored_at,
            submitted_at: now,
            state: AsyncVisitState::Submitted,
            version: Version::FIRST,
            updated_at: now,
            erased_at: None,
        };
        let events = vec![Recorded { at: now, event: AsyncVisitEvent::Submitted }];
        Ok(Self { parts, stored: None, events, follow_ups: Vec::new() })
    }

    /// Takes the visit up, for as long as `lease`. Who holds it already holds it for longer, whatever version they saw. A
    /// claim whose time is over is anybody's.
    ///
    /// # Errors
    /// [`AsyncVisitRefusal::ClaimedByAnother`]; [`AsyncVisitRefusal::VersionConflict`];
    /// [`AsyncVisitRefusal::InvalidTransition`] once it is answered; [`AsyncVisitRefusal::Erased`].
    pub fn claim(&mut self, lease: ClaimLease, change: &Change) -> Result<Outcome, AsyncVisitRefusal> {
        self.is_kept()?;
        let at = self.moment(change.at);
        let until = at + lease.0;
        let claimed_at = match &self.parts.state {
            AsyncVisitState::UnderReview(claim) if claim.by == change.by => {
                if until <= claim.until {
                    return Ok(Outcome::AlreadyApplied);
                }
                claim.claimed_at
            }
            AsyncVisitState::UnderReview(claim) if at < claim.until => {
                return Err(AsyncVisitRefusal::ClaimedByAnother { until: claim.until });
            }
            AsyncVisitState::Submitted | AsyncVisitState::UnderReview(_) => {
                self.expect(change.expected.as_ref())?;
                at
            }
            AsyncVisitState::Responded(_) | AsyncVisitState::Closed { .. } => {
                return self.refuse(AsyncVisitAction::Claim);
            }
        };
        let claim = Claim { by: change.by.clone(), claimed_at, until };
        Ok(self.applied(AsyncVisitState::UnderReview(claim), at, AsyncVisitEvent::Claimed))
    }

    /// Gives the visit back to the queue.
    ///
    /// # Errors
    /// [`AsyncVisitRefusal::NotTheClaimer`]; [`AsyncVisitRefusal::VersionConflict`];
    /// [`AsyncVisitRefusal::InvalidTransition`] once it is answered.
    pub fn release(&mut self, change: &Change) -> Result<Outcome, AsyncVisitRefusal> {
        match &self.parts.state {
            AsyncVisitState::Submitted => Ok(Outcome::AlreadyApplied),
            AsyncVisitState::UnderReview(claim) if claim.by != change.by => {
                Err(AsyncVisitRefusal::NotTheClaimer { action: AsyncVisitAction::Release })
            }
            AsyncVisitState::UnderReview(_) => {
                self.expect(change.expected.as_ref())?;
                let at = self.moment(change.at);
                Ok(self.applied(AsyncVisitState::Submitted, at, AsyncVisitEvent::Released))
            }
            AsyncVisitState::Responded(_) | AsyncVisitState::Closed { .. } => self.refuse(AsyncVisitAction::Release),
        }
    }

    /// Answers the visit; an Encounter must follow. Only who holds it may, also when their time is over and nobody else took
    /// it: what they wrote is not lost to a clock. The same answer again changes nothing, whatever version they saw.
    ///
    /// # Errors
    /// [`AsyncVisitRefusal::NotTheClaimer`]; [`AsyncVisitRefusal::VersionConflict`];
    /// [`AsyncVisitRefusal::InvalidTransition`] before a claim, and for another answer; [`AsyncVisitRefusal::Erased`].
    pub fn respond(
        &mut self,
        text: ResponseText,
        advice: Advice,
        change: &Change,
    ) -> Result<Outcome, AsyncVisitRefusal> {
        self.is_kept()?;
        let claimed_at = match &self.parts.state {
            AsyncVisitState::Responded(given) | AsyncVisitState::Closed { response: given, .. }
                if given.by == change.by && given.text == text && given.advice == advice =>
            {
                return Ok(Outcome::AlreadyApplied);
            }
            AsyncVisitState::UnderReview(claim) if claim.by != change.by => {
                return Err(AsyncVisitRefusal::NotTheClaimer { action: AsyncVisitAction::Respond });
            }
            AsyncVisitState::UnderReview(claim) => claim.claimed_at,
            AsyncVisitState::Submitted | AsyncVisitState::Responded(_) | AsyncVisitState::Closed { .. } => {
                return self.refuse(AsyncVisitAction::Respond);
            }
        };
        self.expect(change.expected.as_ref())?;
        let at = self.moment(change.at);
        let by = change.by.clone();
        let (addenda, encounter) = (Vec::new(), EncounterRecord::Pending);
        let response = Response { by, claimed_at, responded_at: at, text, advice, addenda, encounter };
        self.follow_ups.push(FollowUp::CreateEncounter);
        Ok(self.applied(AsyncVisitState::Responded(response), at, AsyncVisitEvent::Responded))
    }

    /// Adds to the answer: only who answered may, also when the visit is closed. The answer and what was added before stay
    /// as they are. The newest addition again changes nothing, whatever version they saw.
    ///
    /// # Errors
    /// [`AsyncVisitRefusal::InvalidTransition`] before it is answered; [`AsyncVisitRefusal::NotTheClaimer`];
    /// [`AsyncVisitRefusal::VersionConflict`]; [`AsyncVisitRefusal::TooManyAddenda`]; [`AsyncVisitRefusal::Erased`].
    pub fn amend(&mut self, text: ResponseText, change: &Change) -> Result<Outcome, AsyncVisitRefusal> {
        self.is_kept()?;
        let Some(response) = self.parts.state.response() else { return self.refuse(AsyncVisitAction::Amend) };
        if response.by != change.by {
            return Err(AsyncVisitRefusal::NotTheClaimer { action: AsyncVisitAction::Amend });
        }
        if response.addenda.last().is_some_and(|newest| newest.text == text) {
            return Ok(Outcome::AlreadyApplied);
        }
        if response.addenda.len() >= MAX_ADDENDA {
            return Err(AsyncVisitRefusal::TooManyAddenda { limit: MAX_ADDENDA });
        }
        self.expect(change.expected.as_ref())?;
        let at = self.moment(change.at);
        let addendum = Addendum { by: change.by.clone(), at, text };
        if let Some(response) = self.response_mut() {
            response.addenda.push(addendum);
        }
        self.note(at, AsyncVisitEvent::AddendumAdded);
        Ok(Outcome::Applied)
    }

    /// Closes an answered visit.
    ///
    /// # Errors
    /// [`AsyncVisitRefusal::VersionConflict`]; [`AsyncVisitRefusal::InvalidTransition`] before it is answered: nobody who
    /// asked for help goes without an answer.
    pub fn close(&mut self, change: &Change) -> Result<Outcome, AsyncVisitRefusal> {
        let response = match &self.parts.state {
            AsyncVisitState::Closed { .. } => return Ok(Outcome::AlreadyApplied),
            AsyncVisitState::Responded(response) => response.clone(),
            AsyncVisitState::Submitted | AsyncVisitState::UnderReview(_) => {
                return self.refuse(AsyncVisitAction::Close);
            }
        };
        self.expect(change.expected.as_ref())?;
        let at = self.moment(change.at);
        Ok(self.applied(AsyncVisitState::Closed { response, closed_at: at }, at, AsyncVisitEvent::Closed))
    }

    /// Notes the Encounter's id, and whose it is. This, and only this, makes the visit chargeable: once, and for the same
    /// patient.
    ///
    /// # Errors
    /// [`AsyncVisitRefusal::InvalidTransition`] before it is answered.
    pub fn record_encounter(
        &mut self,
        charted: impl Into<ChartedEncounter>,
        at: OffsetDateTime,
    ) -> Result<Outcome, AsyncVisitRefusal> {
        let at = self.moment(at);
        let ChartedEncounter { id: encounter, patient } = charted.into();
        let Some(record) = self.encounter_mut() else { return self.refuse(AsyncVisitAction::RecordEncounter) };
        if let EncounterRecord::Created(_) = record {
            return Ok(Outcome::AlreadyApplied);
        }
        *record = EncounterRecord::Created(encounter.clone());
        if let Some(patient) = patient {
            self.write_encounter_for(patient);
        }
        self.note(at, AsyncVisitEvent::Chargeable { encounter });
        Ok(Outcome::Applied)
    }

    /// Has the Encounter written for another record of the patient, after a merge that the chart does not tell of.
    ///
    /// # Errors
    /// [`AsyncVisitRefusal::InvalidTransition`] before it is answered, and when the Encounter is in the chart.
    pub fn repoint_encounter(&mut self, patient: PatientId, at: OffsetDateTime) -> Result<Outcome, AsyncVisitRefusal> {
        let record = self.parts.state.response().map(|response| &response.encounter);
        let Some(EncounterRecord::Pending | EncounterRecord::Parked) = record else {
            return self.refuse(AsyncVisitAction::RepointEncounter);
        };
        if *self.parts.encounter_patient() == patient {
            return Ok(Outcome::AlreadyApplied);
        }
        let at = self.moment(at);
        self.write_encounter_for(patient);
        self.changed(at);
        Ok(Outcome::Applied)
    }

    /// Refuses to write more once what was written was erased.
    const fn is_kept(&self) -> Result<(), AsyncVisitRefusal> {
        if self.parts.erased_at.is_some() { Err(AsyncVisitRefusal::Erased) } else { Ok(()) }
    }

    fn write_encounter_for(&mut self, patient: PatientId) {
        self.parts.encounter_patient_id = Some(patient).filter(|patient| *patient != self.parts.patient_id);
    }

    /// Hands the Encounter to a person, because the FHIR gateway refuses it as invalid.
    ///
    /// # Errors
    /// [`AsyncVisitRefusal::InvalidTransition`] before it is answered, and when the Encounter is in the chart.
    pub fn park_encounter(&mut self, at: OffsetDateTime) -> Result<Outcome, AsyncVisitRefusal> {
        let at = self.moment(at);
        match self.encounter_mut() {
            Some(EncounterRecord::Parked) => Ok(Outcome::AlreadyApplied),
            Some(record @ EncounterRecord::Pending) => {
                *record = EncounterRecord::Parked;
                self.note(at, AsyncVisitEvent::EncounterParked);
                Ok(Outcome::Applied)
            }
            Some(EncounterRecord::Created(_) | EncounterRecord::NotRequired) | None => {
                self.refuse(AsyncVisitAction::ParkEncounter)
            }
        }
    }

    fn encounter_mut(&mut self) -> Option<&mut EncounterRecord> {
        self.response_mut().map(|response| &mut response.encounter)
    }

    const fn response_mut(&mut self) -> Option<&mut Response> {
        match &mut self.parts.state {
            AsyncVisitState::Responded(response) | AsyncVisitState::Closed { response, .. } => Some(response),
            AsyncVisitState::Submitted | AsyncVisitState::UnderReview(_) => None,
        }
    }
}
