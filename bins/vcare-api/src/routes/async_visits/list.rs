//! `GET /async-visits`.

use actix_web::{HttpRequest, HttpResponse, web};
use vcare_app::Caller;
use vcare_app::ports::{AsyncVisitFilter, Paging};
use vcare_domain::{AsyncVisitStatus, PatientId};

use crate::extract::{Fields, Query, SignedInCaller, page};
use crate::problem::Problem;
use crate::routes::async_visits::summary::{AsyncVisitListDto, AsyncVisitSummaryDto};
use crate::server::Api;
use crate::values;

fn status(text: &str) -> Result<AsyncVisitStatus, &'static str> {
    AsyncVisitStatus::from_name(text).ok_or("expected submitted, under_review, responded or closed")
}

/// Which visits, whether only those that anybody may claim, and which page.
fn filter(mut query: Query, caller: &Caller) -> Result<(AsyncVisitFilter, bool, Paging), Problem> {
    let mut fields = Fields::of_parameters();
    let (paging, limit) = page::take(&mut query, &mut fields);
    let mut take = |name: &str| query.take(name);
    let (by_status, claimable, by_patient, by_provider) =
        (take("status"), take("claimable"), take("patientId"), take("providerId"));
    let (from, to, since) = (take("from"), take("to"), take("updatedSince"));
    let by_status = by_status.as_deref().map(|text| page::several(text, status));
    let claimable = fields.take_optional("claimable", claimable.as_deref().map(page::flag)).unwrap_or_default();
    let filter = AsyncVisitFilter {
        statuses: fields.take_optional("status", by_status).unwrap_or_default(),
        patient_id: fields.take_optional("patientId", by_patient.map(PatientId::parse)),
        provider_id: fields.take_optional("providerId", by_provider.map(|text| page::account(text, caller))),
        from: fields.take_optional("from", from.as_deref().map(page::instant)),
        to: fields.take_optional("to", to.as_deref().map(page::instant)),
        updated_since: fields.take_optional("updatedSince", since.as_deref().map(page::instant)),
        limit,
        ..AsyncVisitFilter::default()
    };
    fields.nothing_else(query);
    fields.done(Some((filter, claimable, paging)))
}

/// List visits without a live link.
///
/// Summaries, by arrival; a whole visit is read by its id. With `claimable=true`, the queue. Clinicians see those that they have
/// claimed, answered or sent, what is in the queue, and with `patientId` those of a patient in their care; patients their own, and
/// with `patientId` those of a patient whose proxy they are. What was written is on no list. Every page is audited.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/async-visits", tag = "Async visits", operation_id = "listAsyncVisits",
    params(
        ("status" = Option<Vec<values::AsyncVisitStatus>>, Query, description = "Only in one of these states, with commas between them", style = Form, explode = false, example = json!(["submitted", "under_review"])),
        ("claimable" = Option<bool>, Query, description = "Only those that anybody may claim: submitted, or under review by somebody whose time is over"),
        ("patientId" = Option<values::PatientId>, Query, description = "Only for this patient"),
        ("providerId" = Option<String>, Query, description = "Only those held or answered by this account; `me`: the caller's own", max_length = 128, pattern = "^[A-Za-z0-9_.:@|-]+$"),
        ("from" = Option<String>, Query, description = "Only arrived at or after: RFC 3339", format = DateTime),
        ("to" = Option<String>, Query, description = "Only arrived before: RFC 3339", format = DateTime),
        ("updatedSince" = Option<String>, Query, description = "Only changed at or after: RFC 3339. A change is seen some moments after its time: ask from a minute before the last answer, and go by `version`", format = DateTime),
        ("order" = Option<values::ListOrder>, Query, description = "By arrival. When absent: `desc` for patients and their proxies, `asc` for everybody else"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before. Good for the same account, filters and order; `limit` may differ"),
        ("limit" = Option<u32>, Query, description = "At most so many; 20 when absent. More than 100 is 100", minimum = 1),
    ),
    responses(
        (status = 200, description = "One page", body = AsyncVisitListDto, headers(("Link" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn list(
    api: web::Data<Api>,
    caller: SignedInCaller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (filter, only_claimable, paging) = filter(query, &caller.0)?;
    let page = api.app.list_async_visits(&caller.0, filter, only_claimable, paging).await?;
    let items = page.items.iter().map(AsyncVisitSummaryDto::from).collect();
    let list = AsyncVisitListDto { items, next_cursor: page.next };
    page::send(request.query_string(), list.next_cursor.as_deref(), &list)
}
