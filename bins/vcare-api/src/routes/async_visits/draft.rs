//! Drafts: parsed, and known again.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use vcare_app::async_visits::SubmitAsyncVisit;
use vcare_domain::{
    AppointmentId, ChiefComplaint, ClientMutationId, CodeDisplay, CodeSystem, CodeValue, ComplaintCode,
    InvalidAsyncVisit, LanguageTag, MAX_ATTACHMENTS, MAX_SYMPTOMS, PatientId, SessionId, Symptom,
};

use crate::extract::{Checked, Fields, Instant};
use crate::problem::{Fault, FieldCode, Problem};
use crate::values;

/// A photo or voice note that is coming. What it really is shows when it is there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttachmentRequest {
    /// Its place among the visit's, the same as in its upload.
    #[schema(maximum = 9)]
    index: u8,
    /// What the phone takes it for.
    #[serde(default)]
    #[schema(max_length = 100, example = "image/jpeg")]
    content_type: Option<String>,
    /// How long the phone takes it to be.
    #[serde(default)]
    #[schema(example = 210_000)]
    size_bytes: Option<u64>,
}

/// A complaint's code, as a FHIR Coding has it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ComplaintCodeRequest)]
pub struct ComplaintCodeRequest {
    /// The code system's URI.
    #[schema(max_length = 200, example = "http://hl7.org/fhir/sid/icd-10")]
    system: String,
    /// The code.
    #[schema(max_length = 64, example = "R05")]
    code: String,
    /// How it is shown.
    #[serde(default)]
    #[schema(max_length = 200, example = "Cough")]
    display: Option<String>,
}

impl ComplaintCodeRequest {
    fn parse(self, fields: &mut Fields) -> Option<ComplaintCode> {
        let system = fields.take("complaintCode.system", CodeSystem::parse(self.system));
        let code = fields.take("complaintCode.code", CodeValue::parse(self.code));
        let display = fields.take_optional("complaintCode.display", self.display.map(CodeDisplay::parse));
        system.zip(code).map(|(system, code)| ComplaintCode { system, code, display })
    }
}

/// A draft: what was written without a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubmitAsyncVisitRequest {
    /// The draft's name: a UUID, drawn once when it was begun and sent with it every time.
    #[schema(value_type = values::ClientMutationId)]
    client_mutation_id: String,
    /// The FHIR Patient's id. A patient sends only what is their own.
    #[schema(value_type = values::PatientId)]
    patient_id: String,
    /// The FHIR Appointment's id.
    #[serde(default)]
    #[schema(value_type = Option<values::AppointmentId>)]
    appointment_id: Option<String>,
    /// Why the patient asks for help; up to 8,000 characters of any script.
    #[schema(min_length = 1, max_length = 8000, example = "درې ورځې ټوخی لرم")]
    chief_complaint: String,
    /// What they feel, each in up to 200 characters.
    #[serde(default)]
    #[schema(max_items = 50)]
    symptoms: Vec<String>,
    /// The language they wrote in, as `fa-AF`.
    #[serde(default)]
    #[schema(value_type = Option<values::LanguageTag>)]
    locale: Option<String>,
    /// The complaint's code, where the sender has one: it goes into the Encounter.
    #[serde(default)]
    complaint_code: Option<ComplaintCodeRequest>,
    /// When it was written, by the phone's clock, whatever that shows.
    #[serde(default)]
    authored_at: Option<Instant>,
    /// The photos and voice notes that come with it: before, after, or days later.
    #[serde(default)]
    #[schema(max_items = 10)]
    attachments: Vec<AttachmentRequest>,
}

impl Checked for SubmitAsyncVisitRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// What is said where a failed live visit ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContinueAsyncRequest {
    /// The draft's name: a UUID, drawn once when it was begun and sent with it every time.
    #[schema(value_type = values::ClientMutationId)]
    client_mutation_id: String,
    /// Why the patient asks for help; up to 8,000 characters of any script.
    #[schema(min_length = 1, max_length = 8000, example = "ارتباط قطع شد. سه روز است سرفه دارم")]
    chief_complaint: String,
    /// What they feel, each in up to 200 characters.
    #[serde(default)]
    #[schema(max_items = 50)]
    symptoms: Vec<String>,
    /// The language they wrote in, as `fa-AF`.
    #[serde(default)]
    #[schema(value_type = Option<values::LanguageTag>)]
    locale: Option<String>,
    /// The complaint's code, where the sender has one: it goes into the Encounter.
    #[serde(default)]
    complaint_code: Option<ComplaintCodeRequest>,
    /// When it was written, by the phone's clock, whatever that shows.
    #[serde(default)]
    authored_at: Option<Instant>,
    /// The photos and voice notes that come with it.
    #[serde(default)]
    #[schema(max_items = 10)]
    attachments: Vec<AttachmentRequest>,
}

impl Checked for ContinueAsyncRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// What every draft says, checked.
#[derive(Debug)]
pub struct Written {
    client_mutation_id: ClientMutationId,
    chief_complaint: ChiefComplaint,
    symptoms: Vec<Symptom>,
    locale: Option<LanguageTag>,
    complaint_code: Option<ComplaintCode>,
    authored_at: Option<Instant>,
    attachments: Vec<u8>,
    /// A hash of it, to be gone on with.
    hash: Sha256,
}

impl SubmitAsyncVisitRequest {
    /// Checks it; all that is wrong is told at once.
    ///
    /// # Errors
    /// 400 `VALIDATION_ERROR`.
    pub fn parse(self) -> Result<SubmitAsyncVisit, Problem> {
        let mut fields = Fields::default();
        let patient_id = fields.take("patientId", PatientId::parse(self.patient_id));
        let appointment_id = fields.take_optional("appointmentId", self.appointment_id.map(AppointmentId::parse));
        let written = parse(
            &mut fields,
            Texts {
                name: &self.client_mutation_id,
                complaint: self.chief_complaint,
                code: self.complaint_code,
                symptoms: self.symptoms,
                locale: self.locale,
            },
            self.authored_at,
            &self.attachments,
        );
        let (patient_id, written) = fields.done(patient_id.zip(written))?;
        Ok(written.of(patient_id, appointment_id, None))
    }
}

impl ContinueAsyncRequest {
    /// Checks it; all that is wrong is told at once.
    ///
    /// # Errors
    /// 400 `VALIDATION_ERROR`.
    pub fn parse(self) -> Result<Written, Problem> {
        let mut fields = Fields::default();
        let written = parse(
            &mut fields,
            Texts {
                name: &self.client_mutation_id,
                complaint: self.chief_complaint,
                code: self.complaint_code,
                symptoms: self.symptoms,
                locale: self.locale,
            },
            self.authored_at,
            &self.attachments,
        );
        fields.done(written)
    }
}

impl Written {
    /// As a visit's draft: of whom, and what it is about.
    #[must_use]
    pub fn of(
        mut self,
        patient_id: PatientId,
        appointment_id: Option<AppointmentId>,
        session_id: Option<SessionId>,
    ) -> SubmitAsyncVisit {
        let session_id = session_id.map(|id| id.to_string());
        note(&mut self.hash, Some(patient_id.as_str()));
        note(&mut self.hash, appointment_id.as_ref().map(AppointmentId::as_str));
        note(&mut self.hash, session_id.as_deref());
        // Only where there is one: a draft without is known again that arrived before codes were taken.
        if let Some(code) = &self.complaint_code {
            note(&mut self.hash, Some(code.system.as_str()));
            note(&mut self.hash, Some(code.code.as_str()));
            note(&mut self.hash, code.display.as_ref().map(CodeDisplay::as_str));
        }
        SubmitAsyncVisit {
            client_mutation_id: self.client_mutation_id,
            patient_id,
            appointment_id,
            chief_complaint: self.chief_complaint,
            complaint_code: self.complaint_code,
            symptoms: self.symptoms,
            locale: self.locale,
            attachments_expected: u8::try_from(self.attachments.len()).unwrap_or(u8::MAX),
            authored_at: self.authored_at.map(|at| at.0),
            content_hash: self.hash.finalize().into(),
        }
    }
}

/// What a draft says in words, as it was sent.
struct Texts<'a> {
    name: &'a str,
    complaint: String,
    code: Option<ComplaintCodeRequest>,
    symptoms: Vec<String>,
    locale: Option<String>,
}

fn parse(
    fields: &mut Fields,
    Texts { name, complaint, code, symptoms, locale }: Texts<'_>,
    authored_at: Option<Instant>,
    attachments: &[AttachmentRequest],
) -> Option<Written> {
    let client_mutation_id = fields.take("clientMutationId", ClientMutationId::parse(name));
    let chief_complaint = fields.take("chiefComplaint", ChiefComplaint::parse(complaint));
    let complaint_code = code.and_then(|code| code.parse(fields));
    if symptoms.len() > MAX_SYMPTOMS {
        fields.wrong("symptoms", InvalidAsyncVisit::TooManySymptoms);
    }
    let symptoms = symptoms.into_iter().take(MAX_SYMPTOMS).enumerate();
    let symptoms: Vec<_> =
        symptoms.filter_map(|(n, text)| fields.take(&format!("symptoms[{n}]"), Symptom::parse(text))).collect();
    let locale = fields.take_optional("locale", locale.map(LanguageTag::parse));
    let attachments = indexes(fields, attachments);
    let (client_mutation_id, chief_complaint) = client_mutation_id.zip(chief_complaint)?;
    let mut hash = Sha256::new();
    note(&mut hash, Some(chief_complaint.as_str()));
    note(&mut hash, locale.as_ref().map(LanguageTag::as_str));
    note(&mut hash, authored_at.map(|at| at.0.unix_timestamp_nanos().to_string()).as_deref());
    hash.update((symptoms.len() as u64).to_be_bytes());
    for symptom in &symptoms {
        note(&mut hash, Some(symptom.as_str()));
    }
    hash.update((attachments.len() as u64).to_be_bytes());
    hash.update(&attachments);
    Some(Written {
        client_mutation_id,
        chief_complaint,
        complaint_code,
        symptoms,
        locale,
        authored_at,
        attachments,
        hash,
    })
}

/// The attachments' places, each once and in order. What the phone takes them for is not kept: it is said again by the
/// uploads, and counts for nothing there either.
fn indexes(fields: &mut Fields, attachments: &[AttachmentRequest]) -> Vec<u8> {
    let most = usize::from(MAX_ATTACHMENTS);
    if attachments.len() > most {
        fields.wrong("attachments", InvalidAsyncVisit::TooManyAttachments);
    }
    let mut indexes = Vec::new();
    for (n, attachment) in attachments.iter().take(most).enumerate() {
        if attachment.index >= MAX_ATTACHMENTS {
            let most = format!("must be at most {}", MAX_ATTACHMENTS - 1);
            fields.wrong(&format!("attachments[{n}].index"), Fault(FieldCode::Range, most));
        }
        if indexes.contains(&attachment.index) {
            let twice = Fault(FieldCode::Duplicate, "stands for another attachment already");
            fields.wrong(&format!("attachments[{n}].index"), twice);
        }
        if attachment.content_type.as_ref().is_some_and(|kind| kind.chars().nth(100).is_some()) {
            let long = Fault(FieldCode::Length, "must be at most 100 characters");
            fields.wrong(&format!("attachments[{n}].contentType"), long);
        }
        if attachment.size_bytes == Some(0) {
            fields.wrong(&format!("attachments[{n}].sizeBytes"), Fault(FieldCode::Range, "must not be 0"));
        }
        indexes.push(attachment.index);
    }
    indexes.sort_unstable();
    indexes
}

/// Goes on with a hash: what is there is not what is missing, and no text runs into the next.
fn note(hash: &mut Sha256, text: Option<&str>) {
    match text {
        Some(text) => {
            hash.update([1]);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        None => hash.update([0]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    fn draft() -> Value {
        json!({
            "clientMutationId": "7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11", "patientId": "pat-1", "appointmentId": "appt-1",
            "chiefComplaint": "cough", "symptoms": ["a", "b"], "locale": "ps", "authoredAt": "2026-03-01T09:30:00Z",
            "attachments": [{"index": 0}, {"index": 1, "contentType": "image/jpeg", "sizeBytes": 9}],
        })
    }

    fn hash_of(draft: Value) -> [u8; 32] {
        serde_json::from_value::<SubmitAsyncVisitRequest>(draft).unwrap().parse().unwrap().content_hash
    }

    /// Drafts that arrived before `authoredAt` was optional and `complaintCode` existed keep their hash, so that a repeat of one
    /// is recognised.
    #[test]
    fn a_draft_has_the_hash_that_it_always_had() {
        let shown: String = hash_of(draft()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, "cdb0fe898c7d7c7a6b439a0c3f74ed5ad59a088c54a7f460b803cd26b803857f");
    }

    #[test]
    fn a_draft_is_known_again_however_it_is_written_and_no_other_is_taken_for_it() {
        let same = [
            ("clientMutationId", json!("7F4DF2A6-3C7E-4C4A-9D0B-2F1F0A6F5E11")),
            ("authoredAt", json!("2026-03-01T14:00:00+04:30")),
            ("attachments", json!([{"index": 1}, {"index": 0}])),
            ("complaintCode", json!(null)),
        ];
        for (field, value) in same {
            let mut other = draft();
            other[field] = value;
            assert_eq!(hash_of(other), hash_of(draft()), "{field}");
        }
        let others = [
            ("patientId", json!("pat-2")),
            ("appointmentId", json!(null)),
            ("appointmentId", json!("appt-2")),
            ("chiefComplaint", json!("cough ")),
            ("symptoms", json!(["ab"])),
            ("symptoms", json!(["b", "a"])),
            ("symptoms", json!([])),
            ("locale", json!("fa-AF")),
            ("authoredAt", json!("2026-03-01T09:30:01Z")),
            ("authoredAt", json!(null)),
            ("complaintCode", json!({"system": "http://hl7.org/fhir/sid/icd-10", "code": "R05"})),
            ("complaintCode", json!({"system": "http://hl7.org/fhir/sid/icd-10", "code": "R06"})),
            ("complaintCode", json!({"system": "http://hl7.org/fhir/sid/icd-10", "code": "R05", "display": "Cough"})),
            ("attachments", json!([{"index": 0}])),
            ("attachments", json!([{"index": 0}, {"index": 2}])),
        ];
        let hashes: BTreeSet<_> = others
            .iter()
            .map(|(field, value)| {
                let mut other = draft();
                other[*field] = value.clone();
                hash_of(other)
            })
            .chain([hash_of(draft())])
            .collect();
        assert_eq!(hashes.len(), others.len() + 1);
    }
}
