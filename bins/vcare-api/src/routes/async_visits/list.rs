//! `GET /async-visits`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use vcare_app::ports::{ArrivalCursor, AsyncVisitFilter};
use vcare_domain::{AsyncVisitId, AsyncVisitStatus, PatientId, UserId};

use crate::answer::send;
use crate::extract::{Fields, Query, SignedInCaller, page};
use crate::problem::Problem;
use crate::routes::async_visits::dto::{AsyncVisitDto, AsyncVisitListDto};
use crate::server::Api;

/// A cursor in its shown form: the last visit's arrival and id.
fn show(cursor: ArrivalCursor) -> String {
    page::show(cursor.submitted_at, *cursor.id.as_uuid())
}

fn read(text: &str) -> Result<ArrivalCursor, &'static str> {
    let (submitted_at, id) = page::read(text)?;
    Ok(ArrivalCursor { submitted_at, id: AsyncVisitId::from_uuid(id) })
}

fn status(text: &str) -> Result<AsyncVisitStatus, &'static str> {
    AsyncVisitStatus::from_name(text).ok_or("expected submitted, under_review, responded or closed")
}

fn flag(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "expected true or false")
}

/// Which visits, and whether only those that anybody may claim.
fn filter(mut query: Query) -> Result<(AsyncVisitFilter, bool), Problem> {
    let mut fields = Fields::of_parameters();
    let mut take = |name: &str| query.take(name);
    let (by_status, claimable, by_patient, by_provider, after, at_most) =
        (take("status"), take("claimable"), take("patientId"), take("providerId"), take("cursor"), take("limit"));
    let claimable = fields.take_optional("claimable", claimable.as_deref().map(flag)).unwrap_or_default();
    let filter = AsyncVisitFilter {
        status: fields.take_optional("status", by_status.as_deref().map(status)),
        claimable_at: None,
        patient_id: fields.take_optional("patientId", by_patient.map(PatientId::parse)),
        provider_id: fields.take_optional("providerId", by_provider.map(UserId::parse)),
        visible_to: None,
        after: fields.take_optional("cursor", after.as_deref().map(read)),
        limit: fields.take_optional("limit", at_most.as_deref().map(page::limit)).unwrap_or(page::DEFAULT_LIMIT),
    };
    fields.nothing_else(query);
    fields.done(Some((filter, claimable)))
}

/// List visits without a live link.
///
/// The oldest first: with `claimable=true`, the queue. Clinicians see those that they have claimed, answered or sent, what is
/// in the queue (without what was written), and with `patientId` those of a patient in their care; patients their own, and
/// with `patientId` those of a patient whose proxy they are. Every page is audited.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/async-visits", tag = "Async visits", operation_id = "listAsyncVisits",
    params(
        ("status" = Option<String>, Query, description = "Only in this state"),
        ("claimable" = Option<bool>, Query, description = "Only those that anybody may claim: submitted, or under review by somebody whose time is over"),
        ("patientId" = Option<String>, Query, description = "Only for this patient", max_length = 64),
        ("providerId" = Option<String>, Query, description = "Only those held or answered by this account", max_length = 128),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
        ("limit" = Option<u8>, Query, description = "At most so many; 20 when absent", minimum = 1, maximum = 100),
    ),
    responses(
        (status = 200, description = "One page", body = AsyncVisitListDto),
    ),
    security(("accessToken" = [])),
)]
pub async fn list(api: web::Data<Api>, caller: SignedInCaller, query: Query) -> Result<HttpResponse, Problem> {
    let (filter, only_claimable) = filter(query)?;
    let page = api.app.list_async_visits(&caller.0, filter, only_claimable).await?;
    let items = page.items.iter().map(AsyncVisitDto::from).collect();
    send(StatusCode::OK, &AsyncVisitListDto { items, next_cursor: page.next.map(show) })
}
