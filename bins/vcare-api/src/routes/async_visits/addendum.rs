//! `POST /async-visits/{asyncVisitId}/addendum`.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_domain::ResponseText;

use crate::extract::{AsyncVisitPath, Body, Checked, Fields, IfMatch, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::async_visits::decided;
use crate::routes::async_visits::dto::AsyncVisitDto;
use crate::server::Api;

/// What is added to an answer, and the version the caller acts on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddendumRequest {
    /// What the clinician adds; up to 8,000 characters of any script.
    #[schema(min_length = 1, max_length = 8000, example = "که تبه لوړه شوه، کلینیک ته راشئ")]
    text: String,
    /// The visit's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

impl Checked for AddendumRequest {
    fn check(self, fields: &mut Fields) {
        fields.take("text", ResponseText::parse(self.text));
    }
}

/// Add to an answer.
///
/// Only who answered may, also when the visit is closed, up to 20 times. The answer and what was added before stay as they
/// are. The newest addition again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/async-visits/{asyncVisitId}/addendum", tag = "Async visits", operation_id = "addAddendum",
    request_body = AddendumRequest,
    params(
        ("asyncVisitId" = crate::values::AsyncVisitId, Path, description = "The visit"),
        ("If-Match" = Option<String>, Header, description = "The visit's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; doing it twice changes nothing by itself", max_length = 128),
    ),
    responses(
        (status = 200, description = "The visit after it", body = AsyncVisitDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn addendum(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: AsyncVisitPath,
    if_match: IfMatch,
    _key: WishKey,
    body: Body<AddendumRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let mut fields = Fields::default();
    let text = fields.take("text", ResponseText::parse(body.value.text));
    let text = fields.done(text)?;
    decided(api.app.amend_async_visit(&caller.0, path.0, text, expected).await)
}
