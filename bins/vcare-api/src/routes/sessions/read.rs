//! `GET /sessions/{sessionId}`.

use actix_web::{HttpResponse, web};

use crate::answer::send_or_not_modified;
use crate::dto::VirtualSessionDto;
use crate::extract::{EmergencyHeader, IfNoneMatch, SessionPath, SignedInCaller};
use crate::problem::Problem;
use crate::server::Api;

/// Read a visit.
///
/// The answer depends on the caller's relation to the visit; `audience` names the view. Every read is audited.
/// A clinician who has nothing to do with the patient may give an `X-Emergency-Reason`: it opens the patient's visits to
/// them for 30 minutes, is audited before the answer, and the treating providers are notified.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/sessions/{sessionId}", tag = "Sessions", operation_id = "getSession",
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session", example = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R"),
        ("X-Emergency-Reason" = Option<String>, Header, description = "Why a clinician without a part in the visit must see it now", min_length = 10, max_length = 200),
        ("X-Emergency-Reason-Code" = Option<crate::values::EmergencyReasonCode>, Header, description = "The same as a code, beside the reason in words or in its place"),
        ("If-None-Match" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "The visit", body = VirtualSessionDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn read(
    api: web::Data<Api>,
    caller: SignedInCaller,
    emergency: EmergencyHeader,
    known: IfNoneMatch,
    path: SessionPath,
) -> Result<HttpResponse, Problem> {
    let seen = api.app.read_session(&emergency.of(caller), path.0).await?;
    send_or_not_modified(&known, seen.viewed.session.version(), &VirtualSessionDto::with_presence(&seen))
}
