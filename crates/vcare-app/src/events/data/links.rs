//! What events say of links, and of going on in messages.

use schemars::JsonSchema;
use serde::Serialize;
use vcare_domain::{MediaMode, ParticipantRole, SessionStatus};

use super::{ACTOR_ID, FOREIGN_ID, KEY, PARTICIPANT_ID, SESSION_ID, THREAD_ID};
use crate::timestamp::Timestamp;

/// `virtual_care.session.participant.link_changed.v1`: what somebody's link is used for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct LinkChanged {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The person's part in it.
    #[schemars(extend("pattern" = PARTICIPANT_ID))]
    pub participant_id: String,
    /// What they are in it.
    #[schemars(extend("enum" = ParticipantRole::ALL.map(ParticipantRole::as_str)))]
    pub role: &'static str,
    /// The medium that their link is used for.
    #[schemars(extend("enum" = MediaMode::ALL.map(MediaMode::as_str)))]
    pub mode: &'static str,
    /// The most kbit/s, each way, that it should use; 0 for messages.
    pub cap_kbps: u32,
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.fallback.initiated.v1`: a visit goes on in messages, and its thread is wanted. Published when that
/// is decided, whatever the communication-service does.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct FallbackInitiated {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The key of the thread: the same in each event and each request for this visit. One key is one thread.
    #[schemars(extend("pattern" = KEY))]
    pub idempotency_key: String,
    /// The FHIR Patient's id: the thread is with this patient.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The accounts that write with the patient: who asked for the thread, and the visit's provider.
    #[schemars(length(min = 1, max = 2), inner(regex(pattern = ACTOR_ID)))]
    pub participant_ids: Vec<String>,
    /// The provider's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: Option<String>,
    /// The FHIR Appointment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub appointment_id: Option<String>,
    /// Who asked for it first.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub requested_by: String,
    /// The visit's state.
    #[schemars(extend("enum" = [SessionStatus::Active.as_str(), SessionStatus::Failed.as_str()]))]
    pub status: &'static str,
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.fallback.thread_created.v1`: the thread is there in which a visit goes on. Once a visit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct FallbackThreadCreated {
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
    /// The thread. It exists: link it.
    #[schemars(extend("pattern" = THREAD_ID))]
    pub messaging_thread_id: String,
    /// Who asked for it.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub requested_by: String,
    /// The visit's state by now.
    #[schemars(extend("enum" = SessionStatus::ALL.map(SessionStatus::as_str)))]
    pub status: &'static str,
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}
