//! `GET /sessions`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use vcare_app::ports::{PageCursor, SessionFilter};
use vcare_domain::{AppointmentId, PatientId, SessionId, SessionStatus, UserId};

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
    SessionStatus::from_name(text).ok_or("expected scheduled, waiting, active, ended, cancelled, failed or no_show")
}

fn statuses(text: &str) -> Result<Vec<SessionStatus>, &'static str> {
    text.split(',').map(status).collect()
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "expected true or false")
}

/// What is asked for, and whether the patient must be present.
fn filter(mut query: Query) -> Result<(SessionFilter, Option<bool>), Problem> {
    let mut fields = Fields::of_parameters();
    let mut take = |name: &str| query.take(name);
    let (by_status, by_patient, from, to, after, at_most) =
        (take("status"), take("patientId"), take("from"), take("to"), take("cursor"), take("limit"));
    let (by_appointment, by_provider, present) = (take("appointmentId"), take("providerId"), take("present"));
    let instant = |text: &String| Instant::parse(text).map(|instant| instant.0);
    let filter = SessionFilter {
        statuses: fields.take_optional("status", by_status.as_deref().map(statuses)).unwrap_or_default(),
        patient_id: fields.take_optional("patientId", by_patient.map(PatientId::parse)),
        appointment_id: fields.take_optional("appointmentId", by_appointment.map(AppointmentId::parse)),
        provider_id: fields.take_optional("providerId", by_provider.map(UserId::parse)),
        present: None,
        visible_to: None,
        from: fields.take_optional("from", from.as_ref().map(instant)),
        to: fields.take_optional("to", to.as_ref().map(instant)),
        after: fields.take_optional("cursor", after.as_deref().map(read)),
        limit: fields.take_optional("limit", at_most.as_deref().map(page::limit)).unwrap_or(page::DEFAULT_LIMIT),
    };
    let present = fields.take_optional("present", present.as_deref().map(yes_or_no));
    fields.nothing_else(query);
    fields.done(Some((filter, present)))
}

/// List visits.
///
/// By planned start. Who plans visits sees all of the tenant's; clinicians those in which they have a part, those that
/// nobody cares for yet, and with `patientId` those of a patient in their care; patients their own, and with `patientId`
/// those of a patient whose proxy they are. Each in the caller's view. A visit is left out when the list is narrowed by
/// something that the caller's view of it does not show. Every page is audited.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/sessions", tag = "Sessions", operation_id = "listSessions",
    params(
        ("status" = Option<String>, Query, description = "Only in these states: one, or several with commas between them", example = "waiting,active"),
        ("appointmentId" = Option<String>, Query, description = "Only for this appointment", max_length = 64),
        ("providerId" = Option<String>, Query, description = "Only with this account as the provider", max_length = 128),
        ("present" = Option<bool>, Query, description = "`true`: only sessions whose patient is in the waiting room and whose device was heard from in the last two minutes; `false`: only the others"),
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
    let (filter, present) = filter(query)?;
    let page = api.app.list_sessions(&caller.0, filter, present).await?;
    let items = page.items.iter().map(VirtualSessionDto::with_presence).collect();
    send(StatusCode::OK, &SessionListDto { items, next_cursor: page.next.map(show) })
}
