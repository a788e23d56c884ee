//! `POST /sessions/{sessionId}/cancel`, and the same by link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::Once;
use vcare_domain::{CancelCode, FreeText, Reason};

use crate::answer::{send_at, send_session, session_answer};
use crate::dto::{JoinStatusDto, VirtualSessionDto};
use crate::extract::{Body, Checked, Fields, IfMatch, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::join::trace;
use crate::routes::sessions::{Because, ReasonRequest, code_of};
use crate::server::Api;
use crate::values;

/// Call a visit off before it began.
///
/// For those who treat the patient or plan visits, and for the patient and their proxies. `reasonCode` is one of
/// `CancelReasonCode`. Cancelling again answers the visit as it is.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/cancel", tag = "Sessions", operation_id = "cancelSession",
    request_body = ReasonRequest,
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "Cancelled", body = VirtualSessionDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn cancel(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<Because<CancelCode>>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version())?;
    let reason = body.value.parse()?;
    let once = body.wish(key.0).map(|wish| Once { wish, answer: &|session| session_answer(StatusCode::OK, session) });
    let done = api.app.cancel_session(&caller.0, path.0, reason, expected, once.as_ref()).await?;
    send_session(StatusCode::OK, &done)
}

/// The patient's join token, and why they cancel.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JoinCancelRequest {
    /// The join token.
    #[schema(max_length = 4096)]
    token: String,
    /// A note, for those who care for the patient; at most 500 characters. Nobody else sees it.
    #[serde(default)]
    #[schema(max_length = 500, example = "my child is well again")]
    reason: Option<String>,
    /// Why, for everybody who sees the session. When it is missing, it is `patient_request`.
    #[serde(default)]
    #[schema(value_type = Option<values::CancelReasonCode>)]
    reason_code: Option<String>,
}

impl JoinCancelRequest {
    fn parse(&self) -> Result<Reason<CancelCode>, Problem> {
        let mut fields = Fields::default();
        let note = fields.take_optional("reason", self.reason.as_deref().map(FreeText::parse));
        let code = fields.take_optional("reasonCode", self.reason_code.as_deref().map(code_of::<CancelCode>));
        // The link is the patient's: who holds it speaks for them.
        fields.done(Some(Reason { code: code.unwrap_or(CancelCode::PatientRequest), note }))
    }
}

impl Checked for JoinCancelRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Call a visit off by link, before it began.
///
/// For the holder of the patient's link. Cancelling again answers the same.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/join/cancel", tag = "Patients", operation_id = "cancelSessionByToken",
    request_body = JoinCancelRequest,
    responses((status = 200, description = "Cancelled", body = JoinStatusDto, headers(("ETag" = String)))),
)]
pub async fn by_link(
    api: web::Data<Api>,
    req: HttpRequest,
    body: Body<JoinCancelRequest>,
) -> Result<HttpResponse, Problem> {
    let reason = body.value.parse()?;
    let status = api.app.cancel_by_link(&body.value.token, reason, trace(&req)?).await?;
    send_at(StatusCode::OK, status.version, &JoinStatusDto::from(status))
}
