//! `GET /sessions`.

use actix_web::{HttpRequest, HttpResponse, web};
use vcare_app::Caller;
use vcare_app::ports::{Paging, SessionFilter};
use vcare_domain::{AppointmentId, PatientId, SessionStatus};

use crate::dto::{SessionListDto, SessionSummaryDto};
use crate::extract::{Fields, Query, SignedInCaller, page};
use crate::problem::Problem;
use crate::server::Api;
use crate::values;

fn status(text: &str) -> Result<SessionStatus, &'static str> {
    SessionStatus::from_name(text).ok_or("expected scheduled, waiting, active, ended, cancelled, failed or no_show")
}

/// What is asked for, whether the patient must be present, and which page.
fn filter(mut query: Query, caller: &Caller) -> Result<(SessionFilter, Option<bool>, Paging), Problem> {
    let mut fields = Fields::of_parameters();
    let (paging, limit) = page::take(&mut query, &mut fields);
    let mut take = |name: &str| query.take(name);
    let (by_status, by_patient, from, to, since) =
        (take("status"), take("patientId"), take("from"), take("to"), take("updatedSince"));
    let (by_appointment, by_provider, present) = (take("appointmentId"), take("providerId"), take("present"));
    let by_status = by_status.as_deref().map(|text| page::several(text, status));
    let filter = SessionFilter {
        statuses: fields.take_optional("status", by_status).unwrap_or_default(),
        patient_id: fields.take_optional("patientId", by_patient.map(PatientId::parse)),
        appointment_id: fields.take_optional("appointmentId", by_appointment.map(AppointmentId::parse)),
        provider_id: fields.take_optional("providerId", by_provider.map(|text| page::account(text, caller))),
        from: fields.take_optional("from", from.as_deref().map(page::instant)),
        to: fields.take_optional("to", to.as_deref().map(page::instant)),
        updated_since: fields.take_optional("updatedSince", since.as_deref().map(page::instant)),
        limit,
        ..SessionFilter::default()
    };
    let present = fields.take_optional("present", present.as_deref().map(page::flag));
    fields.nothing_else(query);
    fields.done(Some((filter, present, paging)))
}

/// List visits.
///
/// Summaries, by planned start; a whole visit is read by its id. Who plans visits sees all of the tenant's; clinicians those in
/// which they have a part, those that nobody cares for yet, and with `patientId` those of a patient in their care; patients their
/// own, and with `patientId` those of a patient whose proxy they are. Each in the caller's view. A visit is left out when the list
/// is narrowed by something that the caller's view of it does not show. Every page is audited.
///
/// A visit that is moved to another time while pages are read may be on two of them or on none; visits that are not moved are
/// on exactly one. `updatedSince`, with the time at which the first page was asked for, finds those that were moved.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/sessions", tag = "Sessions", operation_id = "listSessions",
    params(
        ("status" = Option<Vec<values::SessionStatus>>, Query, description = "Only in one of these states, with commas between them", style = Form, explode = false, example = json!(["waiting", "active"])),
        ("appointmentId" = Option<values::AppointmentId>, Query, description = "Only for this appointment"),
        ("providerId" = Option<String>, Query, description = "Only with this account as the provider; `me`: the caller's own", max_length = 128, pattern = "^[A-Za-z0-9_.:@|-]+$"),
        ("present" = Option<bool>, Query, description = "`true`: only sessions whose patient is in the waiting room and whose device was heard from in the last two minutes; `false`: only the others"),
        ("patientId" = Option<values::PatientId>, Query, description = "Only for this patient"),
        ("from" = Option<String>, Query, description = "Only planned at or after: RFC 3339", format = DateTime),
        ("to" = Option<String>, Query, description = "Only planned before: RFC 3339", format = DateTime),
        ("updatedSince" = Option<String>, Query, description = "Only changed at or after: RFC 3339. A change is seen some moments after its time: ask from a minute before the last answer, and go by `version`", format = DateTime),
        ("order" = Option<values::ListOrder>, Query, description = "By planned start. When absent: `desc` for patients and their proxies, `asc` for everybody else"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before. Good for the same account, filters and order; `limit` may differ"),
        ("limit" = Option<u32>, Query, description = "At most so many; 20 when absent. More than 100 is 100", minimum = 1),
    ),
    responses(
        (status = 200, description = "One page", body = SessionListDto, headers(("Link" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn list(
    api: web::Data<Api>,
    caller: SignedInCaller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (filter, present, paging) = filter(query, &caller.0)?;
    let page = api.app.list_sessions(&caller.0, filter, present, paging).await?;
    let items = page.items.iter().map(SessionSummaryDto::from).collect();
    let list = SessionListDto { items, next_cursor: page.next };
    page::send(request.query_string(), list.next_cursor.as_deref(), &list)
}
