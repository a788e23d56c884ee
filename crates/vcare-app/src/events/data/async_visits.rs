//! What the events of visits without a live link say. Not a word of what people wrote.

use schemars::JsonSchema;
use serde::Serialize;
use vcare_domain::{Advice, AsyncVisitStatus};

use super::{ACTOR_ID, FOREIGN_ID, SESSION_ID};
use crate::timestamp::Timestamp;

const ASYNC_VISIT_ID: &str = "^avs_[0-9A-HJKMNP-TV-Z]{26}$";
const UUID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";

/// `virtual_care.async_visit.submitted.v1`: a draft arrived.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct AsyncVisitSubmitted {
    /// The visit, `avs_…`.
    #[schemars(extend("pattern" = ASYNC_VISIT_ID))]
    pub async_visit_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The FHIR Appointment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub appointment_id: Option<String>,
    /// The live visit that it goes on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: Option<String>,
    /// The draft's name, given by the phone.
    #[schemars(extend("pattern" = UUID))]
    pub client_mutation_id: String,
    /// Who sent it: the patient, or a clinician for them.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub submitted_by: String,
    /// How many photos and voice notes come with it, sooner or later.
    #[schemars(range(max = 10))]
    pub attachments_expected: u8,
    /// When it was written, by the phone's clock; when it arrived, where the phone did not say.
    pub authored_at: Timestamp,
    /// When it arrived.
    pub submitted_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.async_visit.claimed.v1`: a clinician took a visit up, or holds it for longer.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct AsyncVisitClaimed {
    /// The visit.
    #[schemars(extend("pattern" = ASYNC_VISIT_ID))]
    pub async_visit_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The clinician's account.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: String,
    /// Since when it is theirs.
    pub claimed_at: Timestamp,
    /// From when on somebody else may take it; no event tells when that comes.
    pub claimed_until: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.async_visit.responded.v1`: a clinician answered. The Encounter and the charge follow.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct AsyncVisitResponded {
    /// The visit.
    #[schemars(extend("pattern" = ASYNC_VISIT_ID))]
    pub async_visit_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The FHIR Appointment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub appointment_id: Option<String>,
    /// The live visit that it goes on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: Option<String>,
    /// The clinician's account.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: String,
    /// What they advise to do next.
    #[schemars(extend("enum" = Advice::ALL.map(Advice::as_str)))]
    pub follow_up: &'static str,
    /// When.
    pub responded_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.async_visit.addendum_added.v1`: the clinician who answered added to the answer.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct AsyncVisitAddendumAdded {
    /// The visit.
    #[schemars(extend("pattern" = ASYNC_VISIT_ID))]
    pub async_visit_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The clinician's account.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: String,
    /// Which addition to the answer it is, from 1.
    #[schemars(range(min = 1))]
    pub number: u32,
    /// When.
    pub added_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.async_visit.{released,closed,encounter.parked}.v1`: where a visit stands now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct AsyncVisitChanged {
    /// The visit.
    #[schemars(extend("pattern" = ASYNC_VISIT_ID))]
    pub async_visit_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The visit's state.
    #[schemars(extend("enum" = AsyncVisitStatus::ALL.map(AsyncVisitStatus::as_str)))]
    pub status: &'static str,
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.billing.async_visit_chargeable.v1`: the Encounter is in the chart. Once a visit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct AsyncVisitChargeable {
    /// The visit.
    #[schemars(extend("pattern" = ASYNC_VISIT_ID))]
    pub async_visit_id: String,
    /// The FHIR Encounter's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub encounter_id: String,
    /// The FHIR Patient's id, as in the Encounter: after a merge of two records, the one that stayed.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The FHIR Appointment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub appointment_id: Option<String>,
    /// The live visit that it goes on with; that one's own charge, if it has one, is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: Option<String>,
    /// The clinician's account.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: String,
    /// The facility.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub facility_id: Option<String>,
    /// When the clinician took it up.
    pub started_at: Timestamp,
    /// When they answered.
    pub ended_at: Timestamp,
    /// Whole seconds between both. Nobody measured how much of it was work.
    pub duration_seconds: u32,
}
