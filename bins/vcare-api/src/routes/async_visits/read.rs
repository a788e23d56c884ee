//! `GET /async-visits/{asyncVisitId}`.

use actix_web::{HttpResponse, web};

use crate::extract::{AsyncVisitPath, SignedInCaller};
use crate::problem::Problem;
use crate::routes::async_visits::decided;
use crate::routes::async_visits::dto::AsyncVisitDto;
use crate::server::Api;

/// Read a visit without a live link.
///
/// Clinicians read those of their tenant, patients their own.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/async-visits/{asyncVisitId}", tag = "Async visits", operation_id = "readAsyncVisit",
    params(("asyncVisitId" = String, Path, description = "The visit", example = "avs_01KA8Z0Q3CJ9XW2V5T7N4B6M8T")),
    responses(
        (status = 200, description = "The visit", body = AsyncVisitDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn read(api: web::Data<Api>, caller: SignedInCaller, path: AsyncVisitPath) -> Result<HttpResponse, Problem> {
    decided(api.app.read_async_visit(&caller.0, path.0).await)
}
