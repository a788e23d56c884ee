//! `POST /sessions/{sessionId}/recording/withdraw`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use vcare_app::Once;

use crate::answer::{send_session, session_answer};
use crate::dto::VirtualSessionDto;
use crate::extract::{Body, IfMatch, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::VersionRequest;
use crate::server::Api;

/// Withdraw the consent to recording.
///
/// Recording is turned off for the rest of the visit: video tokens given out from here on cannot record, and
/// `session.recording.withdrawn.v1` tells the clients in the room to stop. Withdrawing again answers the visit as it is.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/recording/withdraw", tag = "Sessions",
    operation_id = "withdrawRecordingConsent",
    request_body(content = Option<VersionRequest>),
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "Not recorded any more", body = VirtualSessionDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn withdraw_recording(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<VersionRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let once = body.wish(key.0).map(|wish| Once { wish, answer: &|session| session_answer(StatusCode::OK, session) });
    let done = api.app.withdraw_recording(&caller.0, path.0, expected, once.as_ref()).await?;
    send_session(StatusCode::OK, &done)
}
