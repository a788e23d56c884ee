//! `POST /async-visits/{asyncVisitId}/respond`.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_domain::{Advice, ResponseText};

use crate::extract::{AsyncVisitPath, Body, Checked, Fields, IfMatch, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::async_visits::decided;
use crate::routes::async_visits::dto::AsyncVisitDto;
use crate::server::Api;

/// An answer, and the version the caller acts on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RespondRequest {
    /// What the clinician answers; up to 8,000 characters of any script.
    #[schema(min_length = 1, max_length = 8000, example = "ډېرې اوبه وڅښئ او استراحت وکړئ")]
    response_text: String,
    /// What they advise to do next; nothing when absent.
    #[serde(default)]
    #[schema(value_type = Option<crate::values::FollowUp>)]
    follow_up: Option<String>,
    /// The visit's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

fn advice(text: &str) -> Result<Advice, &'static str> {
    Advice::from_name(text).ok_or("expected none, live_visit or in_person")
}

impl RespondRequest {
    fn parse(&self) -> Result<(ResponseText, Advice), Problem> {
        let mut fields = Fields::default();
        let text = fields.take("responseText", ResponseText::parse(self.response_text.as_str()));
        let advice = fields.take_optional("followUp", self.follow_up.as_deref().map(advice)).unwrap_or_default();
        fields.done(text.map(|text| (text, advice)))
    }
}

impl Checked for RespondRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Answer a visit.
///
/// Only who claimed it may. The Encounter is written at once when the FHIR gateway answers in time; else `encounterStatus`
/// is `pending` and it follows by itself. The same answer again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/async-visits/{asyncVisitId}/respond", tag = "Async visits", operation_id = "respondAsyncVisit",
    request_body = RespondRequest,
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
pub async fn respond(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: AsyncVisitPath,
    if_match: IfMatch,
    _key: WishKey,
    body: Body<RespondRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let (text, advice) = body.value.parse()?;
    decided(api.app.respond_async_visit(&caller.0, path.0, text, advice, expected).await)
}
