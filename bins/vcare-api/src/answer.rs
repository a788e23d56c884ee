//! How answers are written.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderName, HeaderValue, LOCATION};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vcare_app::{Answer, Done, ViewedSession};
use vcare_domain::Version;

use crate::dto::VirtualSessionDto;
use crate::extract::IfNoneMatch;
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

/// A version, as `If-Match` takes it.
#[must_use]
pub fn etag(version: Version) -> String {
    format!("\"{version}\"")
}

/// The version, and a digest of the body. Two accounts see different bodies of one version, and who is present changes without a new
/// version: with the version alone, 304 would hide such a change.
fn etag_of(version: Version, body: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(body).into();
    let digest = digest[..8].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("\"{version}-{digest}\"")
}

/// What of a stored response's body its headers are made of.
#[derive(Deserialize)]
struct StoredBody {
    id: Option<String>,
    version: Option<u32>,
}

/// Adds the `ETag`, and with a `folder` the `Location`, that the response with this body had when it was sent first. Both are made of
/// the body, so that responses that earlier versions stored have them, too.
pub fn add_stored_headers(response: &mut HttpResponseBuilder, body: &[u8], folder: Option<&str>) {
    let Ok(StoredBody { id, version }) = serde_json::from_slice(body) else { return };
    if let Some(version) = version {
        response.insert_header((ETAG, etag(Version::new(version))));
    }
    if let Some((folder, id)) = folder.zip(id) {
        response.insert_header((LOCATION, format!("{BASE}/{folder}/{id}")));
    }
}

fn replay(answer: &Answer, folder: Option<&str>) -> Result<HttpResponse, Problem> {
    let status = StatusCode::from_u16(answer.status).map_err(|_| Problem::internal())?;
    let mut response = HttpResponse::build(status);
    response.insert_header((REPLAYED, HeaderValue::from_static("true"))).content_type("application/json");
    add_stored_headers(&mut response, &answer.body, folder.filter(|_| status == StatusCode::CREATED));
    Ok(response.body(answer.body.clone()))
}

/// Replays the stored response of an idempotency key, byte for byte.
///
/// # Errors
/// 500 when a kept status is none.
pub fn send_replay(answer: &Answer) -> Result<HttpResponse, Problem> {
    replay(answer, None)
}

/// Sends a visit, or what was answered under the same key before: the very same bytes.
///
/// # Errors
/// 500 when a kept status is none.
pub fn send_session(status: StatusCode, done: &Done<ViewedSession>) -> Result<HttpResponse, Problem> {
    match done {
        Done::Now(viewed) => {
            let mut response = HttpResponse::build(status);
            response.insert_header((ETAG, etag(viewed.session.version())));
            if status == StatusCode::CREATED {
                let id = viewed.session.parts().id;
                response.insert_header((LOCATION, format!("{BASE}/sessions/{id}")));
            }
            response.content_type("application/json");
            Ok(response.body(session_answer(status, viewed).body))
        }
        Done::Before(answer) => replay(answer, Some("sessions")),
    }
}

/// Sends JSON of something that is at that version.
///
/// # Errors
/// 500 when it cannot be written.
pub fn send_at(status: StatusCode, version: Version, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    let mut response = send(status, body)?;
    let etag = etag(version).parse().map_err(|_| Problem::internal())?;
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// Sends JSON of something that was read at that version, or 304 when the caller has the very same.
///
/// # Errors
/// 500 when it cannot be written.
pub fn send_or_not_modified(
    known: &IfNoneMatch,
    version: Version,
    body: &impl Serialize,
) -> Result<HttpResponse, Problem> {
    let body = serde_json::to_vec(body).map_err(|_| Problem::internal())?;
    let etag = etag_of(version, &body);
    if known.has(&etag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    Ok(HttpResponse::Ok().insert_header((ETAG, etag)).content_type("application/json").body(body))
}

/// Marks a response as replayed, when it is.
pub fn mark_replayed(response: &mut HttpResponse, replayed: bool) {
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
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
