//! `POST /sessions/{sessionId}/fallback-message`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vcare_domain::ThreadRecord;

use crate::answer::send_at;
use crate::extract::{Body, Checked, Fields, IfMatch, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::optional_reason;
use crate::server::Api;
use crate::values;

/// Why, and the version the caller acts on.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FallbackRequest {
    /// Why, for those who care for the patient; at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500, example = "the patient cannot hear us")]
    reason: Option<String>,
    /// The session's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

impl Checked for FallbackRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(optional_reason(self.reason.as_deref()));
    }
}

/// The thread in which a visit goes on.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Fallback)]
pub struct FallbackDto {
    /// The communication-service's thread; null while it is being made.
    #[schema(value_type = Option<values::ThreadId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging_thread_id: Option<String>,
}

/// Go on in messages.
///
/// From `active`, whose medium is messages from then on, or from `failed`. The thread is made at once when the
/// communication-service answers in time. Else the answer is 202, and it follows by itself: `messagingThreadId` of the
/// session, and the event `virtual_care.session.fallback.thread_created.v1`. Asking again answers the same thread.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/fallback-message", tag = "Sessions",
    operation_id = "startMessageFallback",
    request_body(content = Option<FallbackRequest>),
    params(
        ("sessionId" = values::SessionId, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; a session has one thread by itself", max_length = 128),
    ),
    responses(
        (status = 200, description = "The thread is there", body = FallbackDto, headers(("ETag" = String))),
        (status = 202, description = "It follows", body = FallbackDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn fallback_message(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    if_match: IfMatch,
    _key: WishKey,
    body: Body<FallbackRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let reason = optional_reason(body.value.reason.as_deref())?;
    let session = api.app.fall_back(&caller.0, path.0, reason, expected).await?;
    let thread = session.parts().fallback.as_ref().map(|fallback| &fallback.thread).and_then(ThreadRecord::id);
    let status = if thread.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    send_at(status, session.version(), &FallbackDto { messaging_thread_id: thread.map(ToString::to_string) })
}
