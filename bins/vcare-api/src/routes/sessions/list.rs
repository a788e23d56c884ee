//! `GET /sessions`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{PageCursor, SessionFilter};
use vcare_domain::{PatientId, SessionId, SessionStatus};

use crate::answer::send;
use crate::dto::{SessionListDto, VirtualSessionDto};
use crate::extract::{Fields, Instant, Query, SignedInCaller};
use crate::problem::Problem;
use crate::server::Api;

const DEFAULT_LIMIT: u8 = 20;
const MAX_LIMIT: u8 = 100;

/// A cursor in its shown form: the last visit's planned start (milliseconds) and id.
fn show(cursor: PageCursor) -> String {
    let millis = cursor.scheduled_start.unix_timestamp_nanos() / 1_000_000;
    let mut bytes = i64::try_from(millis).unwrap_or(i64::MAX).to_be_bytes().to_vec();
    bytes.extend_from_slice(cursor.id.as_uuid().as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read(text: &str) -> Result<PageCursor, &'static str> {
    const EXPECTED: &str = "expected the nextCursor of an earlier answer";
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| EXPECTED)?;
    let (millis, id) = bytes.split_first_chunk::<8>().ok_or(EXPECTED)?;
    let nanos = i128::from(i64::from_be_bytes(*millis)) * 1_000_000;
    let scheduled_start = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| EXPECTED)?;
    // No visit of ours is planned for such a time, and the database knows none before 4713 BC.
    if scheduled_start.year() < 0 {
        return Err(EXPECTED);
    }
    let id = SessionId::from_uuid(Uuid::from_slice(id).map_err(|_| EXPECTED)?);
    Ok(PageCursor { scheduled_start, id })
}

fn limit(text: &str) -> Result<u8, &'static str> {
    text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or("expected a number from 1 to 100")
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
        from: fields.take_optional("from", from.as_ref().map(instant)),
        to: fields.take_optional("to", to.as_ref().map(instant)),
        after: fields.take_optional("cursor", after.as_deref().map(read)),
        limit: fields.take_optional("limit", at_most.as_deref().map(limit)).unwrap_or(DEFAULT_LIMIT),
    };
    let filter = fields.done(Some(filter))?;
    query.nothing_else()?;
    Ok(filter)
}

/// List visits.
///
/// By planned start. Staff see their tenant's visits, patients their own.
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
        (status = 400, response = crate::openapi::BadRequest),
        (status = 401, response = crate::openapi::Unauthorized),
        (status = 403, response = crate::openapi::Denied),
        (status = 503, response = crate::openapi::Unavailable),
    ),
    security(("accessToken" = [])),
)]
pub async fn list(api: web::Data<Api>, caller: SignedInCaller, query: Query) -> Result<HttpResponse, Problem> {
    let page = api.app.list_sessions(&caller.0, filter(query)?).await?;
    let items = page.items.iter().map(VirtualSessionDto::with_presence).collect();
    send(StatusCode::OK, &SessionListDto { items, next_cursor: page.next.map(show) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_from_what_it_shows() {
        let cursor = PageCursor {
            scheduled_start: time::macros::datetime!(2026-03-01 09:30:00.123 UTC),
            id: SessionId::from_uuid(Uuid::from_u128(7)),
        };
        assert_eq!(read(&show(cursor)), Ok(cursor));
        for bad in ["", "x", "AAAA", &show(cursor)[1..], "____________________________________"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
