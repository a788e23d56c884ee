//! What the views of a visit are put together from.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_domain::{SessionParts, SessionState, ThreadRecord};

use crate::dto::people::{About, ParticipantDto, ProviderTimeDto, SegmentDto};
use crate::values;

/// The fields of a visit that every audience sees.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionTimes)]
pub struct SessionTimesDto {
    /// The session.
    #[schema(value_type = values::SessionId)]
    id: String,
    /// Its state.
    status: values::SessionStatus,
    /// Planned start, UTC.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    scheduled_start: OffsetDateTime,
    /// Planned end, UTC.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    scheduled_end: OffsetDateTime,
    /// The zone in which people speak of it.
    #[schema(value_type = values::TimeZone)]
    time_zone: String,
    /// When the patient said that they come, later than planned; absent when they said nothing.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    expected_at: Option<OffsetDateTime>,
    /// When the patient was admitted.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    actual_start: Option<OffsetDateTime>,
    /// When it was ended.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    actual_end: Option<OffsetDateTime>,
    /// Why it was cancelled; absent unless cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_reason_code: Option<values::CancelReasonCode>,
    /// Why it is a no-show; absent unless it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_show_reason_code: Option<values::NoShowReasonCode>,
    /// How often it was changed, from 1. Send it back in `If-Match`.
    #[schema(minimum = 1)]
    version: u32,
    /// When it was created.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    updated_at: OffsetDateTime,
    /// When everything that people wrote in it was erased; texts are `[erased]` then. Absent otherwise.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    erased_at: Option<OffsetDateTime>,
}

/// What was planned, and what came of it, without a note or anything clinical.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionPlan)]
pub struct SessionPlanDto {
    /// Whose it is.
    #[schema(value_type = values::TenantId)]
    tenant_id: String,
    /// The facility.
    #[schema(value_type = Option<values::NodeId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id: Option<String>,
    /// The FHIR Patient's id.
    #[schema(value_type = values::PatientId)]
    patient_id: String,
    /// The FHIR Appointment's id.
    #[schema(value_type = Option<values::AppointmentId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<String>,
    /// The FHIR Encounter's id; absent while there is none.
    #[schema(value_type = Option<values::EncounterId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter_id: Option<String>,
    /// What has become of the Encounter; absent before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    encounter_status: Option<values::EncounterStatus>,
    /// Who created it.
    #[schema(value_type = values::UserId)]
    initiator_id: String,
    /// Who cares.
    #[schema(value_type = Option<values::UserId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<String>,
    /// Where it takes place.
    video_backend: values::VideoBackend,
    /// The room's name.
    #[schema(example = "kabul-k3j9x2qa")]
    room_name: String,
    /// The room's address. Opens nothing without a token.
    #[schema(example = "https://meet.example/kabul-k3j9x2qa")]
    room_url: String,
    /// Whole seconds; absent before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u32>,
    /// Recording was asked for and consented to.
    recording_enabled: bool,
}

/// Why a session failed.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The patient's connection was lost, and they did not come back in time.
    ConnectionLost,
}

/// State of the thread of a message fallback. `pending`: follows by itself. `parked`: refused, a person must look.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessagingStatus {
    /// Follows by itself.
    Pending,
    /// It is there.
    Created,
    /// Refused: a person must look.
    Parked,
}

impl From<&ThreadRecord> for MessagingStatus {
    fn from(record: &ThreadRecord) -> Self {
        match record {
            ThreadRecord::Pending => Self::Pending,
            ThreadRecord::Created(_) => Self::Created,
            ThreadRecord::Parked => Self::Parked,
        }
    }
}

/// The message thread in which a visit goes on.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionThread)]
pub struct SessionThreadDto {
    /// Thread of the message fallback.
    #[schema(value_type = Option<values::ThreadId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging_thread_id: Option<String>,
    /// What has become of that thread; absent while nobody asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging_status: Option<MessagingStatus>,
}

/// Why a visit did not go as planned, and how it was held.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionCourse)]
pub struct SessionCourseDto {
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<FailureReason>,
    /// Why it was cancelled, in the words of the person who cancelled it; absent when they wrote none.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<String>,
    /// Why it ended; absent before.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_cause: Option<values::EndCause>,
    /// Why it was ended, in the words of the person who ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<String>,
    /// Who takes part, in the order of invitation.
    participants: Vec<ParticipantDto>,
    /// In which medium it is held now; absent unless active.
    #[serde(skip_serializing_if = "Option::is_none")]
    media_mode: Option<values::MediaMode>,
    /// What the patient and a provider spent together: stretches of one medium, in order. As in the Encounter.
    segments: Vec<SegmentDto>,
    /// Whole seconds that the patient and a provider spent together, as far as they have ended.
    seconds_together: u32,
    /// The providers who were with the patient so far, the longest first.
    providers: Vec<ProviderTimeDto>,
}

pub(super) fn duration(visit: &SessionParts) -> Option<u32> {
    visit.state.ended_at().map(|_| visit.seconds().total())
}

pub(super) fn failure(visit: &SessionParts) -> Option<FailureReason> {
    matches!(visit.state, SessionState::Failed { .. }).then_some(FailureReason::ConnectionLost)
}

impl SessionTimesDto {
    pub(super) fn of(visit: &SessionParts) -> Self {
        Self {
            id: visit.id.to_string(),
            status: visit.state.status().into(),
            scheduled_start: visit.schedule.start(),
            scheduled_end: visit.schedule.end(),
            time_zone: visit.schedule.time_zone().to_string(),
            expected_at: visit.expected_at(),
            actual_start: visit.state.started_at(),
            actual_end: visit.state.ended_at(),
            cancel_reason_code: visit.state.cancel_code().map(Into::into),
            no_show_reason_code: visit.state.no_show_code().map(Into::into),
            version: visit.version.get(),
            created_at: visit.created_at,
            updated_at: visit.updated_at,
            erased_at: visit.erased_at,
        }
    }
}

impl SessionPlanDto {
    pub(super) fn of(visit: &SessionParts) -> Self {
        let encounter = visit.state.encounter();
        Self {
            tenant_id: visit.tenant_id.to_string(),
            node_id: visit.node_id.as_ref().map(ToString::to_string),
            patient_id: visit.patient_id.as_str().to_owned(),
            appointment_id: visit.appointment_id.as_ref().map(ToString::to_string),
            encounter_id: encounter.and_then(|record| record.id()).map(ToString::to_string),
            encounter_status: encounter.map(|record| record.status().into()),
            initiator_id: visit.initiator_id.as_str().to_owned(),
            provider_id: visit.provider_id.as_ref().map(|provider| provider.as_str().to_owned()),
            video_backend: visit.video_backend.into(),
            room_name: visit.room.name.to_string(),
            room_url: visit.room.url.as_str().to_owned(),
            duration_seconds: duration(visit),
            recording_enabled: visit.recording_enabled,
        }
    }
}

impl SessionThreadDto {
    pub(super) fn of(visit: &SessionParts) -> Self {
        let thread = visit.fallback.as_ref().map(|fallback| &fallback.thread);
        Self {
            messaging_thread_id: thread.and_then(ThreadRecord::id).map(ToString::to_string),
            messaging_status: thread.map(MessagingStatus::from),
        }
    }
}

impl SessionCourseDto {
    pub(super) fn of(visit: &SessionParts, about: About<'_>) -> Self {
        let cancel_reason = match &visit.state {
            SessionState::Cancelled { reason, .. } => reason.note.as_ref().map(|note| note.as_str().to_owned()),
            _ => None,
        };
        let (end_cause, end_reason) = match &visit.state {
            SessionState::Ended { cause, reason, .. } => {
                (Some((*cause).into()), reason.as_ref().map(|reason| reason.as_str().to_owned()))
            }
            _ => (None, None),
        };
        Self {
            failure_reason: failure(visit),
            cancel_reason,
            end_cause,
            end_reason,
            participants: visit.participants.iter().map(|one| ParticipantDto::of(one, about)).collect(),
            media_mode: visit.medium().map(values::MediaMode::from),
            seconds_together: visit.seconds().total(),
            segments: visit.held().iter().map(SegmentDto::from).collect(),
            providers: visit.provider_times().into_iter().map(ProviderTimeDto::from).collect(),
        }
    }
}
