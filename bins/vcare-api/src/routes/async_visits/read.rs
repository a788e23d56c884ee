//! `GET /async-visits/{asyncVisitId}`.

use actix_web::{HttpResponse, web};

use crate::answer::send_or_not_modified;
use crate::extract::{AsyncVisitPath, EmergencyHeader, IfNoneMatch, SignedInCaller};
use crate::problem::Problem;
use crate::routes::async_visits::dto::AsyncVisitDto;
use crate::server::Api;

/// Read a visit without a live link.
///
/// The answer depends on the caller's relation to the visit; `audience` names the view. Of a visit in the queue,
/// clinicians see that it exists, but not what was written, until they claim it. Every read is audited. In an
/// emergency a clinician gives an `X-Emergency-Reason`, as for a session.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/async-visits/{asyncVisitId}", tag = "Async visits", operation_id = "getAsyncVisit",
    params(
        ("asyncVisitId" = crate::values::AsyncVisitId, Path, description = "The visit", example = "avs_01KA8Z0Q3CJ9XW2V5T7N4B6M8T"),
        ("X-Emergency-Reason" = Option<String>, Header, description = "Why a clinician without a part in the visit must see it now", min_length = 10, max_length = 200),
        ("X-Emergency-Reason-Code" = Option<crate::values::EmergencyReasonCode>, Header, description = "The same as a code, beside the reason in words or in its place"),
        ("If-None-Match" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "The visit", body = AsyncVisitDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn read(
    api: web::Data<Api>,
    caller: SignedInCaller,
    emergency: EmergencyHeader,
    known: IfNoneMatch,
    path: AsyncVisitPath,
) -> Result<HttpResponse, Problem> {
    let viewed = api.app.read_async_visit(&emergency.of(caller), path.0).await?;
    send_or_not_modified(&known, viewed.visit.parts().version, &AsyncVisitDto::from(&viewed))
}
