//! `POST /sessions/{sessionId}/delay`, and the same by link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::Once;
use vcare_domain::Delay;

use crate::answer::{send_at, send_session, session_answer};
use crate::dto::{JoinStatusDto, VirtualSessionDto};
use crate::extract::{Body, Checked, Fields, SessionPath, SignedInCaller, WishKey};
use crate::problem::Problem;
use crate::routes::join::trace;
use crate::server::Api;

fn delay(minutes: u32) -> Result<Delay, Problem> {
    let known = u8::try_from(minutes).ok().and_then(Delay::from_minutes);
    known.ok_or_else(|| Problem::field("minutes", "expected 10, 20 or 30"))
}

/// How much later the patient comes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DelayRequest {
    /// Minutes after the planned start: 10, 20 or 30.
    #[schema(minimum = 10, maximum = 30, multiple_of = 10, example = 20)]
    minutes: u32,
}

impl Checked for DelayRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(delay(self.minutes));
    }
}

/// Say that one comes later than planned.
///
/// For the patient and their proxies, until that time has passed. The staff see when the patient is expected; the visit becomes a
/// no-show so much later. Saying it again changes nothing, another delay replaces it.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/delay", tag = "Patients", operation_id = "announceDelay",
    request_body = DelayRequest,
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "Noted", body = VirtualSessionDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn signed_in(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    key: WishKey,
    body: Body<DelayRequest>,
) -> Result<HttpResponse, Problem> {
    let delay = delay(body.value.minutes)?;
    let once = body.wish(key.0).map(|wish| Once { wish, answer: &|session| session_answer(StatusCode::OK, session) });
    let done = api.app.announce_delay(&caller.0, path.0, delay, once.as_ref()).await?;
    send_session(StatusCode::OK, &done)
}

/// The patient's join token, and how much later they come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinDelayRequest {
    /// The join token.
    #[schema(max_length = 4096)]
    token: String,
    /// Minutes after the planned start: 10, 20 or 30.
    #[schema(minimum = 10, maximum = 30, multiple_of = 10, example = 20)]
    minutes: u32,
}

impl Checked for JoinDelayRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(delay(self.minutes));
    }
}

/// Say by link that one comes later than planned.
///
/// For the holder of the patient's link, as `announceDelay`. The patient does not enter the waiting room by it.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/join/delay", tag = "Patients", operation_id = "announceDelayByToken",
    request_body = JoinDelayRequest,
    responses((status = 200, description = "Noted", body = JoinStatusDto, headers(("ETag" = String)))),
)]
pub async fn by_link(
    api: web::Data<Api>,
    req: HttpRequest,
    body: Body<JoinDelayRequest>,
) -> Result<HttpResponse, Problem> {
    let delay = delay(body.value.minutes)?;
    let status = api.app.announce_delay_by_link(&body.value.token, delay, trace(&req)?).await?;
    send_at(StatusCode::OK, status.version, &JoinStatusDto::from(status))
}
