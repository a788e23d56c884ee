//! `POST /async-visits/{asyncVisitId}/release`.

use actix_web::{HttpResponse, web};

use crate::extract::{AsyncVisitPath, Body, IfMatch, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::async_visits::decided;
use crate::routes::async_visits::dto::AsyncVisitDto;
use crate::routes::sessions::VersionRequest;
use crate::server::Api;

/// Give a visit back.
///
/// It stands in the queue again, in its old place.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/async-visits/{asyncVisitId}/release", tag = "Async visits", operation_id = "releaseAsyncVisit",
    request_body(content = Option<VersionRequest>),
    params(
        ("asyncVisitId" = crate::values::AsyncVisitId, Path, description = "The visit"),
        ("If-Match" = Option<String>, Header, description = "The visit's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; doing it twice changes nothing by itself", max_length = 128),
    ),
    responses(
        (status = 200, description = "The visit after it", body = AsyncVisitDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn release(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: AsyncVisitPath,
    if_match: IfMatch,
    _key: WishKey,
    body: Body<VersionRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    decided(api.app.release_async_visit(&caller.0, path.0, expected).await)
}
