//! `GET /reconciliation`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::operations::Reconciliation;
use vcare_app::ports::{Backlog, JobView, UnsettledVisit};

use crate::answer::send;
use crate::extract::{Query, SignedInCaller};
use crate::problem::Problem;
use crate::server::Api;
use crate::values;

/// What is not done yet in a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reconciliation)]
pub struct ReconciliationDto {
    /// The moment of the answer.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    as_of: OffsetDateTime,
    /// Whether every ended visit has its Encounter and its charge, every event is acknowledged, no job waits for a person, and no
    /// visit has failed that was neither resumed nor ended.
    complete: bool,
    /// Ended visits, and answered ones without a live link, whose Encounter is pending or parked.
    visits_without_encounter: VisitBacklogDto,
    /// Visits with an Encounter and no charge: always none, as both are one transaction.
    encounters_without_charge: VisitBacklogDto,
    /// Events that the stream has not acknowledged yet.
    events_not_acknowledged: BacklogDto,
    /// Durable work that waits for a person.
    jobs_parked: JobBacklogDto,
    /// Visits that failed and were neither resumed nor ended. They end by themselves after a day, and are charged for what was held.
    visits_failed: FailedBacklogDto,
}

/// Visits that failed, the oldest 50 of them by name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FailedBacklog)]
pub struct FailedBacklogDto {
    /// How many and how old.
    #[serde(flatten)]
    backlog: BacklogDto,
    /// The oldest.
    items: Vec<FailedVisitDto>,
}

/// A visit that failed and was neither resumed nor ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FailedVisit)]
pub struct FailedVisitDto {
    /// The session.
    #[schema(value_type = values::SessionId)]
    session_id: String,
    /// When it failed.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    failed_at: OffsetDateTime,
    /// How long ago that is.
    age_seconds: i64,
}

/// How many, and how old the oldest is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Backlog)]
pub struct BacklogDto {
    /// How many.
    count: u64,
    /// How old the oldest is; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_age_seconds: Option<i64>,
}

/// Visits, the oldest 50 of them by name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VisitBacklog)]
pub struct VisitBacklogDto {
    /// How many and how old.
    #[serde(flatten)]
    backlog: BacklogDto,
    /// The oldest.
    items: Vec<UnsettledVisitDto>,
}

/// Jobs, the oldest 50 of them by name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobBacklog)]
pub struct JobBacklogDto {
    /// How many and how old.
    #[serde(flatten)]
    backlog: BacklogDto,
    /// The oldest.
    items: Vec<ParkedJobDto>,
}

/// An ended visit, or an answered one without a live link, that is not all done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UnsettledVisit)]
pub struct UnsettledVisitDto {
    /// The session, or the async visit.
    #[schema(value_type = values::VisitId)]
    visit_id: String,
    /// What has become of its Encounter.
    encounter_status: values::EncounterStatus,
    /// When it was ended, or answered.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    ended_at: OffsetDateTime,
    /// How long ago that is.
    age_seconds: i64,
}

/// A job that waits for a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ParkedJob)]
pub struct ParkedJobDto {
    /// The job.
    #[schema(value_type = values::JobId)]
    job_id: String,
    /// What it does.
    kind: values::JobKind,
    /// For which session, or for which async visit.
    #[schema(value_type = values::VisitId)]
    visit_id: String,
    /// How many attempts were begun.
    attempts: u32,
    /// What the last one ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// How old it is.
    age_seconds: i64,
}

impl From<&Reconciliation> for ReconciliationDto {
    fn from(found: &Reconciliation) -> Self {
        let now = found.as_of;
        let age = |since: OffsetDateTime| (now - since).whole_seconds().max(0);
        let unsettled = &found.unsettled;
        let counted = |count, oldest: Option<OffsetDateTime>| BacklogDto { count, oldest_age_seconds: oldest.map(age) };
        let visits = |backlog: &Backlog<UnsettledVisit>| VisitBacklogDto {
            backlog: counted(backlog.count, backlog.oldest),
            items: backlog
                .items
                .iter()
                .map(|visit| UnsettledVisitDto {
                    visit_id: visit.visit.to_string(),
                    encounter_status: visit.encounter.into(),
                    ended_at: visit.ended_at,
                    age_seconds: age(visit.ended_at),
                })
                .collect(),
        };
        let job = |job: &JobView| ParkedJobDto {
            job_id: job.id.to_string(),
            kind: job.kind.into(),
            visit_id: job.kind.visit(job.session_id).to_string(),
            attempts: job.attempts,
            last_error: job.last_error.clone(),
            age_seconds: age(job.created_at),
        };
        Self {
            as_of: now,
            complete: found.is_complete(),
            visits_without_encounter: visits(&unsettled.without_encounter),
            encounters_without_charge: visits(&unsettled.without_charge),
            events_not_acknowledged: counted(unsettled.unacknowledged.count, unsettled.unacknowledged.oldest),
            jobs_parked: JobBacklogDto {
                backlog: counted(unsettled.parked.count, unsettled.parked.oldest),
                items: unsettled.parked.items.iter().map(job).collect(),
            },
            visits_failed: FailedBacklogDto {
                backlog: counted(unsettled.failed.count, unsettled.failed.oldest),
                items: unsettled
                    .failed
                    .items
                    .iter()
                    .map(|visit| FailedVisitDto {
                        session_id: visit.session_id.to_string(),
                        failed_at: visit.failed_at,
                        age_seconds: age(visit.failed_at),
                    })
                    .collect(),
            },
        }
    }
}

/// See whether anything is missing.
///
/// One ended visit, one Encounter, one charge: what is on its way, what is stuck, and how old it is.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/reconciliation", tag = "Operations", operation_id = "getReconciliation",
    responses(
        (status = 200, description = "What is not done yet", body = ReconciliationDto),
    ),
    security(("accessToken" = [])),
)]
pub async fn reconciliation(
    api: web::Data<Api>,
    caller: SignedInCaller,
    query: Query,
) -> Result<HttpResponse, Problem> {
    query.nothing_else()?;
    let found = api.app.reconcile(&caller.0).await?;
    send(StatusCode::OK, &ReconciliationDto::from(&found))
}
