//! What is published of when a visit is to take place.

use schemars::JsonSchema;
use serde::Serialize;
use vcare_domain::{Delay, SessionStatus};

use super::{ACTOR_ID, FOREIGN_ID, SESSION_ID, TIME_ZONE};
use crate::timestamp::Timestamp;

/// `virtual_care.session.rescheduled.v1`: a visit that has not begun was moved to another time.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct SessionRescheduled {
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
    /// The account of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: Option<String>,
    /// The visit's state: `scheduled`, or `waiting` when somebody is in the waiting room and it is open by the new time, too.
    #[schemars(extend("enum" = [SessionStatus::Scheduled.as_str(), SessionStatus::Waiting.as_str()]))]
    pub status: &'static str,
    /// The new planned start.
    pub scheduled_start: Timestamp,
    /// The new planned end.
    pub scheduled_end: Timestamp,
    /// The IANA name of the zone in which people speak of it.
    #[schemars(extend("pattern" = TIME_ZONE))]
    pub time_zone: String,
    /// The planned start before.
    pub previous_start: Timestamp,
    /// The planned end before.
    pub previous_end: Timestamp,
    /// When it was moved.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}

/// `virtual_care.session.patient_delayed.v1`: the patient said that they come later than planned.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct PatientDelayed {
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
    /// The account of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = ACTOR_ID))]
    pub provider_id: Option<String>,
    /// How much later, in minutes.
    #[schemars(extend("enum" = Delay::MINUTES))]
    pub minutes: u8,
    /// The planned start and the delay.
    pub expected_at: Timestamp,
    /// When they said so.
    pub occurred_at: Timestamp,
    /// The visit's version.
    #[schemars(range(min = 1))]
    pub version: u32,
}
