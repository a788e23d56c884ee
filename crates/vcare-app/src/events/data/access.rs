//! What events say of access that somebody took.

use schemars::JsonSchema;
use serde::Serialize;
use vcare_domain::EmergencyCode;

use super::{ACTOR_ID, FOREIGN_ID, words};
use crate::timestamp::Timestamp;

const ACCESS_ID: &str = "^vea_[0-9A-HJKMNP-TV-Z]{26}$";
/// A visit of either kind.
const VISIT_ID: &str = "^(vsn|avs)_[0-9A-HJKMNP-TV-Z]{26}$";

/// `virtual_care.subject.erased.v1`: what was written about a patient was erased here.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct SubjectErased {
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// When.
    pub erased_at: Timestamp,
}

/// `virtual_care.access.emergency.v1`: somebody took emergency access to a patient. The reason in words stays in the service.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct EmergencyAccessGranted {
    /// The access, `vea_…`.
    #[schemars(extend("pattern" = ACCESS_ID))]
    pub access_id: String,
    /// The account that has it.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub actor_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The visit at which it was needed, `vsn_…` or `avs_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = VISIT_ID))]
    pub visit_id: Option<String>,
    /// The accounts of the patient's treating providers, who are to be notified; empty when none is known.
    #[schemars(inner(regex(pattern = ACTOR_ID)))]
    pub treating_provider_ids: Vec<String>,
    /// Why. Absent in events of versions that knew no codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::<EmergencyCode>()))]
    pub reason_code: Option<&'static str>,
    /// Since when.
    pub granted_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}
