//! `GET /sessions/{sessionId}`.

use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, web};

use crate::answer::{etag, send};
use crate::dto::VirtualSessionDto;
use crate::extract::{SessionPath, SignedInCaller};
use crate::problem::Problem;
use crate::server::Api;

/// Read a visit.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/sessions/{sessionId}", tag = "Sessions", operation_id = "readSession",
    params(("sessionId" = String, Path, description = "The session", example = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R")),
    responses(
        (status = 200, description = "The visit", body = VirtualSessionDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn read(api: web::Data<Api>, caller: SignedInCaller, path: SessionPath) -> Result<HttpResponse, Problem> {
    let seen = api.app.read_session(&caller.0, path.0).await?;
    let mut response = send(StatusCode::OK, &VirtualSessionDto::with_presence(&seen))?;
    response.headers_mut().insert(ETAG, etag(&seen.session)?);
    Ok(response)
}
