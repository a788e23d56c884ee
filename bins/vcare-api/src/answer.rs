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
