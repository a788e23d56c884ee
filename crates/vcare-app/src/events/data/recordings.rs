//! What events say of recordings.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ACTOR_ID, FOREIGN_ID, SESSION_ID, STORAGE_KEY};
use crate::timestamp::Timestamp;

/// `virtual_care.session.recording.withdrawn.v1`: the consent to recording was withdrawn; nothing may be recorded from here
/// on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct RecordingWithdrawn {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// Who noted it.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub actor_id: String,
    /// When.
    pub withdrawn_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.recording.available.v1`: a recording is finished, during the visit or after
/// its end.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct RecordingAvailable {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// Storage key of the recording.
    #[schemars(extend("pattern" = STORAGE_KEY))]
    pub recording_ref: String,
    /// When the consent to recording was withdrawn, if it was: what to do with what was recorded before is decided by who
    /// keeps recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent_withdrawn_at: Option<Timestamp>,
    /// When it was heard of.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}
