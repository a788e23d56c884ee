//! A visit as each audience may see it. Each audience has a type of its own: a field that is not in it cannot slip out.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::sessions::SeenSession;
use vcare_app::{ViewedSession, Viewer};
use vcare_domain::{Audience, MediaMode, Participant, ParticipantStatus, SessionParts, SessionState, ThreadRecord};

use crate::dto::people::{About, OwnParticipantDto, ParticipantDto, PersonDto, ProviderTimeDto, SegmentDto};

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
pub struct SessionTimesDto {
    /// The session.
    #[schema(example = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R")]
    id: String,
    /// `scheduled`, `waiting`, `active`, `ended`, `cancelled`, `failed` or `no_show`.
    #[schema(example = "scheduled")]
    status: &'static str,
    /// Planned start, UTC.
    #[serde(with = "time::serde::rfc3339")]
    scheduled_start: OffsetDateTime,
    /// Planned end, UTC.
    #[serde(with = "time::serde::rfc3339")]
    scheduled_end: OffsetDateTime,
    /// The zone in which people speak of it.
    #[schema(example = "Asia/Kabul")]
    time_zone: String,
    /// When the patient said that they come, later than planned; null when they said nothing.
    #[serde(with = "time::serde::rfc3339::option")]
    patient_expected_at: Option<OffsetDateTime>,
    /// When the patient was admitted.
    #[serde(with = "time::serde::rfc3339::option")]
    actual_start: Option<OffsetDateTime>,
    /// When it was ended.
    #[serde(with = "time::serde::rfc3339::option")]
    actual_end: Option<OffsetDateTime>,
    /// How often it was changed, from 1. Send it back in `If-Match`.
    #[schema(minimum = 1)]
    version: u32,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

/// What was planned, and what came of it, without a reason or anything clinical.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionPlanDto {
    /// Whose it is.
    tenant_id: String,
    /// The facility.
    node_id: Option<String>,
    /// The FHIR Patient's id.
    patient_id: String,
    /// The FHIR Appointment's id.
    appointment_id: Option<String>,
    /// The FHIR Encounter's id; null while there is none.
    encounter_id: Option<String>,
    /// What has become of the Encounter: `pending`, `created`, `parked` or `not_required`; null before the end.
    encounter_status: Option<&'static str>,
    /// Who created it.
    initiator_id: String,
    /// Who cares.
    provider_id: Option<String>,
    /// Where it takes place.
    #[schema(example = "jitsi")]
    video_backend: &'static str,
    /// The room's name.
    #[schema(example = "kabul-k3j9x2qa")]
    room_name: String,
    /// The room's address. Opens nothing without a token.
    #[schema(example = "https://meet.example/kabul-k3j9x2qa")]
    room_url: String,
    /// Whole seconds; null before the end.
    duration_seconds: Option<u32>,
    /// Recording was asked for and consented to.
    recording_enabled: bool,
}

/// The message thread in which a visit goes on.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionThreadDto {
    /// Thread of the message fallback.
    messaging_thread_id: Option<String>,
    /// What has become of that thread: `pending`, `created` or `parked`; null while nobody asked for it.
    messaging_status: Option<&'static str>,
}

/// Why a visit did not go as planned, and how it was held.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionCourseDto {
    /// Why it failed: `connection_lost`.
    failure_reason: Option<&'static str>,
    /// Why it was cancelled, in the words of the person who cancelled it.
    cancel_reason: Option<String>,
    /// Why it ended: `person`, `everybody_left`, `connection_lost` or `not_held`; null before.
    end_cause: Option<&'static str>,
    /// Why it was ended, in the words of the person who ended it.
    end_reason: Option<String>,
    /// Who takes part, in the order of invitation.
    participants: Vec<ParticipantDto>,
    /// In which medium it is held now: `video`, `audio` or `message`; null unless active.
    media_mode: Option<&'static str>,
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
    messaging_reason: Option<String>,
    /// Storage key of the first recording, once it is finished.
    recording_ref: Option<String>,
    /// Storage keys of all finished recordings, in the order in which they were heard of; `recordingRef` is the first.
    recordings: Vec<String>,
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
    patient_id: String,
    /// The FHIR Appointment's id.
    appointment_id: Option<String>,
    /// Whole seconds; null before the end.
    duration_seconds: Option<u32>,
    /// Recording was asked for and consented to.
    recording_enabled: bool,
    /// Why it failed: `connection_lost`.
    failure_reason: Option<&'static str>,
    #[serde(flatten)]
    thread: SessionThreadDto,
    /// What the provider is called; absent as in `Person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "Dr. Parwana Noori")]
    provider_name: Option<String>,
    /// The patient's own part.
    participants: Vec<OwnParticipantDto>,
}

/// One page of visits, by planned start.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionListDto {
    /// The visits.
    pub items: Vec<VirtualSessionDto>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
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
                recordings: visit.recordings.iter().map(ToString::to_string).collect(),
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

fn failure(visit: &SessionParts) -> Option<&'static str> {
    matches!(visit.state, SessionState::Failed { .. }).then_some("connection_lost")
}

impl SessionTimesDto {
    fn of(visit: &SessionParts) -> Self {
        Self {
            id: visit.id.to_string(),
            status: visit.state.status().as_str(),
            scheduled_start: visit.schedule.start(),
            scheduled_end: visit.schedule.end(),
            time_zone: visit.schedule.time_zone().to_string(),
            patient_expected_at: visit.expected_at(),
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
            encounter_status: encounter.map(|record| record.status().as_str()),
            initiator_id: visit.initiator_id.as_str().to_owned(),
            provider_id: visit.provider_id.as_ref().map(|provider| provider.as_str().to_owned()),
            video_backend: visit.video_backend.as_str(),
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
            messaging_status: thread.map(ThreadRecord::as_str),
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
                (Some(cause.as_str()), reason.as_ref().map(|reason| reason.as_str().to_owned()))
            }
            _ => (None, None),
        };
        Self {
            failure_reason: failure(visit),
            cancel_reason,
            end_cause,
            end_reason,
            participants: visit.participants.iter().map(|one| ParticipantDto::of(one, about)).collect(),
            media_mode: visit.medium().map(MediaMode::as_str),
            seconds_together: visit.seconds().total(),
            segments: visit.held().iter().map(SegmentDto::from).collect(),
            providers: visit.provider_times().into_iter().map(ProviderTimeDto::from).collect(),
        }
    }
}
