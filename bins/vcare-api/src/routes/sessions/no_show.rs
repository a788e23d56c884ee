//! `POST /sessions/{sessionId}/no-show`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::Once;
use vcare_domain::{NoShowCode, ReasonCode};

use crate::answer::{send_session, session_answer};
use crate::dto::VirtualSessionDto;
use crate::extract::{Body, Checked, Fields, IfMatch, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::code_of;
use crate::server::Api;
use crate::values;

/// Why, and the version the caller acts on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoShowRequest {
    /// Why, for everybody who sees the session. When it is missing, it is `patient_absent`.
    #[serde(default)]
    #[schema(value_type = Option<values::NoShowReasonCode>)]
    reason_code: Option<String>,
    /// The session's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

impl NoShowRequest {
    fn parse(&self) -> Result<NoShowCode, Problem> {
        let code = self.reason_code.as_deref().map(code_of).transpose();
        code.map(|code| code.unwrap_or(NoShowCode::UNSTATED)).map_err(|error| Problem::field("reasonCode", error))
    }
}

impl Checked for NoShowRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Note that the patient did not come.
///
/// Possible from the planned start on, while the patient is not in the waiting room. It also happens by itself, after the
/// tenant's `noShowMinutes`. There is no Encounter and no charge. Noting it again answers the visit as it is.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/no-show", tag = "Sessions", operation_id = "markNoShow",
    request_body(content = Option<NoShowRequest>),
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "Noted", body = VirtualSessionDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn no_show(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<NoShowRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let code = body.value.parse()?;
    let once = body.wish(key.0).map(|wish| Once { wish, answer: &|session| session_answer(StatusCode::OK, session) });
    let done = api.app.mark_no_show(&caller.0, path.0, code, expected, once.as_ref()).await?;
    send_session(StatusCode::OK, &done)
}
