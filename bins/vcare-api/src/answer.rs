//! How answers are written.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderName, HeaderValue, LOCATION};
use serde::Serialize;
use vcare_app::{Answer, Done, ViewedSession};
use vcare_domain::VirtualSession;

use crate::dto::VirtualSessionDto;
use crate::problem::Problem;

/// Where the API stands behind Kong.
pub const BASE: &str = "/api/v1/virtual-care";

/// The address `to` as a reference that is relative to the address `from`, both of them paths.
///
/// A gateway may have put anything in front of our paths; a relative reference leads to the right place behind every one of
/// them (RFC 9110, 10.2.2, and RFC 3986, 5.2).
#[must_use]
pub fn relative(from: &str, to: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let shared = folder.split('/').zip(to.split('/')).take_while(|(one, other)| one == other).count();
    let up = folder.split('/').count() - shared;
    let down: Vec<&str> = to.split('/').skip(shared).collect();
    format!("{}{}", "../".repeat(up), down.join("/"))
}

/// Says that an answer was given before, under the same key.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Says that a draft arrived before, and that this is the answer of then.
pub const MUTATION_REPLAYED: HeaderName = HeaderName::from_static("mutation-replayed");

/// Says that what was sent now is not what was sent then.
pub const MUTATION_DIFFERS: HeaderName = HeaderName::from_static("mutation-differs");

/// A visit as it is answered, in bytes: what is kept under the caller's key is what is sent.
#[must_use]
pub fn session_answer(status: StatusCode, viewed: &ViewedSession) -> Answer {
    let body = serde_json::to_vec(&VirtualSessionDto::from(viewed)).unwrap_or_default();
    Answer { status: status.as_u16(), body }
}

/// A visit's version, as `If-Match` takes it.
///
/// # Errors
/// 500 when it is no header, which cannot be.
pub fn etag(session: &VirtualSession) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&format!("\"{}\"", session.version())).map_err(|_| Problem::internal())
}

/// Sends a visit, or what was answered under the same key before: the very same bytes.
///
/// # Errors
/// 500 when a kept status is none.
pub fn send_session(status: StatusCode, done: &Done<ViewedSession>) -> Result<HttpResponse, Problem> {
    match done {
        Done::Now(viewed) => {
            let mut response = HttpResponse::build(status);
            response.insert_header((ETAG, etag(&viewed.session)?));
            if status == StatusCode::CREATED {
                let id = viewed.session.parts().id;
                response.insert_header((LOCATION, format!("{BASE}/sessions/{id}")));
            }
            response.content_type("application/json");
            Ok(response.body(session_answer(status, viewed).body))
        }
        Done::Before(answer) => {
            let status = StatusCode::from_u16(answer.status).map_err(|_| Problem::internal())?;
            let mut response = HttpResponse::build(status);
            response.insert_header((REPLAYED, HeaderValue::from_static("true"))).content_type("application/json");
            Ok(response.body(answer.body.clone()))
        }
    }
}

/// Sends JSON.
///
/// # Errors
/// 500 when it cannot be written.
pub fn send(status: StatusCode, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    let body = serde_json::to_vec(body).map_err(|_| Problem::internal())?;
    Ok(HttpResponse::build(status).content_type("application/json").body(body))
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn an_address_is_told_relative_to_the_one_that_was_asked() {
        let table = [
            ("/api/v1/sessions", "/api/v1/sessions/1", "sessions/1"),
            ("/api/v1/async-visits/uploads", "/api/v1/async-visits/uploads/1", "uploads/1"),
            ("/api/v1/sessions/1/continue-async", "/api/v1/async-visits/2", "../../async-visits/2"),
        ];
        for (from, to, expected) in table {
            assert_eq!(relative(from, to), expected);
            let behind_a_gateway = reqwest::Url::parse(&format!("https://hospital.example/clinic{from}")).unwrap();
            let found = behind_a_gateway.join(expected).unwrap();
            assert_eq!(found.path(), format!("/clinic{to}"));
        }
    }
}
