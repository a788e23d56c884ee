//! `/sessions/join`: who comes by link. No account, only a join token.

use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::{JoinTokenFault, TraceContext};

use crate::answer::send;
use crate::dto::{JoinStatusDto, JoinedDto};
use crate::extract::{Body, Query, bearer};
use crate::problem::{Problem, ProblemDetails};
use crate::server::Api;

fn trace(req: &HttpRequest) -> Result<TraceContext, Problem> {
    req.extensions().get::<TraceContext>().cloned().ok_or_else(Problem::internal)
}

fn without_token() -> Problem {
    vcare_app::AppError::from(JoinTokenFault::Invalid).into()
}

async fn join(api: &Api, token: &str, req: &HttpRequest) -> Result<HttpResponse, Problem> {
    let joined = api.app.join_by_token(token, trace(req)?).await?;
    send(StatusCode::OK, &JoinedDto::from(joined))
}

/// Come by link.
///
/// Into the waiting room, or straight into the visit once admitted. The same link works for every reload. Prefer `POST`,
/// which keeps the token out of access logs.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/sessions/join", tag = "Patients", operation_id = "joinByLink",
    params(("token" = String, Query, description = "The join token")),
    responses(
        (status = 200, description = "Where to go", body = JoinedDto),
        (status = 400, response = crate::openapi::BadRequest),
        (status = 401, response = crate::openapi::BadJoinToken),
        (status = 409, description = "`INVALID_STATUS_TRANSITION`: the visit is over or was cancelled", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, response = crate::openapi::Unavailable),
    ),
)]
pub async fn join_by_get(api: web::Data<Api>, req: HttpRequest, mut query: Query) -> Result<HttpResponse, Problem> {
    let token = query.take("token");
    query.nothing_else()?;
    let token = token.ok_or_else(|| Problem::field("token", "is missing"))?;
    join(&api, &token, &req).await
}

/// A join token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// The token.
    token: String,
}

/// Come by link, with the token in the body.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/join", tag = "Patients", operation_id = "join",
    request_body = JoinRequest,
    responses(
        (status = 200, description = "Where to go", body = JoinedDto),
        (status = 400, response = crate::openapi::BadRequest),
        (status = 401, response = crate::openapi::BadJoinToken),
        (status = 409, description = "`INVALID_STATUS_TRANSITION`: the visit is over or was cancelled", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 413, response = crate::openapi::TooLarge),
        (status = 415, response = crate::openapi::WrongMediaType),
        (status = 503, response = crate::openapi::Unavailable),
    ),
)]
pub async fn join_by_post(
    api: web::Data<Api>,
    req: HttpRequest,
    body: Body<JoinRequest>,
) -> Result<HttpResponse, Problem> {
    join(&api, &body.value.token, &req).await
}

/// See how one stands.
///
/// Changes nothing, and answers in a hundred bytes. The token goes into `Authorization: Bearer`, or into the query.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/sessions/join/status", tag = "Patients", operation_id = "joinStatus",
    params(("token" = Option<String>, Query, description = "The join token, when it is not in `Authorization`")),
    responses(
        (status = 200, description = "How one stands", body = JoinStatusDto),
        (status = 400, response = crate::openapi::BadRequest),
        (status = 401, response = crate::openapi::BadJoinToken),
        (status = 409, description = "`INVALID_STATUS_TRANSITION`: the visit is over or was cancelled", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, response = crate::openapi::Unavailable),
    ),
    security((), ("joinToken" = [])),
)]
pub async fn status(api: web::Data<Api>, req: HttpRequest, mut query: Query) -> Result<HttpResponse, Problem> {
    let in_query = query.take("token");
    query.nothing_else()?;
    let token = bearer(req.headers()).or(in_query.as_deref()).ok_or_else(without_token)?;
    let status = api.app.join_status(token).await?;
    send(StatusCode::OK, &JoinStatusDto::from(status))
}
