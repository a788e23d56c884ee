//! `async_visit`.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{FirstSubmission, StoreError};
use vcare_domain::{
    Advice, AppointmentId, AsyncVisit, AsyncVisitId, AsyncVisitParts, AsyncVisitState, AsyncVisitStatus,
    ChiefComplaint, Claim, ClientMutationId, CodeDisplay, ComplaintCode, EncounterId, EncounterRecord, EncounterStatus,
    LanguageTag, NodeId, PatientId, RelatedPersonId, Response, ResponseText, SessionId, Symptom, TenantId, UserId,
};

use crate::rows::addenda::{AddendumDocument, addenda, documents};
use crate::rows::{version, version_number};
use crate::schema::async_visit;

const TABLE: &str = "async_visit";

/// A visit as read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = async_visit, check_for_backend(diesel::pg::Pg))]
pub(crate) struct AsyncVisitRow {
    tenant_id: String,
    id: Uuid,
    client_mutation_id: Uuid,
    node_id: Option<String>,
    patient_id: String,
    appointment_id: Option<String>,
    session_id: Option<Uuid>,
    submitted_by: String,
    chief_complaint: String,
    symptoms: Vec<String>,
    locale: Option<String>,
    attachments_expected: i16,
    authored_at: OffsetDateTime,
    submitted_at: OffsetDateTime,
    status: String,
    provider_id: Option<String>,
    claimed_at: Option<OffsetDateTime>,
    claimed_until: Option<OffsetDateTime>,
    response_text: Option<String>,
    follow_up: Option<String>,
    responded_at: Option<OffsetDateTime>,
    closed_at: Option<OffsetDateTime>,
    encounter_status: Option<String>,
    encounter_id: Option<String>,
    version: i32,
    updated_at: OffsetDateTime,
    related_person_id: Option<String>,
    authored_at_missing: bool,
    complaint_code_system: Option<String>,
    complaint_code: Option<String>,
    complaint_code_display: Option<String>,
    addenda: serde_json::Value,
    encounter_patient_id: Option<String>,
}

/// What of a visit changes; written by every save.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = async_visit, treat_none_as_null = true)]
pub(crate) struct AsyncVisitChanges<'a> {
    status: &'a str,
    provider_id: Option<&'a str>,
    claimed_at: Option<OffsetDateTime>,
    claimed_until: Option<OffsetDateTime>,
    response_text: Option<&'a str>,
    follow_up: Option<&'a str>,
    responded_at: Option<OffsetDateTime>,
    closed_at: Option<OffsetDateTime>,
    encounter_status: Option<&'a str>,
    encounter_id: Option<&'a str>,
    version: i32,
    updated_at: OffsetDateTime,
    addenda: serde_json::Value,
    encounter_patient_id: Option<&'a str>,
}

/// A visit as first written: what never changes, and what does.
#[derive(Insertable)]
#[diesel(table_name = async_visit)]
pub(crate) struct NewAsyncVisitRow<'a> {
    tenant_id: &'a str,
    id: Uuid,
    client_mutation_id: Uuid,
    content_hash: &'a [u8],
    original_body: &'a [u8],
    node_id: Option<&'a str>,
    patient_id: &'a str,
    appointment_id: Option<&'a str>,
    session_id: Option<Uuid>,
    submitted_by: &'a str,
    chief_complaint: &'a str,
    symptoms: Vec<&'a str>,
    locale: Option<&'a str>,
    attachments_expected: i16,
    authored_at: OffsetDateTime,
    submitted_at: OffsetDateTime,
    related_person_id: Option<&'a str>,
    authored_at_missing: bool,
    complaint_code_system: Option<&'a str>,
    complaint_code: Option<&'a str>,
    complaint_code_display: Option<&'a str>,
    #[diesel(embed)]
    changes: AsyncVisitChanges<'a>,
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: TABLE, column }
}

impl<'a> AsyncVisitChanges<'a> {
    pub(crate) fn of(visit: &'a AsyncVisitParts) -> Result<Self, StoreError> {
        let (claim, response) = (visit.state.claim(), visit.state.response());
        let encounter = response.map(|response| &response.encounter);
        let claimed_at = claim.map(|claim| claim.claimed_at);
        let addenda = response.map(|response| response.addenda.as_slice()).unwrap_or_default();
        Ok(Self {
            status: visit.state.status().as_str(),
            provider_id: visit.state.provider().map(UserId::as_str),
            claimed_at: claimed_at.or_else(|| response.map(|response| response.claimed_at)),
            claimed_until: claim.map(|claim| claim.until),
            response_text: response.map(|response| response.text.as_str()),
            follow_up: response.map(|response| response.advice.as_str()),
            responded_at: response.map(|response| response.responded_at),
            closed_at: visit.state.closed_at(),
            encounter_status: encounter.map(|record| record.status().as_str()),
            encounter_id: encounter.and_then(EncounterRecord::id).map(EncounterId::as_str),
            version: version_number(visit.version),
            updated_at: visit.updated_at,
            addenda: documents(addenda.iter().map(AddendumDocument::from)).ok_or(corrupt("addenda"))?,
            encounter_patient_id: visit.encounter_patient_id.as_ref().map(PatientId::as_str),
        })
    }
}

impl<'a> NewAsyncVisitRow<'a> {
    pub(crate) fn of(visit: &'a AsyncVisitParts, first: &'a FirstSubmission) -> Result<Self, StoreError> {
        let code = visit.complaint_code.as_ref();
        Ok(Self {
            tenant_id: visit.tenant_id.as_str(),
            id: *visit.id.as_uuid(),
            client_mutation_id: *visit.client_mutation_id.as_uuid(),
            content_hash: &first.content_hash,
            original_body: &first.body,
            node_id: visit.node_id.as_ref().map(NodeId::as_str),
            patient_id: visit.patient_id.as_str(),
            appointment_id: visit.appointment_id.as_ref().map(AppointmentId::as_str),
            session_id: visit.session_id.map(|session| *session.as_uuid()),
            submitted_by: visit.submitted_by.as_str(),
            chief_complaint: visit.chief_complaint.as_str(),
            symptoms: visit.symptoms.iter().map(Symptom::as_str).collect(),
            locale: visit.locale.as_ref().map(LanguageTag::as_str),
            attachments_expected: visit.attachments_expected.into(),
            // A version that knows nothing of the mark reads when it arrived.
            authored_at: visit.authored_at.unwrap_or(visit.submitted_at),
            submitted_at: visit.submitted_at,
            related_person_id: visit.related_person.as_ref().map(RelatedPersonId::as_str),
            authored_at_missing: visit.authored_at.is_none(),
            complaint_code_system: code.map(|code| code.system.as_str()),
            complaint_code: code.map(|code| code.code.as_str()),
            complaint_code_display: code.and_then(|code| code.display.as_ref()).map(CodeDisplay::as_str),
            changes: AsyncVisitChanges::of(visit)?,
        })
    }
}

/// A draft's first arrival as read.
pub(crate) type FirstSubmissionRow = (String, String, Vec<u8>, Vec<u8>);

/// The first arrival that [`FirstSubmissionRow`] tells of.
pub(crate) fn restore_first((patient, account, hash, body): FirstSubmissionRow) -> Result<FirstSubmission, StoreError> {
    Ok(FirstSubmission {
        patient_id: PatientId::parse(patient).map_err(|_| corrupt("patient_id"))?,
        submitted_by: UserId::parse(account).map_err(|_| corrupt("submitted_by"))?,
        content_hash: hash.try_into().map_err(|_| corrupt("content_hash"))?,
        body,
    })
}

impl AsyncVisitRow {
    pub(crate) fn restore(self) -> Result<AsyncVisit, StoreError> {
        let state = self.state()?;
        let complaint_code = match (self.complaint_code_system, self.complaint_code) {
            (Some(system), Some(code)) => {
                let code = ComplaintCode::restore(system, code, self.complaint_code_display);
                Some(code.map_err(|_| corrupt("complaint_code"))?)
            }
            (None, None) => None,
            _ => return Err(corrupt("complaint_code")),
        };
        let text = |column| move |_| corrupt(column);
        let symptoms = self.symptoms.into_iter().map(|symptom| Symptom::parse(symptom).map_err(text("symptoms")));
        let parts = AsyncVisitParts {
            id: AsyncVisitId::from_uuid(self.id),
            tenant_id: TenantId::parse(self.tenant_id).map_err(text("tenant_id"))?,
            node_id: self.node_id.map(NodeId::parse).transpose().map_err(text("node_id"))?,
            patient_id: PatientId::parse(self.patient_id).map_err(text("patient_id"))?,
            encounter_patient_id: self
                .encounter_patient_id
                .map(PatientId::parse)
                .transpose()
                .map_err(text("encounter_patient_id"))?,
            appointment_id: self
                .appointment_id
                .map(AppointmentId::parse)
                .transpose()
                .map_err(text("appointment_id"))?,
            session_id: self.session_id.map(SessionId::from_uuid),
            client_mutation_id: ClientMutationId::from_uuid(self.client_mutation_id),
            submitted_by: UserId::parse(self.submitted_by).map_err(text("submitted_by"))?,
            related_person: self
                .related_person_id
                .map(RelatedPersonId::parse)
                .transpose()
                .map_err(text("related_person_id"))?,
            chief_complaint: ChiefComplaint::parse(self.chief_complaint).map_err(text("chief_complaint"))?,
            complaint_code,
            symptoms: symptoms.collect::<Result<_, _>>()?,
            locale: self.locale.map(LanguageTag::parse).transpose().map_err(text("locale"))?,
            attachments_expected: u8::try_from(self.attachments_expected)
                .map_err(|_| corrupt("attachments_expected"))?,
            authored_at: (!self.authored_at_missing).then_some(self.authored_at),
            submitted_at: self.submitted_at,
            state,
            version: version(TABLE, self.version)?,
            updated_at: self.updated_at,
        };
        Ok(AsyncVisit::restore(parts))
    }

    fn state(&self) -> Result<AsyncVisitState, StoreError> {
        Ok(match AsyncVisitStatus::from_name(&self.status).ok_or(corrupt("status"))? {
            AsyncVisitStatus::Submitted => AsyncVisitState::Submitted,
            AsyncVisitStatus::UnderReview => AsyncVisitState::UnderReview(Claim {
                by: self.provider()?,
                claimed_at: self.claimed_at.ok_or(corrupt("claimed_at"))?,
                until: self.claimed_until.ok_or(corrupt("claimed_until"))?,
            }),
            AsyncVisitStatus::Responded => AsyncVisitState::Responded(self.response()?),
            AsyncVisitStatus::Closed => AsyncVisitState::Closed {
                response: self.response()?,
                closed_at: self.closed_at.ok_or(corrupt("closed_at"))?,
            },
        })
    }

    fn provider(&self) -> Result<UserId, StoreError> {
        self.provider_id.as_deref().and_then(|user| UserId::parse(user).ok()).ok_or(corrupt("provider_id"))
    }

    fn response(&self) -> Result<Response, StoreError> {
        let text = self.response_text.as_deref().and_then(|text| ResponseText::parse(text).ok());
        Ok(Response {
            by: self.provider()?,
            claimed_at: self.claimed_at.ok_or(corrupt("claimed_at"))?,
            responded_at: self.responded_at.ok_or(corrupt("responded_at"))?,
            text: text.ok_or(corrupt("response_text"))?,
            advice: self.follow_up.as_deref().and_then(Advice::from_name).ok_or(corrupt("follow_up"))?,
            addenda: addenda(&self.addenda).ok_or(corrupt("addenda"))?,
            encounter: self.encounter()?,
        })
    }

    fn encounter(&self) -> Result<EncounterRecord, StoreError> {
        let status = self.encounter_status.as_deref().and_then(EncounterStatus::from_name);
        Ok(match status.ok_or(corrupt("encounter_status"))? {
            EncounterStatus::NotRequired => return Err(corrupt("encounter_status")),
            EncounterStatus::Pending => EncounterRecord::Pending,
            EncounterStatus::Parked => EncounterRecord::Parked,
            EncounterStatus::Created => {
                let id = self.encounter_id.as_deref().and_then(|id| EncounterId::parse(id).ok());
                EncounterRecord::Created(id.ok_or(corrupt("encounter_id"))?)
            }
        })
    }
}
