//! A visit as each audience may see it. Each audience has a type of its own: a field that is not in it cannot slip out.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::sessions::SeenSession;
use vcare_app::{ViewedSession, Viewer};
use vcare_domain::{Audience, Participant, ParticipantStatus, SessionParts, SessionState, ThreadRecord};

use crate::dto::people::{About, OwnParticipantDto, ParticipantDto, PersonDto, ProviderTimeDto, SegmentDto};
use crate::values;

/// A telehealth visit, as the caller may see it; `audience` says which view it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "audience", rename_all = "snake_case")]
#[schema(as = VirtualSession)]
pub enum VirtualSessionDto {
    /// For those who care for the patient in it: everything.
    Treating(Box<TreatingSessionDto>),
    /// For those who care for the patient elsewhere, or have emergency access: no recording and no message thread.
    Staff(Box<StaffSessionDto>),
    /// For those who plan visits: times, people and states; no reasons, nothing clinical.
    Scheduler(Box<SchedulerSessionDto>),
    /// For participants who do not care for the patient: times and their own part.
    Guest(Box<GuestSessionDto>),
    /// For the patient and their proxies: their own part.
    Patient(Box<PatientSessionDto>),
}

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
    /// How often it was changed, from 1. Send it back in `If-Match`.
    #[schema(minimum = 1)]
    version: u32,
    /// When it was created.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    updated_at: OffsetDateTime,
}

/// What was planned, and what came of it, without a reason or anything clinical.
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
    /// Why it was cancelled, in the words of the person who cancelled it.
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

/// A visit, for those who care for the patient in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TreatingSession)]
pub struct TreatingSessionDto {
    #[serde(flatten)]
    times: SessionTimesDto,
    #[serde(flatten)]
    plan: SessionPlanDto,
    #[serde(flatten)]
    course: SessionCourseDto,
    #[serde(flatten)]
    thread: SessionThreadDto,
    /// Why the visit goes on in messages, in the words of the person who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging_reason: Option<String>,
    /// Storage key of the first recording, once it is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_ref: Option<String>,
    /// Storage keys of all finished recordings, in the order in which they were heard of; `recordingRef` is the first.
    recording_refs: Vec<String>,
}

/// A visit, for those who care for the patient elsewhere, or have emergency access.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffSession)]
pub struct StaffSessionDto {
    #[serde(flatten)]
    times: SessionTimesDto,
    #[serde(flatten)]
    plan: SessionPlanDto,
    #[serde(flatten)]
    course: SessionCourseDto,
}

/// A visit, for those who plan visits.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SchedulerSession)]
pub struct SchedulerSessionDto {
    #[serde(flatten)]
    times: SessionTimesDto,
    #[serde(flatten)]
    plan: SessionPlanDto,
    /// Who takes part, in the order of invitation.
    participants: Vec<PersonDto>,
}

/// A visit, for participants who do not care for the patient.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GuestSession)]
pub struct GuestSessionDto {
    #[serde(flatten)]
    times: SessionTimesDto,
    /// What the provider is called; absent as in `Person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "Dr. Parwana Noori")]
    provider_name: Option<String>,
    /// The caller's own part.
    participants: Vec<OwnParticipantDto>,
}

/// A visit, for its patient and their proxies.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PatientSession)]
pub struct PatientSessionDto {
    #[serde(flatten)]
    times: SessionTimesDto,
    /// The FHIR Patient's id.
    #[schema(value_type = values::PatientId)]
    patient_id: String,
    /// The FHIR Appointment's id.
    #[schema(value_type = Option<values::AppointmentId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<String>,
    /// Whole seconds; absent before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u32>,
    /// Recording was asked for and consented to.
    recording_enabled: bool,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<FailureReason>,
    #[serde(flatten)]
    thread: SessionThreadDto,
    /// What the provider is called; absent as in `Person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "Dr. Parwana Noori")]
    provider_name: Option<String>,
    /// The patient's own part.
    participants: Vec<OwnParticipantDto>,
}

impl From<&ViewedSession> for VirtualSessionDto {
    fn from(viewed: &ViewedSession) -> Self {
        Self::of(viewed, About::default())
    }
}

impl VirtualSessionDto {
    /// The same, with what people are called, and who of those who wait is there.
    #[must_use]
    pub fn with_presence(seen: &SeenSession) -> Self {
        let over = seen.viewed.session.is_over();
        let present = |person: &Participant| {
            let waits = person.state.status() == ParticipantStatus::Waiting && !over;
            waits.then(|| seen.there.contains(&person.id))
        };
        let about = About { presence: Some(&present), uninvited: &seen.uninvited, names: Some(&seen.names) };
        Self::of(&seen.viewed, about)
    }

    fn of(viewed: &ViewedSession, about: About<'_>) -> Self {
        let visit = viewed.session.parts();
        match viewed.viewer.audience {
            Audience::Treating => Self::Treating(Box::new(TreatingSessionDto {
                times: SessionTimesDto::of(visit),
                plan: SessionPlanDto::of(visit),
                course: SessionCourseDto::of(visit, about),
                thread: SessionThreadDto::of(visit),
                messaging_reason: messaging_reason(visit),
                recording_ref: visit.recordings.first().map(ToString::to_string),
                recording_refs: visit.recordings.iter().map(ToString::to_string).collect(),
            })),
            Audience::Staff => Self::Staff(Box::new(StaffSessionDto {
                times: SessionTimesDto::of(visit),
                plan: SessionPlanDto::of(visit),
                course: SessionCourseDto::of(visit, about),
            })),
            Audience::Scheduler => Self::Scheduler(Box::new(SchedulerSessionDto {
                times: SessionTimesDto::of(visit),
                plan: SessionPlanDto::of(visit),
                participants: visit.participants.iter().map(|one| PersonDto::of(one, about)).collect(),
            })),
            Audience::Guest => Self::Guest(Box::new(GuestSessionDto {
                times: SessionTimesDto::of(visit),
                provider_name: provider_name(visit, about),
                participants: own(visit, viewed.viewer, about),
            })),
            Audience::Patient => Self::Patient(Box::new(PatientSessionDto {
                times: SessionTimesDto::of(visit),
                patient_id: visit.patient_id.as_str().to_owned(),
                appointment_id: visit.appointment_id.as_ref().map(ToString::to_string),
                duration_seconds: duration(visit),
                recording_enabled: visit.recording_enabled,
                failure_reason: failure(visit),
                thread: SessionThreadDto::of(visit),
                provider_name: provider_name(visit, about),
                participants: own(visit, viewed.viewer, about),
            })),
        }
    }
}

fn provider_name(visit: &SessionParts, about: About<'_>) -> Option<String> {
    about.names?.of_provider(visit).map(|name| name.as_str().to_owned())
}

fn own(visit: &SessionParts, viewer: Viewer, about: About<'_>) -> Vec<OwnParticipantDto> {
    let own = viewer.part.and_then(|part| visit.participant(part));
    own.map(|one| OwnParticipantDto::of(one, about)).into_iter().collect()
}

fn duration(visit: &SessionParts) -> Option<u32> {
    visit.state.ended_at().map(|_| visit.seconds().total())
}

fn messaging_reason(visit: &SessionParts) -> Option<String> {
    visit.fallback.as_ref()?.reason.as_ref().map(|reason| reason.as_str().to_owned())
}

fn failure(visit: &SessionParts) -> Option<FailureReason> {
    matches!(visit.state, SessionState::Failed { .. }).then_some(FailureReason::ConnectionLost)
}

impl SessionTimesDto {
    fn of(visit: &SessionParts) -> Self {
        Self {
            id: visit.id.to_string(),
            status: visit.state.status().into(),
            scheduled_start: visit.schedule.start(),
            scheduled_end: visit.schedule.end(),
            time_zone: visit.schedule.time_zone().to_string(),
            expected_at: visit.expected_at(),
            actual_start: visit.state.started_at(),
            actual_end: visit.state.ended_at(),
            version: visit.version.get(),
            created_at: visit.created_at,
            updated_at: visit.updated_at,
        }
    }
}

impl SessionPlanDto {
    fn of(visit: &SessionParts) -> Self {
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
    fn of(visit: &SessionParts) -> Self {
        let thread = visit.fallback.as_ref().map(|fallback| &fallback.thread);
        Self {
            messaging_thread_id: thread.and_then(ThreadRecord::id).map(ToString::to_string),
            messaging_status: thread.map(MessagingStatus::from),
        }
    }
}

impl SessionCourseDto {
    fn of(visit: &SessionParts, about: About<'_>) -> Self {
        let cancel_reason = match &visit.state {
            SessionState::Cancelled { reason, .. } => Some(reason.as_str().to_owned()),
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
