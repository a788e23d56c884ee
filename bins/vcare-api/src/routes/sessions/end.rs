//! `POST /sessions/{sessionId}/end`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::Done;

use crate::answer::send_session;
use crate::dto::VirtualSessionDto;
use crate::extract::{Body, Checked, Fields, IfMatch, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::optional_reason;
use crate::server::Api;

/// Why, and the version the caller acts on.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRequest {
    /// Why, for those who care for the patient; at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500, example = "the patient goes to the clinic")]
    reason: Option<String>,
    /// The session's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

impl Checked for EndRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(optional_reason(self.reason.as_deref()));
    }
}

/// End a visit.
///
/// The Encounter is written at once when the FHIR gateway answers in time: then `encounterId` is there. Else
/// `encounterStatus` is `pending` and it follows by itself. Ending again answers the visit as it is, whatever version the
/// caller saw.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/end", tag = "Sessions", operation_id = "endSession",
    request_body(content = Option<EndRequest>),
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; ending twice changes nothing by itself", max_length = 128),
    ),
    responses(
        (status = 200, description = "Ended, now or before", body = VirtualSessionDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn end(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    if_match: IfMatch,
    _key: WishKey,
    body: Body<EndRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let reason = optional_reason(body.value.reason.as_deref())?;
    let viewed = api.app.end_session(&caller.0, path.0, reason, expected).await?;
    send_session(StatusCode::OK, &Done::Now(viewed))
}
