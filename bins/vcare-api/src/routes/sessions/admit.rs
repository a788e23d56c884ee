//! `POST /sessions/{sessionId}/admit/{participantId}`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::answer::{mark_replayed, send_at};
use crate::dto::AdmissionDto;
use crate::extract::{Body, IfMatch, ParticipantPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::VersionRequest;
use crate::server::Api;

/// Let a waiting participant in.
///
/// The caller's own part in the visit is marked as come by it. The patient's admission begins the visit. Of two who decide
/// at once, one wins.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/admit/{participantId}", tag = "Sessions",
    operation_id = "admitParticipant",
    request_body(content = Option<VersionRequest>),
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("participantId" = crate::values::ParticipantId, Path, description = "Who waits"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "Admitted; `videoJoinUrl` is the caller's own", body = AdmissionDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn admit(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: ParticipantPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<VersionRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let wish = body.wish(key.0);
    let admission = api.app.admit_participant(&caller.0, path.session, path.participant, expected, wish).await?;
    let mut response = send_at(StatusCode::OK, admission.session.version(), &AdmissionDto::from(&admission))?;
    mark_replayed(&mut response, admission.replayed);
    Ok(response)
}
