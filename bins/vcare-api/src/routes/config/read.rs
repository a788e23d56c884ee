//! `GET /config`.

use actix_web::{HttpResponse, web};

use super::{TenantConfigDto, answer};
use crate::extract::{Query, SignedInCaller};
use crate::problem::Problem;
use crate::server::Api;

/// Read the tenant's settings.
///
/// Credentials are always `****`, whether or not there is one.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/config", tag = "Configuration", operation_id = "readConfig",
    responses(
        (status = 200, description = "The settings", body = TenantConfigDto, headers(("ETag" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn read(api: web::Data<Api>, caller: SignedInCaller, query: Query) -> Result<HttpResponse, Problem> {
    query.nothing_else()?;
    let config = api.app.read_tenant_config(&caller.0).await?;
    answer(&caller, &config)
}
