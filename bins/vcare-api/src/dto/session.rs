//! A visit as each audience may see it. Each audience has a type of its own: a field that is not in it cannot slip out.

use serde::Serialize;
use utoipa::ToSchema;
use vcare_app::sessions::SeenSession;
use vcare_app::{ViewedSession, Viewer};
use vcare_domain::{Audience, Participant, ParticipantStatus, SessionParts};

use crate::dto::people::{About, OwnParticipantDto, PersonDto};
use crate::dto::session_parts::{
    FailureReason, SessionCourseDto, SessionPlanDto, SessionThreadDto, SessionTimesDto, duration, failure,
};
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
    /// For those who plan visits: times, people and states; of reasons the codes, and nothing clinical.
    Scheduler(Box<SchedulerSessionDto>),
    /// For participants who do not care for the patient: times and their own part.
    Guest(Box<GuestSessionDto>),
    /// For the patient and their proxies: their own part.
    Patient(Box<PatientSessionDto>),
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

fn messaging_reason(visit: &SessionParts) -> Option<String> {
    visit.fallback.as_ref()?.reason.as_ref().map(|reason| reason.as_str().to_owned())
}
