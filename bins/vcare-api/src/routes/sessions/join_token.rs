//! `POST /sessions/{sessionId}/participants/{participantId}/join-token`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::answer::send;
use crate::dto::JoinTokenDto;
use crate::extract::{Body, IfMatch, ParticipantPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::VersionRequest;
use crate::server::Api;

/// Issue a participant's join link.
///
/// Every older link of theirs is dead. A removed person may come again with it. Who is inside goes back to the waiting room
/// and must be let in again; only a provider of the visit may do that. Patients, and who acts for them, may ask for their
/// own link. The same `Idempotency-Key` answers the same link.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/participants/{participantId}/join-token", tag = "Sessions",
    operation_id = "issueJoinToken",
    request_body(content = Option<VersionRequest>),
    params(
        ("sessionId" = String, Path, description = "The session"),
        ("participantId" = String, Path, description = "The participant"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 201, description = "Issued", body = JoinTokenDto),
    ),
    security(("accessToken" = [])),
)]
pub async fn join_token(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: ParticipantPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<VersionRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let wish = body.wish(key.0);
    let issued = api.app.issue_join_token(&caller.0, path.session, path.participant, expected, wish).await?;
    send(StatusCode::CREATED, &JoinTokenDto::from(issued))
}
