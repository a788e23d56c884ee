//! `/sessions/join`: who comes by link. No account, only a join token.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::TraceContext;
use vcare_app::sessions::Device;
use vcare_domain::DeviceId;

use crate::answer::send_at;
use crate::dto::JoinedDto;
use crate::extract::{Body, Checked, Fields, Query};
use crate::problem::Problem;
use crate::server::Api;

/// How the request is traced.
///
/// # Errors
/// 500 when the middleware that notes it was left out.
pub(super) fn trace(req: &HttpRequest) -> Result<TraceContext, Problem> {
    req.extensions().get::<TraceContext>().cloned().ok_or_else(Problem::internal)
}

async fn join(api: &Api, token: &str, device: &Device, req: &HttpRequest) -> Result<HttpResponse, Problem> {
    let joined = api.app.join_by_token(token, device, trace(req)?).await?;
    send_at(StatusCode::OK, joined.version, &JoinedDto::from(joined))
}

/// Since when [`join_by_get`] is deprecated (RFC 9745): 2026-12-01. It stays, as links may have been built with it.
const DEPRECATED: HeaderValue = HeaderValue::from_static("@1796083200");

/// Come by link.
///
/// Into the waiting room, or straight into the visit once admitted. The same link works for every reload. Deprecated: use
/// `POST`, which keeps the token out of access logs.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/sessions/join", tag = "Patients", operation_id = "joinSessionByGet",
    params(("token" = String, Query, description = "The join token")),
    responses(
        (status = 200, description = "Where to go", body = JoinedDto, headers(("Deprecation" = String), ("ETag" = String))),
    ),
)]
pub async fn join_by_get(api: web::Data<Api>, req: HttpRequest, mut query: Query) -> Result<HttpResponse, Problem> {
    let token = query.take("token");
    query.nothing_else()?;
    let token = token.ok_or_else(|| Problem::missing_parameter("token"))?;
    let mut response = join(&api, &token, &Device::default(), &req).await?;
    response.headers_mut().insert(HeaderName::from_static("deprecation"), DEPRECATED);
    Ok(response)
}

/// A join token, and the device it is on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JoinRequest {
    /// The token.
    #[schema(max_length = 4096)]
    token: String,
    /// The device, by a name that its page drew and keeps. With one, a second device asks before it takes over.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "d4Zk0PqLmN8x")]
    device_id: Option<String>,
    /// The person wants this device, whichever they were on before.
    #[serde(default)]
    take_over: bool,
}

impl JoinRequest {
    fn device(&self) -> Result<Device, Problem> {
        let id = self.device_id.as_deref().map(DeviceId::parse).transpose();
        let id = id.map_err(|error| Problem::field("deviceId", error))?;
        Ok(Device { id, take_over: self.take_over })
    }
}

impl Checked for JoinRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.device());
    }
}

/// Come by link, with the token in the body.
///
/// With a `deviceId`, a second device is answered 409 `JOINED_ON_ANOTHER_DEVICE` while the first one is there, until it
/// says `takeOver`.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/join", tag = "Patients", operation_id = "joinSession",
    request_body = JoinRequest,
    responses(
        (status = 200, description = "Where to go", body = JoinedDto, headers(("ETag" = String))),
    ),
)]
pub async fn join_by_post(
    api: web::Data<Api>,
    req: HttpRequest,
    body: Body<JoinRequest>,
) -> Result<HttpResponse, Problem> {
    let device = body.value.device()?;
    join(&api, &body.value.token, &device, &req).await
}
