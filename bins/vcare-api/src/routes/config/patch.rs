//! `PATCH /config`.

use actix_web::{HttpResponse, web};
use vcare_app::tenants::ConfigCondition;

use super::write::ConfigRequest;
use super::{TenantConfigDto, change};
use crate::extract::{IfMatch, IfNoneMatch, MergePatch, SignedInCaller, config_condition};
use crate::problem::Problem;
use crate::server::Api;

/// Change the tenant's settings by a merge patch (RFC 7396).
///
/// A setting that is absent stays as it is. Null takes back what was set: the default counts again, and of a credential the
/// tenant's own is removed. It does what `PUT` does, for clients that know merge patches; but it creates no settings: a
/// tenant without them is 404. A credential sent as `****` stays as it is; whatever is sent, none is ever answered. The
/// version that was seen goes into `If-Match`; without it the answer is 428.
#[utoipa::path(
    patch, path = "/api/v1/virtual-care/config", tag = "Configuration", operation_id = "patchConfig",
    request_body(content = ConfigRequest, content_type = "application/merge-patch+json"),
    params(("If-Match" = String, Header, description = "The settings' version")),
    responses(
        (status = 200, description = "The settings as they are now", body = TenantConfigDto, headers(("ETag" = String), ("Branding-Logo" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn patch(
    api: web::Data<Api>,
    caller: SignedInCaller,
    if_match: IfMatch,
    if_none_match: IfNoneMatch,
    body: MergePatch<ConfigRequest>,
) -> Result<HttpResponse, Problem> {
    let patch = &body.0.0;
    match config_condition(if_match, &if_none_match, patch.version.flatten())? {
        ConfigCondition::New => {
            Err(Problem::header("If-None-Match", "is not taken: PUT creates a tenant's first settings"))
        }
        condition => change(&api, &caller, patch, condition).await,
    }
}
