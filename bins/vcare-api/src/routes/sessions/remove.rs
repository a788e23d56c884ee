//! `POST /sessions/{sessionId}/participants/{participantId}/remove`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use vcare_app::Once;
use vcare_domain::RemovalCode;

use crate::answer::{send_session, session_answer};
use crate::dto::VirtualSessionDto;
use crate::extract::{Body, IfMatch, ParticipantPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::{Because, ReasonRequest};
use crate::server::Api;

/// Put a participant out.
///
/// Their links are dead; a new one lets them come again. `reasonCode` is one of `RemovalReasonCode`. Doing it twice changes nothing.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/participants/{participantId}/remove", tag = "Sessions",
    operation_id = "removeParticipant",
    request_body = ReasonRequest,
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("participantId" = crate::values::ParticipantId, Path, description = "Whom to put out"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "Removed", body = VirtualSessionDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn remove(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: ParticipantPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<Because<RemovalCode>>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version())?;
    let reason = body.value.parse()?;
    let once = body.wish(key.0).map(|wish| Once { wish, answer: &|session| session_answer(StatusCode::OK, session) });
    let done =
        api.app.remove_participant(&caller.0, path.session, path.participant, reason, expected, once.as_ref()).await?;
    send_session(StatusCode::OK, &done)
}
