//! `GET /sessions`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use vcare_app::ports::{PageCursor, SessionFilter};
use vcare_domain::{PatientId, SessionId, SessionStatus};

use crate::answer::send;
use crate::dto::{SessionListDto, VirtualSessionDto};
use crate::extract::{Fields, Instant, Query, SignedInCaller, page};
use crate::problem::Problem;
use crate::server::Api;

/// A cursor in its shown form: the last visit's planned start and id.
fn show(cursor: PageCursor) -> String {
    page::show(cursor.scheduled_start, *cursor.id.as_uuid())
}

fn read(text: &str) -> Result<PageCursor, &'static str> {
    let (scheduled_start, id) = page::read(text)?;
    Ok(PageCursor { scheduled_start, id: SessionId::from_uuid(id) })
}

fn status(text: &str) -> Result<SessionStatus, &'static str> {
    SessionStatus::from_name(text).ok_or("expected scheduled, waiting, active, ended, cancelled or failed")
}

fn filter(mut query: Query) -> Result<SessionFilter, Problem> {
    let mut fields = Fields::default();
    let mut take = |name: &str| query.take(name);
    let (by_status, by_patient, from, to, after, at_most) =
        (take("status"), take("patientId"), take("from"), take("to"), take("cursor"), take("limit"));
    let instant = |text: &String| Instant::parse(text).map(|instant| instant.0);
    let filter = SessionFilter {
        status: fields.take_optional("status", by_status.as_deref().map(status)),
        patient_id: fields.take_optional("patientId", by_patient.map(PatientId::parse)),
        visible_to: None,
        from: fields.take_optional("from", from.as_ref().map(instant)),
        to: fields.take_optional("to", to.as_ref().map(instant)),
        after: fields.take_optional("cursor", after.as_deref().map(read)),
        limit: fields.take_optional("limit", at_most.as_deref().map(page::limit)).unwrap_or(page::DEFAULT_LIMIT),
    };
    let filter = fields.done(Some(filter))?;
    query.nothing_else()?;
    Ok(filter)
}

/// List visits.
///
/// By planned start. Who plans visits sees all of the tenant's; clinicians those in which they have a part, those that
/// nobody cares for yet, and with `patientId` those of a patient in their care; patients their own, and with `patientId`
/// those of a patient whose proxy they are. Each in the caller's view. Every page is audited.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/sessions", tag = "Sessions", operation_id = "listSessions",
    params(
        ("status" = Option<String>, Query, description = "Only in this state"),
        ("patientId" = Option<String>, Query, description = "Only for this patient", max_length = 64),
        ("from" = Option<String>, Query, description = "Only planned at or after: RFC 3339", format = DateTime),
        ("to" = Option<String>, Query, description = "Only planned before: RFC 3339", format = DateTime),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
        ("limit" = Option<u8>, Query, description = "At most so many; 20 when absent", minimum = 1, maximum = 100),
    ),
    responses(
        (status = 200, description = "One page", body = SessionListDto),
    ),
    security(("accessToken" = [])),
)]
pub async fn list(api: web::Data<Api>, caller: SignedInCaller, query: Query) -> Result<HttpResponse, Problem> {
    let page = api.app.list_sessions(&caller.0, filter(query)?).await?;
    let items = page.items.iter().map(VirtualSessionDto::with_presence).collect();
    send(StatusCode::OK, &SessionListDto { items, next_cursor: page.next.map(show) })
}
