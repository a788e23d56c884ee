//! `POST /sessions/{sessionId}/no-show`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use vcare_app::Once;

use crate::answer::{send_session, session_answer};
use crate::dto::VirtualSessionDto;
use crate::extract::{Body, IfMatch, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::VersionRequest;
use crate::server::Api;

/// Note that the patient did not come.
///
/// Possible from the planned start on, while the patient is not in the waiting room. It also happens by itself, after the
/// tenant's `noShowMinutes`. There is no Encounter and no charge. Noting it again answers the visit as it is.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/no-show", tag = "Sessions", operation_id = "markNoShow",
    request_body(content = Option<VersionRequest>),
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "Noted", body = VirtualSessionDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn no_show(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<VersionRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let once = body.wish(key.0).map(|wish| Once { wish, answer: &|session| session_answer(StatusCode::OK, session) });
    let done = api.app.mark_no_show(&caller.0, path.0, expected, once.as_ref()).await?;
    send_session(StatusCode::OK, &done)
}
