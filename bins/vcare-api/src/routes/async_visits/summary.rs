//! Visits without a live link as a list shows them: nothing of what was written. What there is not is absent.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::ViewedAsyncVisit;
use vcare_domain::{AsyncVisitParts, Audience};

use crate::values;

/// A visit without a live link on a list, as the caller may see it; `audience` says which view it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "audience", rename_all = "snake_case")]
#[schema(as = AsyncVisitSummary)]
pub enum AsyncVisitSummaryDto {
    /// For the clinician who has claimed or answered it.
    Treating(Box<StaffAsyncVisitSummaryDto>),
    /// For those who care for the patient elsewhere, sent it for the patient, or have emergency access.
    Staff(Box<StaffAsyncVisitSummaryDto>),
    /// For clinicians who may claim it.
    Queue(Box<QueuedAsyncVisitSummaryDto>),
    /// For the patient and their proxies.
    Patient(Box<PatientAsyncVisitSummaryDto>),
}

/// What every audience sees of an async visit on a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AsyncVisitSummaryStart)]
pub struct AsyncVisitSummaryStartDto {
    /// The visit.
    #[schema(value_type = values::AsyncVisitId)]
    id: String,
    /// Its state.
    status: values::AsyncVisitStatus,
    /// When it arrived, by our clock.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    submitted_at: OffsetDateTime,
    /// How often it was changed, from 1.
    #[schema(minimum = 1)]
    version: u32,
    /// The FHIR Patient's id.
    #[schema(value_type = values::PatientId)]
    patient_id: String,
    /// The failed live visit that it goes on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::SessionId>)]
    session_id: Option<String>,
    /// When it was answered.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    responded_at: Option<OffsetDateTime>,
}

/// A visit without a live link, on the list of clinicians who may claim it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueuedAsyncVisitSummary)]
pub struct QueuedAsyncVisitSummaryDto {
    #[serde(flatten)]
    start: AsyncVisitSummaryStartDto,
    /// The language they wrote in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::LanguageTag>)]
    locale: Option<String>,
    /// How many photos and voice notes come with it, sooner or later.
    #[schema(maximum = 10)]
    attachments_expected: u8,
    /// While it is under review: from then on, somebody else may claim it.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    claimed_until: Option<OffsetDateTime>,
}

/// A visit without a live link, on the list of those who care for the patient.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffAsyncVisitSummary)]
pub struct StaffAsyncVisitSummaryDto {
    #[serde(flatten)]
    visit: QueuedAsyncVisitSummaryDto,
    /// Who holds it, or answered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::UserId>)]
    provider_id: Option<String>,
}

/// A visit without a live link, on the list of the patient and their proxies.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PatientAsyncVisitSummary)]
pub struct PatientAsyncVisitSummaryDto {
    #[serde(flatten)]
    start: AsyncVisitSummaryStartDto,
}

/// One page of visits, by arrival. A whole visit is read by its id.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AsyncVisitList)]
pub struct AsyncVisitListDto {
    /// The visits.
    pub items: Vec<AsyncVisitSummaryDto>,
    /// The cursor of the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl From<&ViewedAsyncVisit> for AsyncVisitSummaryDto {
    fn from(viewed: &ViewedAsyncVisit) -> Self {
        let visit = viewed.visit.parts();
        match viewed.audience {
            Audience::Treating => Self::Treating(Box::new(StaffAsyncVisitSummaryDto::of(visit))),
            Audience::Staff => Self::Staff(Box::new(StaffAsyncVisitSummaryDto::of(visit))),
            Audience::Scheduler | Audience::Guest => Self::Queue(Box::new(QueuedAsyncVisitSummaryDto::of(visit))),
            Audience::Patient => {
                Self::Patient(Box::new(PatientAsyncVisitSummaryDto { start: AsyncVisitSummaryStartDto::of(visit) }))
            }
        }
    }
}

impl AsyncVisitSummaryStartDto {
    fn of(visit: &AsyncVisitParts) -> Self {
        Self {
            id: visit.id.to_string(),
            status: visit.state.status().into(),
            submitted_at: visit.submitted_at,
            version: visit.version.get(),
            patient_id: visit.patient_id.as_str().to_owned(),
            session_id: visit.session_id.as_ref().map(ToString::to_string),
            responded_at: visit.state.response().map(|response| response.responded_at),
        }
    }
}

impl QueuedAsyncVisitSummaryDto {
    fn of(visit: &AsyncVisitParts) -> Self {
        Self {
            start: AsyncVisitSummaryStartDto::of(visit),
            locale: visit.locale.as_ref().map(|locale| locale.as_str().to_owned()),
            attachments_expected: visit.attachments_expected,
            claimed_until: visit.state.claim().map(|claim| claim.until),
        }
    }
}

impl StaffAsyncVisitSummaryDto {
    fn of(visit: &AsyncVisitParts) -> Self {
        Self {
            visit: QueuedAsyncVisitSummaryDto::of(visit),
            provider_id: visit.state.provider().map(|provider| provider.as_str().to_owned()),
        }
    }
}
