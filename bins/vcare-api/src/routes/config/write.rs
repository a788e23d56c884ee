//! `PUT /config`.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Deserializer};
use utoipa::openapi::{Object, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use vcare_app::tenants::TenantConfigPatch;

use super::{TenantConfigDto, change};
use crate::extract::{Body, Checked, IfMatch, IfNoneMatch, SignedInCaller, config_condition};
use crate::problem::Problem;
use crate::server::Api;

/// A change of settings, described by the schema of the type that is read.
#[derive(Debug)]
pub struct ConfigRequest(pub(super) TenantConfigPatch);

impl<'de> Deserialize<'de> for ConfigRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TenantConfigPatch::deserialize(deserializer).map(Self)
    }
}

impl PartialSchema for ConfigRequest {
    fn schema() -> RefOr<Schema> {
        let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let schema = settings.into_generator().into_root_schema_for::<TenantConfigPatch>().to_value();
        serde_json::from_value(schema).unwrap_or_else(|_| Object::new().into())
    }
}

impl ToSchema for ConfigRequest {
    fn name() -> std::borrow::Cow<'static, str> {
        "TenantConfigPatch".into()
    }
}

impl Checked for ConfigRequest {}

/// Change the tenant's settings.
///
/// What is not in the body stays as it is; null sets the default. A credential sent as `****` stays as it is, so that what
/// was read can be sent back; whatever is sent, none is ever answered. `jitsiTenant`, `jicofoHealthUrl` and `prosodyUrl` are
/// the operators'. The version that was seen goes into `If-Match`, so that nobody undoes what somebody else did meanwhile;
/// a tenant's first settings are created with `If-None-Match: *` (201). Without either the answer is 428. When
/// `brandingLogoUrl` is in the body, the logo is fetched and a small copy of it is kept for the page on which patients wait;
/// `Branding-Logo` says how that went. Whatever it says, the setting is saved; send it again to try again.
#[utoipa::path(
    put, path = "/api/v1/virtual-care/config", tag = "Configuration", operation_id = "updateConfig",
    request_body = ConfigRequest,
    params(
        ("If-Match" = Option<String>, Header, description = "The settings' version"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: the tenant has no settings yet, these are its first", pattern = r"^\*$"),
    ),
    responses(
        (status = 200, description = "The settings as they are now", body = TenantConfigDto, headers(("ETag" = String), ("Branding-Logo" = String))),
        (status = 201, description = "The tenant's first settings", body = TenantConfigDto, headers(("ETag" = String), ("Branding-Logo" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn write(
    api: web::Data<Api>,
    caller: SignedInCaller,
    if_match: IfMatch,
    if_none_match: IfNoneMatch,
    body: Body<ConfigRequest>,
) -> Result<HttpResponse, Problem> {
    let patch = &body.value.0;
    let condition = config_condition(if_match, &if_none_match, patch.version.flatten())?;
    change(&api, &caller, patch, condition).await
}
