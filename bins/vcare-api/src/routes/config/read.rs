//! `GET /config`.

use actix_web::{HttpResponse, web};

use super::{TenantConfigDto, shown};
use crate::answer::send_or_not_modified;
use crate::extract::{IfNoneMatch, Query, SignedInCaller};
use crate::problem::Problem;
use crate::server::Api;

/// Read the tenant's settings.
///
/// Credentials are always `****`, whether or not there is one.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/config", tag = "Configuration", operation_id = "getConfig",
    params(("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, description = "The settings", body = TenantConfigDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn read(
    api: web::Data<Api>,
    caller: SignedInCaller,
    known: IfNoneMatch,
    query: Query,
) -> Result<HttpResponse, Problem> {
    query.nothing_else()?;
    let config = api.app.read_tenant_config(&caller.0).await?;
    send_or_not_modified(&known, config.version(), &shown(&caller, &config))
}
