//! What is answered about visits without a live link.

use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::ViewedAsyncVisit;
use vcare_domain::{Addendum, AsyncVisitParts, Audience, ComplaintCode};

use crate::problem::ProblemDetails;
use crate::values;

/// A visit without a live link, as the caller may see it; `audience` says which view it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "audience", rename_all = "snake_case")]
#[schema(as = AsyncVisit)]
pub enum AsyncVisitDto {
    /// For the clinician who has claimed or answered it.
    Treating(Box<StaffAsyncVisitDto>),
    /// For those who care for the patient elsewhere, sent it for the patient, or have emergency access.
    Staff(Box<StaffAsyncVisitDto>),
    /// For clinicians who may claim it: that it exists, but not what was written.
    Queue(Box<QueuedAsyncVisitDto>),
    /// For the patient and their proxies.
    Patient(Box<PatientAsyncVisitDto>),
}

/// The fields of an async visit that every audience sees.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueuedAsyncVisit)]
pub struct QueuedAsyncVisitDto {
    /// The visit.
    #[schema(value_type = values::AsyncVisitId)]
    id: String,
    /// Whose it is.
    #[schema(value_type = values::TenantId)]
    tenant_id: String,
    /// The FHIR Patient's id.
    #[schema(value_type = values::PatientId)]
    patient_id: String,
    /// The FHIR Appointment's id.
    #[schema(value_type = Option<values::AppointmentId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<String>,
    /// The failed live visit that it goes on with.
    #[schema(value_type = Option<values::SessionId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    /// Its state.
    status: values::AsyncVisitStatus,
    /// The language they wrote in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::LanguageTag>)]
    locale: Option<String>,
    /// When it arrived, by our clock.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    submitted_at: OffsetDateTime,
    /// While it is under review: from then on, somebody else may claim it.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    claimed_until: Option<OffsetDateTime>,
    /// When it was answered.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    responded_at: Option<OffsetDateTime>,
    /// When it was closed.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    closed_at: Option<OffsetDateTime>,
    /// How many photos and voice notes come with it, sooner or later.
    #[schema(maximum = 10)]
    attachments_expected: u8,
    /// How often it was changed, from 1. Send it back in `If-Match`.
    #[schema(minimum = 1)]
    version: u32,
    /// When it arrived.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    updated_at: OffsetDateTime,
    /// When everything that people wrote in it was erased; texts are `[erased]` then. Absent otherwise.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    erased_at: Option<OffsetDateTime>,
}

/// A complaint's code, as a FHIR Coding has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ComplaintCode)]
pub struct ComplaintCodeDto {
    /// The code system's URI.
    #[schema(example = "http://hl7.org/fhir/sid/icd-10")]
    system: String,
    /// The code.
    #[schema(example = "R05")]
    code: String,
    /// How the sender shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<String>,
}

impl From<&ComplaintCode> for ComplaintCodeDto {
    fn from(code: &ComplaintCode) -> Self {
        Self {
            system: code.system.as_str().to_owned(),
            code: code.code.as_str().to_owned(),
            display: code.display.as_ref().map(|display| display.as_str().to_owned()),
        }
    }
}

/// What a clinician added to their answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Addendum)]
pub struct AddendumDto {
    /// Their words.
    text: String,
    /// Who added it.
    #[schema(value_type = values::UserId)]
    author_id: String,
    /// When, by our clock.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    added_at: OffsetDateTime,
}

impl From<&Addendum> for AddendumDto {
    fn from(addendum: &Addendum) -> Self {
        Self {
            text: addendum.text.as_str().to_owned(),
            author_id: addendum.by.as_str().to_owned(),
            added_at: addendum.at,
        }
    }
}

/// The texts of an async visit: the patient's, and the answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Written)]
pub struct WrittenDto {
    /// The draft's name, in lower case.
    #[schema(value_type = values::ClientMutationId)]
    client_mutation_id: String,
    /// Why the patient asks for help.
    #[schema(example = "درې ورځې ټوخی لرم")]
    chief_complaint: String,
    /// What they feel.
    symptoms: Vec<String>,
    /// The complaint's code; absent when the sender gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    complaint_code: Option<ComplaintCodeDto>,
    /// When it was written, according to the phone's clock. Not verified. Absent when the phone did not say; `submittedAt` is by
    /// our clock.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    authored_at: Option<OffsetDateTime>,
    /// What the clinician answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_text: Option<String>,
    /// What the clinician added to the answer later, in order.
    addenda: Vec<AddendumDto>,
    /// What they advise to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    follow_up: Option<values::FollowUp>,
    /// The FHIR Encounter's id; absent while there is none.
    #[schema(value_type = Option<values::EncounterId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter_id: Option<String>,
    /// What has become of the Encounter; absent before the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter_status: Option<values::EncounterStatus>,
}

/// A visit without a live link, for the patient and their proxies.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PatientAsyncVisit)]
pub struct PatientAsyncVisitDto {
    #[serde(flatten)]
    visit: QueuedAsyncVisitDto,
    #[serde(flatten)]
    written: WrittenDto,
}

/// A visit without a live link, for those who care for the patient.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffAsyncVisit)]
pub struct StaffAsyncVisitDto {
    #[serde(flatten)]
    visit: QueuedAsyncVisitDto,
    #[serde(flatten)]
    written: WrittenDto,
    /// Who holds it, or answered it.
    #[schema(value_type = Option<values::UserId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<String>,
    /// The account that sent it.
    #[schema(value_type = values::UserId)]
    submitted_by: String,
    /// The FHIR RelatedPerson who sent it as the patient's proxy; absent when the patient or a clinician sent it.
    #[schema(value_type = Option<values::RelatedPersonId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    related_person_id: Option<String>,
}

impl From<&ViewedAsyncVisit> for AsyncVisitDto {
    fn from(viewed: &ViewedAsyncVisit) -> Self {
        let visit = viewed.visit.parts();
        match viewed.audience {
            Audience::Treating => Self::Treating(Box::new(StaffAsyncVisitDto::of(visit))),
            Audience::Staff => Self::Staff(Box::new(StaffAsyncVisitDto::of(visit))),
            Audience::Scheduler | Audience::Guest => Self::Queue(Box::new(QueuedAsyncVisitDto::of(visit))),
            Audience::Patient => Self::Patient(Box::new(PatientAsyncVisitDto {
                visit: QueuedAsyncVisitDto::of(visit),
                written: WrittenDto::of(visit),
            })),
        }
    }
}

impl StaffAsyncVisitDto {
    fn of(visit: &AsyncVisitParts) -> Self {
        Self {
            visit: QueuedAsyncVisitDto::of(visit),
            written: WrittenDto::of(visit),
            provider_id: visit.state.provider().map(|provider| provider.as_str().to_owned()),
            submitted_by: visit.submitted_by.as_str().to_owned(),
            related_person_id: visit.related_person.as_ref().map(|related| related.as_str().to_owned()),
        }
    }
}

impl QueuedAsyncVisitDto {
    fn of(visit: &AsyncVisitParts) -> Self {
        let (claim, response) = (visit.state.claim(), visit.state.response());
        Self {
            id: visit.id.to_string(),
            tenant_id: visit.tenant_id.to_string(),
            patient_id: visit.patient_id.as_str().to_owned(),
            appointment_id: visit.appointment_id.as_ref().map(ToString::to_string),
            session_id: visit.session_id.as_ref().map(ToString::to_string),
            status: visit.state.status().into(),
            locale: visit.locale.as_ref().map(|locale| locale.as_str().to_owned()),
            submitted_at: visit.submitted_at,
            claimed_until: claim.map(|claim| claim.until),
            responded_at: response.map(|response| response.responded_at),
            closed_at: visit.state.closed_at(),
            attachments_expected: visit.attachments_expected,
            version: visit.version.get(),
            created_at: visit.submitted_at,
            updated_at: visit.updated_at,
            erased_at: visit.erased_at,
        }
    }
}

impl WrittenDto {
    fn of(visit: &AsyncVisitParts) -> Self {
        let response = visit.state.response();
        Self {
            client_mutation_id: visit.client_mutation_id.to_string(),
            chief_complaint: visit.chief_complaint.as_str().to_owned(),
            symptoms: visit.symptoms.iter().map(|symptom| symptom.as_str().to_owned()).collect(),
            complaint_code: visit.complaint_code.as_ref().map(ComplaintCodeDto::from),
            authored_at: visit.authored_at,
            response_text: response.map(|response| response.text.as_str().to_owned()),
            addenda: response.iter().flat_map(|response| &response.addenda).map(AddendumDto::from).collect(),
            follow_up: response.map(|response| response.advice.into()),
            encounter_id: response.and_then(|response| response.encounter.id()).map(ToString::to_string),
            encounter_status: response.map(|response| response.encounter.status().into()),
        }
    }
}

/// What became of several drafts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sync)]
pub struct SyncDto {
    /// One result each, in the order of the drafts.
    pub results: Vec<SyncResultDto>,
}

/// What became of one draft: as if it had been sent alone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyncResult)]
pub struct SyncResultDto {
    /// The draft's name, when it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_mutation_id: Option<String>,
    /// 201 when it is a visit now, 200 when it was one before, else what is wrong. 5xx: send it again.
    #[schema(example = 201)]
    pub status: u16,
    /// It arrived before, and `body` is the answer of then.
    pub replayed: bool,
    /// What was sent now is not what was sent then. Then counts.
    pub differs: bool,
    /// The visit, byte for byte as when it first arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AsyncVisitDto>)]
    pub body: Option<Box<RawValue>>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemDetails>,
}
