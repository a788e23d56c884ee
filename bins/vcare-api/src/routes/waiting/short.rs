//! `POST /sessions/join/short`: from the code of a short link to its token.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::send;
use crate::extract::{Body, Checked};
use crate::problem::Problem;
use crate::server::Api;

/// The code of a short link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShortLinkRequest {
    /// The code: what stands in the link behind `#`.
    #[schema(min_length = 22, max_length = 22, pattern = "^[0-9A-Za-z]+$", example = "3kTMd9aZ0QwErTyUiOpAsD")]
    code: String,
}

impl Checked for ShortLinkRequest {}

/// What a short link stands for.
#[derive(Serialize, ToSchema)]
#[schema(as = ShortLink)]
pub struct ShortLinkDto {
    /// The join token. A secret.
    #[schema(example = "eyJ…")]
    token: String,
}

/// Open a short link.
///
/// Answers the join token that the link stands for; coming is `join`, as with any link.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/join/short", tag = "Patients", operation_id = "resolveShortLink",
    request_body = ShortLinkRequest,
    responses(
        (status = 200, description = "The token", body = ShortLinkDto),
    ),
)]
pub async fn resolve(
    api: web::Data<Api>,
    req: HttpRequest,
    body: Body<ShortLinkRequest>,
) -> Result<HttpResponse, Problem> {
    let token = api.short_codes.ask(&req, api.app.resolve_short_link(&body.value.code)).await?;
    send(StatusCode::OK, &ShortLinkDto { token })
}
