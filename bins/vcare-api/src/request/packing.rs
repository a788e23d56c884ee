//! Which answers are compressed.
//!
//! An answer that holds a token or a signed address is not: by the length of what is compressed together with something that an
//! attacker chose, a secret is guessed letter by letter (BREACH).

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use actix_web::middleware::Next;

/// The routes whose answers hold tokens, or addresses that open something by themselves.
pub const HOLD_SECRETS: [&str; 6] = [
    "/api/v1/virtual-care/sessions/join",
    "/api/v1/virtual-care/sessions/join/short",
    "/api/v1/virtual-care/sessions/{sessionId}/participants/{participantId}/join-token",
    "/api/v1/virtual-care/sessions/{sessionId}/join",
    "/api/v1/virtual-care/sessions/{sessionId}/admit/{participantId}",
    "/api/v1/virtual-care/async-visits/{asyncVisitId}/attachments",
];

const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// Marks the answer of a route that holds secrets, so that it is not compressed.
pub(super) fn keep_secret(route: &str, headers: &mut HeaderMap) {
    if HOLD_SECRETS.contains(&route) {
        headers.insert(CONTENT_ENCODING, IDENTITY);
    }
}

/// Takes the mark away again: `identity` is no coding to be told (RFC 9110, 8.4).
///
/// # Errors
/// None of its own.
pub async fn without_mark<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let mut answered = next.call(req).await?;
    if answered.headers().get(CONTENT_ENCODING) == Some(&IDENTITY) {
        answered.headers_mut().remove(CONTENT_ENCODING);
    }
    Ok(answered)
}
