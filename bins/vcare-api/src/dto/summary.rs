//! Visits as a list shows them: what a worklist has on the screen, and no more. As with whole visits, each audience has a type
//! of its own. What there is not is absent: a day's visits are to fit on a weak line.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::sessions::ListedSession;
use vcare_domain::{Audience, SessionParts};

use crate::values;

/// A telehealth visit on a list, as the caller may see it; `audience` says which view it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "audience", rename_all = "snake_case")]
#[schema(as = SessionSummary)]
pub enum SessionSummaryDto {
    /// For those who care for the patient in it.
    Treating(Box<TreatingSessionSummaryDto>),
    /// For those who care for the patient elsewhere, or have emergency access.
    Staff(Box<StaffSessionSummaryDto>),
    /// For those who plan visits.
    Scheduler(Box<SchedulerSessionSummaryDto>),
    /// For participants who do not care for the patient.
    Guest(Box<GuestSessionSummaryDto>),
    /// For the patient and their proxies.
    Patient(Box<PatientSessionSummaryDto>),
}

/// What every audience sees of a visit on a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionSummaryStart)]
pub struct SessionSummaryStartDto {
    /// The session.
    #[schema(value_type = values::SessionId)]
    id: String,
    /// Its state.
    status: values::SessionStatus,
    /// Planned start, UTC.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    scheduled_start: OffsetDateTime,
    /// How often it was changed, from 1.
    #[schema(minimum = 1)]
    version: u32,
}

/// Until when a visit is planned, and how people speak of its time.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionSummaryEnd)]
pub struct SessionSummaryEndDto {
    /// Planned end, UTC.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    scheduled_end: OffsetDateTime,
    /// The zone in which people speak of it.
    #[schema(value_type = values::TimeZone)]
    time_zone: String,
}

/// The patient of a visit on a list, and how they wait.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionSummaryOfPatient)]
pub struct SessionSummaryPatientDto {
    /// The FHIR Patient's id.
    #[schema(value_type = values::PatientId)]
    patient_id: String,
    /// What the patient is called; absent as in `Person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    patient_name: Option<String>,
    /// When the patient said that they come, later than planned; absent when they said nothing.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    expected_at: Option<OffsetDateTime>,
    /// For how many seconds the patient has been in the waiting room; absent when they are not in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_seconds: Option<u32>,
    /// Whether a patient in the waiting room is present: their device was heard from in the last two minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    present: Option<bool>,
}

/// A visit on the list of those who care for the patient in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TreatingSessionSummary)]
pub struct TreatingSessionSummaryDto {
    #[serde(flatten)]
    start: SessionSummaryStartDto,
    #[serde(flatten)]
    patient: SessionSummaryPatientDto,
    /// What the patient's link is used for; absent while it was never probed, and once the visit is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    link_mode: Option<values::MediaMode>,
}

/// A visit on the list of those who care for the patient elsewhere, or have emergency access.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffSessionSummary)]
pub struct StaffSessionSummaryDto {
    #[serde(flatten)]
    start: SessionSummaryStartDto,
    #[serde(flatten)]
    end: SessionSummaryEndDto,
    #[serde(flatten)]
    patient: SessionSummaryPatientDto,
    #[serde(flatten)]
    provider: SessionSummaryProviderDto,
}

/// Who cares in a visit on a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionSummaryProvider)]
pub struct SessionSummaryProviderDto {
    /// The provider's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::UserId>)]
    provider_id: Option<String>,
    /// What the provider is called; absent as in `Person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "Dr. Parwana Noori")]
    provider_name: Option<String>,
}

/// A visit on the list of those who plan visits.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SchedulerSessionSummary)]
pub struct SchedulerSessionSummaryDto {
    #[serde(flatten)]
    start: SessionSummaryStartDto,
    #[serde(flatten)]
    end: SessionSummaryEndDto,
    #[serde(flatten)]
    patient: SessionSummaryPatientDto,
    #[serde(flatten)]
    provider: SessionSummaryProviderDto,
    /// The FHIR Appointment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::AppointmentId>)]
    appointment_id: Option<String>,
}

/// A visit on the list of participants who do not care for the patient.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GuestSessionSummary)]
pub struct GuestSessionSummaryDto {
    #[serde(flatten)]
    start: SessionSummaryStartDto,
    #[serde(flatten)]
    end: SessionSummaryEndDto,
    /// What the provider is called; absent as in `Person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "Dr. Parwana Noori")]
    provider_name: Option<String>,
}

/// A visit on the list of its patient and their proxies.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PatientSessionSummary)]
pub struct PatientSessionSummaryDto {
    #[serde(flatten)]
    start: SessionSummaryStartDto,
    #[serde(flatten)]
    end: SessionSummaryEndDto,
    /// The FHIR Patient's id.
    #[schema(value_type = values::PatientId)]
    patient_id: String,
    /// The FHIR Appointment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::AppointmentId>)]
    appointment_id: Option<String>,
    /// When the patient said that they come, later than planned; absent when they said nothing.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    expected_at: Option<OffsetDateTime>,
    /// What the provider is called; absent as in `Person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "Dr. Parwana Noori")]
    provider_name: Option<String>,
}

/// One page of visits, by planned start. A whole visit is read by its id.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionList)]
pub struct SessionListDto {
    /// The visits.
    pub items: Vec<SessionSummaryDto>,
    /// The cursor of the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl From<&ListedSession> for SessionSummaryDto {
    fn from(listed: &ListedSession) -> Self {
        let visit = listed.viewed.session.parts();
        let (start, end) = (SessionSummaryStartDto::of(visit), || SessionSummaryEndDto::of(visit));
        let appointment_id = || visit.appointment_id.as_ref().map(ToString::to_string);
        match listed.viewed.viewer.audience {
            Audience::Treating => Self::Treating(Box::new(TreatingSessionSummaryDto {
                start,
                patient: SessionSummaryPatientDto::of(listed),
                link_mode: link_mode(listed),
            })),
            Audience::Staff => Self::Staff(Box::new(StaffSessionSummaryDto {
                start,
                end: end(),
                patient: SessionSummaryPatientDto::of(listed),
                provider: SessionSummaryProviderDto::of(listed),
            })),
            Audience::Scheduler => Self::Scheduler(Box::new(SchedulerSessionSummaryDto {
                start,
                end: end(),
                patient: SessionSummaryPatientDto::of(listed),
                provider: SessionSummaryProviderDto::of(listed),
                appointment_id: appointment_id(),
            })),
            Audience::Guest => Self::Guest(Box::new(GuestSessionSummaryDto {
                start,
                end: end(),
                provider_name: provider_name(listed),
            })),
            Audience::Patient => Self::Patient(Box::new(PatientSessionSummaryDto {
                start,
                end: end(),
                patient_id: visit.patient_id.as_str().to_owned(),
                appointment_id: appointment_id(),
                expected_at: visit.expected_at(),
                provider_name: provider_name(listed),
            })),
        }
    }
}

fn provider_name(listed: &ListedSession) -> Option<String> {
    listed.names.of_provider(listed.viewed.session.parts()).map(|name| name.as_str().to_owned())
}

fn link_mode(listed: &ListedSession) -> Option<values::MediaMode> {
    let session = &listed.viewed.session;
    let link = session.parts().patient()?.link.filter(|_| !session.is_over())?;
    Some(link.mode.into())
}

impl SessionSummaryStartDto {
    fn of(visit: &SessionParts) -> Self {
        Self {
            id: visit.id.to_string(),
            status: visit.state.status().into(),
            scheduled_start: visit.schedule.start(),
            version: visit.version.get(),
        }
    }
}

impl SessionSummaryEndDto {
    fn of(visit: &SessionParts) -> Self {
        Self { scheduled_end: visit.schedule.end(), time_zone: visit.schedule.time_zone().to_string() }
    }
}

impl SessionSummaryPatientDto {
    fn of(listed: &ListedSession) -> Self {
        let visit = listed.viewed.session.parts();
        let name = visit.patient().and_then(|patient| listed.names.of(patient.id));
        Self {
            patient_id: visit.patient_id.as_str().to_owned(),
            patient_name: name.map(|name| name.as_str().to_owned()),
            expected_at: visit.expected_at(),
            waiting_seconds: listed.patient_waits.map(|waits| waits.seconds),
            present: listed.patient_waits.map(|waits| waits.present),
        }
    }
}

impl SessionSummaryProviderDto {
    fn of(listed: &ListedSession) -> Self {
        let provider = listed.viewed.session.parts().provider_id.as_ref();
        Self {
            provider_id: provider.map(|provider| provider.as_str().to_owned()),
            provider_name: provider_name(listed),
        }
    }
}
