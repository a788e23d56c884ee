//! What is published when a visit does not take place, or somebody is put out of one: with the code of the reason, and without
//! its note.

use schemars::JsonSchema;
use serde::Serialize;
use vcare_domain::{CancelCode, NoShowCode, ParticipantRole, ParticipantStatus, RemovalCode, SessionStatus};

use super::{ACTOR_ID, FOREIGN_ID, PARTICIPANT_ID, SESSION_ID, words};
use crate::timestamp::Timestamp;

/// `virtual_care.session.cancelled.v1`: the visit was called off before it began.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct SessionCancelled {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The FHIR Appointment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub appointment_id: Option<String>,
    /// The visit's state.
    #[schemars(extend("enum" = SessionStatus::ALL.map(SessionStatus::as_str)))]
    pub status: &'static str,
    /// Why. Absent in events of versions that knew no codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::<CancelCode>()))]
    pub reason_code: Option<&'static str>,
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.no_show.v1`: the visit did not take place, because somebody did not come.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct SessionNoShow {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The FHIR Appointment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub appointment_id: Option<String>,
    /// The visit's state.
    #[schemars(extend("enum" = SessionStatus::ALL.map(SessionStatus::as_str)))]
    pub status: &'static str,
    /// Why. Absent in events of versions that knew no codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::<NoShowCode>()))]
    pub reason_code: Option<&'static str>,
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.participant.removed.v1`: somebody was put out.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ParticipantRemoved {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The person's part in it, `vsp_…`.
    #[schemars(extend("pattern" = PARTICIPANT_ID))]
    pub participant_id: String,
    /// What the person is in the visit.
    #[schemars(extend("enum" = ParticipantRole::ALL.map(ParticipantRole::as_str)))]
    pub role: &'static str,
    /// The person's state.
    #[schemars(extend("enum" = ParticipantStatus::ALL.map(ParticipantStatus::as_str)))]
    pub participant_status: &'static str,
    /// The visit's state.
    #[schemars(extend("enum" = SessionStatus::ALL.map(SessionStatus::as_str)))]
    pub session_status: &'static str,
    /// Why. Absent in events of versions that knew no codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::<RemovalCode>()))]
    pub reason_code: Option<&'static str>,
    /// Who caused it: an account, a participant, or the service.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub actor_id: String,
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}
