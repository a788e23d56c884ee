//! `POST /async-visits/{asyncVisitId}/claim`.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_domain::ClaimLease;

use crate::extract::{AsyncVisitPath, Body, Checked, Fields, IfMatch, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::async_visits::decided;
use crate::routes::async_visits::dto::AsyncVisitDto;
use crate::server::Api;

/// For how long, and the version the caller acts on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimRequest {
    /// Duration of the claim in minutes; 30 when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 240)]
    lease_minutes: Option<u16>,
    /// The visit's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

impl Checked for ClaimRequest {
    fn check(self, fields: &mut Fields) {
        fields.take_optional("leaseMinutes", self.lease_minutes.map(ClaimLease::minutes));
    }
}

/// Take a visit up.
///
/// Of two clinicians who do at once, one wins. It is theirs for half an hour, or as long as they say; claiming it again
/// makes that longer. Then somebody else may take it.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/async-visits/{asyncVisitId}/claim", tag = "Async visits", operation_id = "claimAsyncVisit",
    request_body(content = Option<ClaimRequest>),
    params(
        ("asyncVisitId" = crate::values::AsyncVisitId, Path, description = "The visit"),
        ("If-Match" = Option<String>, Header, description = "The visit's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; claiming again extends the claim", max_length = 128),
    ),
    responses(
        (status = 200, description = "The visit after it", body = AsyncVisitDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn claim(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: AsyncVisitPath,
    if_match: IfMatch,
    _key: WishKey,
    body: Body<ClaimRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let lease = match body.value.lease_minutes {
        Some(minutes) => ClaimLease::minutes(minutes).map_err(|error| Problem::field("leaseMinutes", error))?,
        None => ClaimLease::default(),
    };
    decided(api.app.claim_async_visit(&caller.0, path.0, lease, expected).await)
}
