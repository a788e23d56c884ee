//! What each event says: ids, states, times and numbers; never a name, a reason in free text or anything clinical.

mod access;
mod async_visits;
mod called_off;
mod links;
mod planning;
mod recordings;

use schemars::JsonSchema;
use serde::Serialize;
use vcare_domain::{
    EncounterStatus, EndCause, MediaMode, ParticipantRole, ParticipantStatus, ReasonCode, SegmentCause, SessionStatus,
    VideoBackend,
};

use crate::timestamp::Timestamp;

pub use access::{EmergencyAccessGranted, SubjectErased};
pub use async_visits::{
    AsyncVisitAddendumAdded, AsyncVisitChanged, AsyncVisitChargeable, AsyncVisitClaimed, AsyncVisitResponded,
    AsyncVisitSubmitted,
};
pub use called_off::{ParticipantRemoved, SessionCancelled, SessionNoShow};
pub use links::{FallbackInitiated, FallbackThreadCreated, LinkChanged};
pub use planning::{PatientDelayed, SessionRescheduled};
pub use recordings::{RecordingAvailable, RecordingWithdrawn};

// No text is without bounds: a field that could hold prose could hold something clinical.
const SESSION_ID: &str = "^vsn_[0-9A-HJKMNP-TV-Z]{26}$";
const PARTICIPANT_ID: &str = "^vsp_[0-9A-HJKMNP-TV-Z]{26}$";
/// An id of a neighbour: the characters of `vcare_domain`'s checked texts.
const FOREIGN_ID: &str = "^[A-Za-z0-9_.-]{1,64}$";
/// An account, or what else can act: a participant, `system:encounter`.
pub(super) const ACTOR_ID: &str = "^[A-Za-z0-9_.:@|-]{1,128}$";
const THREAD_ID: &str = "^[A-Za-z0-9_.-]{1,128}$";
/// The IANA name of a time zone.
const TIME_ZONE: &str = "^[A-Za-z0-9/_+-]{1,64}$";
const STORAGE_KEY: &str = "^[!-~]{1,512}$";
const KEY: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";
const WORD: &str = "^[A-Za-z0-9_.:-]{1,128}$";

/// The words of a list of reasons.
fn words<C: ReasonCode>() -> Vec<&'static str> {
    C::all().iter().map(|code| code.word()).collect()
}

/// `virtual_care.session.created.v1`: a visit was created.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct SessionCreated {
    /// The visit, `vsn_…`.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The FHIR Appointment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub appointment_id: Option<String>,
    /// The provider's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: Option<String>,
    /// Who created it.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub initiator_id: String,
    /// Always `scheduled`.
    #[schemars(extend("const" = SessionStatus::Scheduled.as_str()))]
    pub status: &'static str,
    /// Where it takes place.
    #[schemars(extend("enum" = VideoBackend::ALL.map(VideoBackend::as_str)))]
    pub video_backend: &'static str,
    /// Planned start.
    pub scheduled_start: Timestamp,
    /// Planned end.
    pub scheduled_end: Timestamp,
    /// Recording was consented to.
    pub recording_enabled: bool,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.participant.{invited,joined,admitted,disconnected}.v1`: where somebody is now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ParticipantChanged {
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
    /// Who caused it: an account, a participant, or the service.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub actor_id: String,
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.participant.join_token_issued.v1`: a new join token counts; older ones are dead.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct JoinTokenIssued {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The person's part in it.
    #[schemars(extend("pattern" = PARTICIPANT_ID))]
    pub participant_id: String,
    /// The version that counts now.
    #[schemars(range(min = 1))]
    pub token_version: u32,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.started.v1`: the patient was admitted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct SessionStarted {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The FHIR Patient's id.
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub patient_id: String,
    /// The provider's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: Option<String>,
    /// When.
    pub actual_start: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.media_mode.changed.v1`: the visit goes on in another medium.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct MediaModeChanged {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
    /// The medium before.
    #[schemars(extend("enum" = MediaMode::ALL.map(MediaMode::as_str)))]
    pub previous_mode: &'static str,
    /// The medium now.
    #[schemars(extend("enum" = MediaMode::ALL.map(MediaMode::as_str)))]
    pub media_mode: &'static str,
    /// Why.
    #[schemars(extend("enum" = SegmentCause::ALL.map(SegmentCause::as_str)))]
    pub cause: &'static str,
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.ended.v1`: the visit is over.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct SessionEnded {
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
    /// The account of the provider who was with the patient for longest; when nobody was, of the planned one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: Option<String>,
    /// When the patient was admitted; absent when that never happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual_start: Option<Timestamp>,
    /// When the patient and the providers were last together; when they never were, when it was ended.
    pub actual_end: Timestamp,
    /// Whole seconds that the patient and a provider spent together; 0 when nothing took place.
    pub duration_seconds: u32,
    /// `pending`, or `not_required` when nothing took place.
    #[schemars(extend("enum" = [EncounterStatus::Pending, EncounterStatus::NotRequired].map(EncounterStatus::as_str)))]
    pub encounter_status: &'static str,
    /// Why it ended.
    #[schemars(extend("enum" = EndCause::ALL.map(EndCause::as_str)))]
    pub end_cause: &'static str,
    /// Storage key of the recording, when it was finished by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = STORAGE_KEY))]
    pub recording_ref: Option<String>,
    /// Storage keys of all recordings that were finished by then, in the order in which they were heard of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = STORAGE_KEY)))]
    pub recording_refs: Vec<String>,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.{failed,resumed}.v1`, `virtual_care.session.fallback.parked.v1` and `virtual_care.session.encounter.parked.v1`: the visit's state.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct SessionChanged {
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
    /// When.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.billing.session_chargeable.v1`: the visit can be charged. Once a visit, after its Encounter.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct SessionChargeable {
    /// The visit.
    #[schemars(extend("pattern" = SESSION_ID))]
    pub session_id: String,
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
    /// The account of the provider who was with the patient for longest: the first of `providers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: Option<String>,
    /// The providers who were with the patient, the longest first.
    pub providers: Vec<ProviderSeconds>,
    /// The facility.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = FOREIGN_ID))]
    pub facility_id: Option<String>,
    /// When the patient and a provider were first together, as in the Encounter.
    pub started_at: Timestamp,
    /// When they were last together, as in the Encounter.
    pub ended_at: Timestamp,
    /// Whole seconds that the patient and a provider spent together; the sum of `secondsPerMode`.
    pub duration_seconds: u32,
    /// Whole seconds per medium.
    pub seconds_per_mode: ModeSeconds,
}

/// A provider's time with the patient.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ProviderSeconds {
    /// The provider's account.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub id: String,
    /// Whole seconds with the patient.
    #[schemars(range(min = 1))]
    pub seconds: u32,
}

/// Whole seconds per medium.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
pub struct ModeSeconds {
    /// Picture and sound.
    pub video: u32,
    /// Sound only.
    pub audio: u32,
    /// Written messages.
    pub message: u32,
}

/// `virtual_care.config.updated.v1`: a tenant's settings were changed. Names only: no value, no credential.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ConfigUpdated {
    /// The names of what was changed, as they stand in requests.
    #[schemars(length(min = 1), inner(regex(pattern = "^[a-z][A-Za-z]{1,63}$")))]
    pub changed_fields: Vec<&'static str>,
    /// Who changed it.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub actor_id: String,
    /// When.
    pub occurred_at: Timestamp,
    /// The settings' version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.audit.recorded.v1`: an entry for audit-service.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct AuditRecorded {
    /// What kind of thing happened, `CONSENT_GATE_BLOCKED`.
    #[schemars(extend("pattern" = "^[A-Z][A-Z_]{1,63}$"))]
    pub event_type: &'static str,
    /// Who acted.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub actor_id: String,
    /// What kind of actor that is.
    #[schemars(extend("enum" = ["USER", "SYSTEM"]))]
    pub actor_type: &'static str,
    /// On what kind of thing.
    #[schemars(extend("pattern" = "^[A-Z][A-Za-z]{1,63}$"))]
    pub resource_type: &'static str,
    /// On which.
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub resource_id: String,
    /// What was done.
    #[schemars(extend("enum" = ["CREATE", "UPDATE", "DELETE", "READ", "EVALUATE"]))]
    pub action: &'static str,
    /// How it came out.
    #[schemars(extend("enum" = ["SUCCESS", "FAILURE"]))]
    pub outcome: &'static str,
    /// Fixed words and ids that explain it.
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z][A-Za-z]{0,31}$" }, "additionalProperties" = { "type": "string", "pattern": WORD }))]
    pub metadata: std::collections::BTreeMap<&'static str, String>,
    /// What was shown, by id, when it was a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(regex(pattern = "^(vsn|avs|upl)_[0-9A-HJKMNP-TV-Z]{26}$")))]
    pub resource_ids: Vec<String>,
}
