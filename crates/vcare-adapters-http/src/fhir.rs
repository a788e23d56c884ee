//! The FHIR gateway: one Encounter a visit, however often it is asked for.

use async_trait::async_trait;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tokio::time::Instant;
use url::Url;
use vcare_app::TraceContext;
use vcare_app::ports::{EncounterDraft, FhirError, FhirGateway, NeighbourError, NeighbourFault};
use vcare_domain::{ChartedEncounter, EncounterId, PatientId, TenantId};

use crate::client::{Answer, Call, HttpClient};
use crate::encounter::{encounter_resource, is_fhir_id};
use crate::neighbour::{Neighbour, NeighbourConfig};
use crate::patient::{Merge, PatientRecord, Reference};

const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json");
const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const X_TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const BODY_LIMIT: usize = 1024 * 1024;

/// Creates Encounters at a FHIR R4 server: `POST {base}/Encounter` with `If-None-Exist`, and a search when the answer
/// does not tell which one it is. 422 may mean that the patient's record was merged: then `GET {base}/Patient/{id}` says into
/// which one, and the Encounter is created for that one.
#[derive(Debug, Clone)]
pub struct HttpFhirGateway {
    neighbour: Neighbour,
    deadline: Duration,
}

/// What the server made of a conditional create.
enum Posted {
    /// This one exists now.
    Encounter(ChartedEncounter),
    /// One exists now; which, it does not say.
    Unnamed,
    /// Several existed before.
    Several,
}

impl HttpFhirGateway {
    /// Encounters at that server, whose base is the address that `/Encounter` stands below.
    #[must_use]
    pub const fn new(client: HttpClient, config: NeighbourConfig) -> Self {
        let deadline = config.deadline();
        Self { neighbour: Neighbour::new("fhir", client, config), deadline }
    }

    /// Fits a call into what is left of the whole.
    fn within<'a>(&self, mut call: Call<'a>, tenant: &TenantId, until: Instant) -> Call<'a> {
        let left = until.saturating_duration_since(Instant::now());
        call.deadline = self.deadline.min(left.try_into().unwrap_or(self.deadline));
        call.body_limit = BODY_LIMIT;
        call.headers.insert(ACCEPT, FHIR_JSON);
        if let Ok(tenant) = HeaderValue::from_str(tenant.as_str()) {
            call.headers.insert(X_TENANT_ID, tenant);
        }
        call
    }

    async fn post(
        &self,
        tenant: &TenantId,
        draft: &EncounterDraft,
        until: Instant,
        trace: &TraceContext,
    ) -> Result<Posted, NeighbourError> {
        let call = self.neighbour.post_json(self.neighbour.url(["Encounter"]), &encounter_resource(draft), trace);
        let mut call = self.within(call, tenant, until);
        call.headers.insert(CONTENT_TYPE, FHIR_JSON);
        call.headers.insert(PREFER, HeaderValue::from_static("return=representation"));
        // Only what would stand behind the `?`: with `Encounter?` in front, one server creates a duplicate and another
        // refuses.
        let condition = format!("identifier={}", token(draft));
        let Ok(condition) = HeaderValue::try_from(condition) else {
            // Without the condition a repeated call would be a second Encounter.
            return Err(NeighbourError { neighbour: "fhir", fault: NeighbourFault::Malformed, retry_after: None });
        };
        call.headers.insert(IF_NONE_EXIST, condition);
        let base = self.neighbour.url([]);
        self.neighbour.client.exchange(call, |answer| posted(answer, draft, &base)).await
    }

    async fn create(
        &self,
        tenant: &TenantId,
        draft: &EncounterDraft,
        until: Instant,
        trace: &TraceContext,
    ) -> Result<ChartedEncounter, FhirError> {
        match self.post(tenant, draft, until, trace).await.map_err(refused)? {
            Posted::Encounter(charted) => Ok(charted),
            Posted::Unnamed => Ok(self.search(tenant, draft, until, trace).await?),
            Posted::Several => {
                metrics::counter!("vcare_fhir_duplicate_encounters_total").increment(1);
                tracing::warn!(
                    tenant_id = %tenant,
                    identifier = draft.identifier_value,
                    "several Encounters have one visit's identifier; the oldest is taken"
                );
                Ok(self.search(tenant, draft, until, trace).await?)
            }
        }
    }

    /// What the patient's record says of a merge. A server that knows no such record, or does not let us read it, says
    /// nothing of one.
    async fn merge(
        &self,
        tenant: &TenantId,
        patient: &PatientId,
        until: Instant,
        trace: &TraceContext,
    ) -> Result<Merge, NeighbourError> {
        let base = self.neighbour.url([]);
        let call = self.neighbour.get(self.neighbour.url(["Patient", patient.as_str()]), trace);
        let call = self.within(call, tenant, until);
        let read = |answer: &Answer| match answer.status {
            StatusCode::OK => {
                let record: PatientRecord = answer.json()?;
                Ok(if record.is_of(patient) { record.merge(&base) } else { Merge::None })
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(answer.refusal()),
            status if status.is_client_error() => Ok(Merge::None),
            _ => Err(answer.refusal()),
        };
        self.neighbour.client.exchange(call, read).await
    }

    /// The oldest Encounter of that identifier.
    async fn search(
        &self,
        tenant: &TenantId,
        draft: &EncounterDraft,
        until: Instant,
        trace: &TraceContext,
    ) -> Result<ChartedEncounter, NeighbourError> {
        let base = self.neighbour.url([]);
        let mut url = self.neighbour.url(["Encounter"]);
        url.query_pairs_mut().append_pair("identifier", &token(draft)).append_pair("_count", "50");
        let call = self.within(self.neighbour.get(url, trace), tenant, until);
        let read = |answer: &Answer| match answer.status {
            StatusCode::OK => oldest(answer.json()?, draft, &base).ok_or(NeighbourFault::Malformed),
            _ => Err(answer.refusal()),
        };
        self.neighbour.client.exchange(call, read).await
    }
}

fn token(draft: &EncounterDraft) -> String {
    format!("{}|{}", draft.identifier_system, draft.identifier_value)
}

#[async_trait]
impl FhirGateway for HttpFhirGateway {
    async fn create_encounter(
        &self,
        tenant: &TenantId,
        draft: &EncounterDraft,
        deadline: Duration,
        trace: &TraceContext,
    ) -> Result<ChartedEncounter, FhirError> {
        let until = Instant::now() + deadline.max(Duration::ZERO).unsigned_abs();
        let first = self.create(tenant, draft, until, trace).await;
        let Err(FhirError::Invalid { status: 422 }) = first else { return first };
        let survivor = match self.merge(tenant, &draft.patient_id, until, trace).await? {
            Merge::None => return first,
            Merge::Unclear => return Err(FhirError::PatientMerged),
            Merge::Into(survivor) => survivor,
        };
        metrics::counter!("vcare_fhir_merged_patients_total").increment(1);
        let draft = EncounterDraft { patient_id: survivor.clone(), ..draft.clone() };
        match self.create(tenant, &draft, until, trace).await {
            Ok(charted) => Ok(ChartedEncounter { patient: charted.patient.or(Some(survivor)), ..charted }),
            // Merged again, say: a chain is followed by a person.
            Err(FhirError::Invalid { .. }) => Err(FhirError::PatientMerged),
            Err(error) => Err(error),
        }
    }
}

/// Only these two say that the Encounter itself is wrong. 401, 403 and the rest are faults of a configuration that
/// somebody will heal, and the same call works then.
fn refused(error: NeighbourError) -> FhirError {
    match error.fault {
        NeighbourFault::Status(status @ (400 | 422)) => FhirError::Invalid { status },
        _ => FhirError::Unavailable(error),
    }
}

fn posted(answer: &Answer, draft: &EncounterDraft, base: &Url) -> Result<Posted, NeighbourFault> {
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => {
            let charted = in_body(answer, draft, base);
            let charted = charted.or_else(|| in_location(&answer.headers).map(ChartedEncounter::from));
            Ok(charted.map_or(Posted::Unnamed, Posted::Encounter))
        }
        StatusCode::PRECONDITION_FAILED => Ok(Posted::Several),
        _ => Err(answer.refusal()),
    }
}

/// The part of an Encounter that we look at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    resource_type: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    identifier: Vec<Identifier>,
    #[serde(default)]
    subject: Reference,
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize)]
struct Identifier {
    #[serde(default)]
    system: String,
    #[serde(default)]
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    last_updated: Option<String>,
}

impl Found {
    fn id(&self) -> Option<EncounterId> {
        (self.resource_type == "Encounter").then(|| encounter_id(&self.id)).flatten()
    }

    /// With whose it is, where it is the visit's: an attempt before this one may have written it for the record that took
    /// the place of the patient's.
    fn charted(&self, draft: &EncounterDraft, base: &Url) -> Option<ChartedEncounter> {
        let patient = self.is_of(draft).then(|| self.subject.patient(base)).flatten();
        Some(ChartedEncounter { id: self.id()?, patient })
    }

    /// Some servers pass over a parameter that they do not know and answer with everything: the wrong chart.
    fn is_of(&self, draft: &EncounterDraft) -> bool {
        let ours = |one: &Identifier| {
            one.system == draft.identifier_system && one.value.eq_ignore_ascii_case(&draft.identifier_value)
        };
        self.identifier.iter().any(ours)
    }

    /// Since when it is there; who does not say is taken last.
    fn since(&self) -> (bool, Option<OffsetDateTime>) {
        let at = self.meta.last_updated.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        (at.is_none(), at)
    }
}

fn encounter_id(text: &str) -> Option<EncounterId> {
    is_fhir_id(text).then(|| EncounterId::parse(text).ok()).flatten()
}

fn in_body(answer: &Answer, draft: &EncounterDraft, base: &Url) -> Option<ChartedEncounter> {
    answer.json::<Found>().ok()?.charted(draft, base)
}

/// `[base]/Encounter/{id}[/_history/{version}]`, absolute or relative.
fn in_location(headers: &HeaderMap) -> Option<EncounterId> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let path = location.split(['?', '#']).next()?;
    let mut segments = path.rsplit('/').peekable();
    while let Some(segment) = segments.next() {
        if segments.peek() == Some(&"Encounter") {
            return encounter_id(segment);
        }
    }
    None
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    resource_type: String,
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    resource: Option<serde_json::Value>,
}

fn oldest(bundle: Bundle, draft: &EncounterDraft, base: &Url) -> Option<ChartedEncounter> {
    if bundle.resource_type != "Bundle" {
        return None;
    }
    // An entry that is something else (an OperationOutcome) is not the answer, and does not spoil it.
    let resources = bundle.entry.into_iter().filter_map(|entry| entry.resource);
    let found = resources.filter_map(|resource| serde_json::from_value::<Found>(resource).ok());
    let ours = found.filter(|one| one.is_of(draft)).filter_map(|one| Some((one.since(), one.charted(draft, base)?)));
    ours.min_by(|(since, one), (other_since, other)| (since, &one.id).cmp(&(other_since, &other.id)))
        .map(|(_, one)| one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_every_form_of_location() {
        let table = [
            ("https://fhir.example/fhir/R4/Encounter/e-1", Some("e-1")),
            ("https://fhir.example/fhir/R4/Encounter/e-1/_history/3", Some("e-1")),
            ("/fhir/R4/Encounter/e-1/_history/1", Some("e-1")),
            ("Encounter/e-1", Some("e-1")),
            ("Encounter/e-1?_format=json", Some("e-1")),
            ("https://fhir.example/Encounter/Encounter/e-1", Some("e-1")),
            ("Encounter/", None),
            ("Encounter", None),
            ("https://fhir.example/Patient/p-1", None),
            ("Encounter/a_b", None),
            ("Encounter/a%20b", None),
            ("", None),
        ];
        for (location, expected) in table {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            assert_eq!(in_location(&headers).as_ref().map(EncounterId::as_str), expected, "{location}");
        }
    }
}
