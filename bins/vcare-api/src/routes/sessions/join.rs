//! `POST /sessions/{sessionId}/join`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::answer::send_at;
use crate::dto::AdmissionDto;
use crate::extract::{Body, EmergencyHeader, IfMatch, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::VersionRequest;
use crate::server::Api;

/// Join as a provider.
///
/// For providers of the visit, for clinicians while nobody cares for the patient in it, and in an emergency: with an
/// `X-Emergency-Reason`, which is audited before the answer, and the treating providers are notified. Joining again changes
/// nothing and answers a fresh address.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/join", tag = "Sessions", operation_id = "joinSessionAsProvider",
    request_body(content = Option<VersionRequest>),
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("X-Emergency-Reason" = Option<String>, Header, description = "Why a clinician without a part in the visit must join it now", min_length = 10, max_length = 200),
        ("X-Emergency-Reason-Code" = Option<crate::values::EmergencyReasonCode>, Header, description = "The same as a code, beside the reason in words or in its place"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; joining twice changes nothing by itself", max_length = 128),
    ),
    responses(
        (status = 200, description = "Joined", body = AdmissionDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn join(
    api: web::Data<Api>,
    caller: SignedInCaller,
    emergency: EmergencyHeader,
    path: SessionPath,
    if_match: IfMatch,
    _key: WishKey,
    body: Body<VersionRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let admission = api.app.join_as_provider(&emergency.of(caller), path.0, expected).await?;
    send_at(StatusCode::OK, admission.session.version(), &AdmissionDto::from(&admission))
}
