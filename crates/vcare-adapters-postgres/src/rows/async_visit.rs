//! `async_visit`.

use std::sync::Arc;

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use diesel::sql_types::{Binary, Nullable};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{RecordCipher, RecordId, RecordKeys, StoreError};
use vcare_domain::{
    Advice, AppointmentId, AsyncVisit, AsyncVisitId, AsyncVisitParts, AsyncVisitState, AsyncVisitStatus,
    ChiefComplaint, Claim, ClientMutationId, ComplaintCode, EncounterId, EncounterRecord, EncounterStatus, LanguageTag,
    NodeId, PatientId, RelatedPersonId, Response, ResponseText, SessionId, Symptom, TenantId, UserId,
};

use crate::record_keys::{Custody, custody_of};
use crate::rows::addenda::{self, AddendumDocument};
use crate::rows::async_visit_texts::AsyncVisitTexts;
use crate::rows::encrypted::ENCRYPTED;
use crate::rows::{Restored, version, version_number};
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
    sealed: Option<Vec<u8>>,
    erased_at: Option<OffsetDateTime>,
    #[diesel(select_expression = sql::<Nullable<Binary>>(custody_of!("async_visit", "id")))]
    #[diesel(select_expression_type = SqlLiteral<Nullable<Binary>>)]
    custody: Option<Vec<u8>>,
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
    sealed: Option<&'a [u8]>,
}

/// A visit as first written: what never changes, and what does. The complaint, its code and the symptoms are encrypted.
#[derive(Insertable)]
#[diesel(table_name = async_visit)]
pub(crate) struct NewAsyncVisitRow<'a> {
    tenant_id: &'a str,
    id: Uuid,
    client_mutation_id: Uuid,
    content_hash: &'a [u8],
    original_body: Vec<u8>,
    original_sealed: &'a [u8],
    node_id: Option<&'a str>,
    patient_id: &'a str,
    appointment_id: Option<&'a str>,
    session_id: Option<Uuid>,
    submitted_by: &'a str,
    chief_complaint: &'static str,
    symptoms: Vec<&'static str>,
    locale: Option<&'a str>,
    attachments_expected: i16,
    authored_at: OffsetDateTime,
    submitted_at: OffsetDateTime,
    related_person_id: Option<&'a str>,
    authored_at_missing: bool,
    #[diesel(embed)]
    changes: AsyncVisitChanges<'a>,
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: TABLE, column }
}

impl<'a> AsyncVisitChanges<'a> {
    /// `sealed`: the visit's encrypted texts; `None` once they were erased.
    pub(crate) fn of(visit: &'a AsyncVisitParts, sealed: Option<&'a [u8]>) -> Result<Self, StoreError> {
        let (claim, response) = (visit.state.claim(), visit.state.response());
        let encounter = response.map(|response| &response.encounter);
        let claimed_at = claim.map(|claim| claim.claimed_at);
        let addenda = response.map(|response| response.addenda.as_slice()).unwrap_or_default();
        Ok(Self {
            status: visit.state.status().as_str(),
            provider_id: visit.state.provider().map(UserId::as_str),
            claimed_at: claimed_at.or_else(|| response.map(|response| response.claimed_at)),
            claimed_until: claim.map(|claim| claim.until),
            response_text: response.map(|_| ENCRYPTED),
            follow_up: response.map(|response| response.advice.as_str()),
            responded_at: response.map(|response| response.responded_at),
            closed_at: visit.state.closed_at(),
            encounter_status: encounter.map(|record| record.status().as_str()),
            encounter_id: encounter.and_then(EncounterRecord::id).map(EncounterId::as_str),
            version: version_number(visit.version),
            updated_at: visit.updated_at,
            addenda: addenda::documents(addenda.iter().map(AddendumDocument::from)).ok_or(corrupt("addenda"))?,
            encounter_patient_id: visit.encounter_patient_id.as_ref().map(PatientId::as_str),
            sealed,
        })
    }
}

impl<'a> NewAsyncVisitRow<'a> {
    /// `original`: the encrypted answer to the submission.
    pub(crate) fn of(
        visit: &'a AsyncVisitParts,
        content_hash: &'a [u8],
        sealed: &'a [u8],
        original: &'a [u8],
    ) -> Result<Self, StoreError> {
        Ok(Self {
            tenant_id: visit.tenant_id.as_str(),
            id: *visit.id.as_uuid(),
            client_mutation_id: *visit.client_mutation_id.as_uuid(),
            content_hash,
            original_body: answer_without_texts(visit),
            original_sealed: original,
            node_id: visit.node_id.as_ref().map(NodeId::as_str),
            patient_id: visit.patient_id.as_str(),
            appointment_id: visit.appointment_id.as_ref().map(AppointmentId::as_str),
            session_id: visit.session_id.map(|session| *session.as_uuid()),
            submitted_by: visit.submitted_by.as_str(),
            chief_complaint: ENCRYPTED,
            symptoms: Vec::new(),
            locale: visit.locale.as_ref().map(LanguageTag::as_str),
            attachments_expected: visit.attachments_expected.into(),
            // A version that knows nothing of the mark reads when it arrived.
            authored_at: visit.authored_at.unwrap_or(visit.submitted_at),
            submitted_at: visit.submitted_at,
            related_person_id: visit.related_person.as_ref().map(RelatedPersonId::as_str),
            authored_at_missing: visit.authored_at.is_none(),
            changes: AsyncVisitChanges::of(visit, Some(sealed))?,
        })
    }
}

/// What the version before answers when the same draft arrives again, as it cannot decrypt the first answer: enough for a phone
/// to know the visit.
fn answer_without_texts(visit: &AsyncVisitParts) -> Vec<u8> {
    let body = serde_json::json!({
        "id": visit.id.to_string(),
        "clientMutationId": visit.client_mutation_id.to_string(),
        "status": visit.state.status().as_str(),
    });
    body.to_string().into_bytes()
}

/// Where the texts of a row are.
enum Texts {
    /// In its columns, as the version before wrote them.
    InColumns,
    /// Decrypted.
    Encrypted(AsyncVisitTexts),
    /// They were erased.
    Erased(OffsetDateTime),
}

impl AsyncVisitRow {
    /// The visit, decrypted with its key.
    pub(crate) async fn restore(self, keys: &dyn RecordKeys) -> Result<Restored<AsyncVisit>, StoreError> {
        let (texts, cipher) = self.texts(keys).await?;
        self.into_visit(texts).map(|aggregate| Restored { aggregate, cipher, unread: None })
    }

    async fn texts(&self, keys: &dyn RecordKeys) -> Result<(Texts, Option<Arc<dyn RecordCipher>>), StoreError> {
        let tenant = TenantId::parse(self.tenant_id.clone()).map_err(|_| corrupt("tenant_id"))?;
        let patient = PatientId::parse(self.patient_id.clone()).map_err(|_| corrupt("patient_id"))?;
        let custody = Custody::read(self.custody.as_deref()).ok_or(corrupt("custody"))?;
        let wrapped = match (self.erased_at, custody, &self.sealed) {
            (Some(at), ..) | (None, Custody::Erased(at), _) => return Ok((Texts::Erased(at), None)),
            (None, Custody::Keys(wrapped), _) => wrapped,
            (None, Custody::NoKey, None) => return Ok((Texts::InColumns, None)),
            (None, Custody::NoKey, Some(_)) => return Err(corrupt("sealed")),
        };
        let record = RecordId { tenant: &tenant, patient: &patient, record: self.id };
        let cipher = keys.record_cipher(record, &wrapped).await?;
        let texts = match &self.sealed {
            Some(sealed) => Texts::Encrypted(AsyncVisitTexts::open(&*cipher, sealed)?),
            None => Texts::InColumns,
        };
        Ok((texts, Some(cipher)))
    }

    fn into_visit(mut self, texts: Texts) -> Result<AsyncVisit, StoreError> {
        let erased_at = self.put(texts);
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
            erased_at,
        };
        Ok(AsyncVisit::restore(parts))
    }

    /// Puts the texts into the columns that they are encrypted beside, and says when they were erased. What the version before
    /// wrote into a column stays there.
    fn put(&mut self, texts: Texts) -> Option<OffsetDateTime> {
        let (texts, erased_at) = match texts {
            Texts::InColumns => return None,
            Texts::Encrypted(texts) => (texts, None),
            Texts::Erased(at) => (AsyncVisitTexts::erased(self.addenda.as_array().map_or(0, Vec::len)), Some(at)),
        };
        let is_placeholder = |column: &str| column == ENCRYPTED || erased_at.is_some();
        if is_placeholder(&self.chief_complaint) {
            self.chief_complaint = texts.complaint;
            self.symptoms = texts.symptoms;
            self.complaint_code_system = texts.code.as_ref().map(|code| code.system.clone());
            self.complaint_code = texts.code.as_ref().map(|code| code.code.clone());
            self.complaint_code_display = texts.code.and_then(|code| code.display);
        }
        self.response_text = self
            .response_text
            .take()
            .map(|text| if is_placeholder(&text) { texts.response.unwrap_or(text) } else { text });
        let added = self.addenda.as_array_mut().into_iter().flatten();
        for (document, text) in added.zip(texts.addenda) {
            if let Some(column) = document.get_mut("text")
                && column.as_str().is_none_or(is_placeholder)
            {
                *column = text.into();
            }
        }
        erased_at
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
            addenda: addenda::restore(&self.addenda).ok_or(corrupt("addenda"))?,
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
