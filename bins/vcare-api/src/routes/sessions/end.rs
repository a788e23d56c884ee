//! `POST /sessions/{sessionId}/end`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use vcare_app::Done;

use crate::answer::send_session;
use crate::dto::VirtualSessionDto;
use crate::extract::{Body, IfMatch, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::VersionRequest;
use crate::server::Api;

/// End a visit.
///
/// The Encounter is written at once when the FHIR gateway answers in time: then `encounterId` is there. Else
/// `encounterStatus` is `pending` and it follows by itself. Ending again answers the visit as it is, whatever version the
/// caller saw.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/end", tag = "Sessions", operation_id = "endSession",
    request_body(content = Option<VersionRequest>),
    params(
        ("sessionId" = String, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; ending twice changes nothing by itself", max_length = 128),
    ),
    responses(
        (status = 200, description = "Ended, now or before", body = VirtualSessionDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn end(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    if_match: IfMatch,
    _key: WishKey,
    body: Body<VersionRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let viewed = api.app.end_session(&caller.0, path.0, expected).await?;
    send_session(StatusCode::OK, &Done::Now(viewed))
}
