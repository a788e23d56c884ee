//! `PUT /config`.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Deserializer};
use utoipa::openapi::{Object, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use vcare_app::ports::LogoFault;
use vcare_app::tenants::{ConfigChange, TenantConfigPatch};
use vcare_domain::TenantConfigDraft;

use super::{TenantConfigDto, answer};
use crate::extract::{Body, IfMatch, SignedInCaller, expected_version};
use crate::problem::Problem;
use crate::server::Api;

/// A change of settings, described by the schema of the type that is read.
#[derive(Debug)]
pub struct ConfigRequest(TenantConfigPatch);

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

/// Change the tenant's settings.
///
/// What is not in the body stays as it is; null sets the default. A credential sent as `****` stays as it is, so that what
/// was read can be sent back. `jitsiTenant`, `jicofoHealthUrl` and `prosodyUrl` are the operators'. The version that was
/// seen goes into `If-Match` or into the body. When `brandingLogoUrl` is in the body, the logo is fetched and a small copy of
/// it is kept for the page on which patients wait; `Branding-Logo` says how that went. Whatever it says, the setting is saved;
/// send it again to try again.
#[utoipa::path(
    put, path = "/api/v1/virtual-care/config", tag = "Configuration", operation_id = "writeConfig",
    request_body = ConfigRequest,
    params(("If-Match" = Option<String>, Header, description = "The settings' version in quotes")),
    responses(
        (status = 200, description = "The settings as they are now", body = TenantConfigDto, headers(("ETag" = String), ("Branding-Logo" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn write(
    api: web::Data<Api>,
    caller: SignedInCaller,
    if_match: IfMatch,
    body: Body<ConfigRequest>,
) -> Result<HttpResponse, Problem> {
    let patch = &body.value.0;
    let expected = expected_version(if_match, patch.version.flatten())?;
    let tenant = &caller.0.tenant_id;
    if patch.tenant_id.iter().flatten().any(|named| named != tenant.as_str()) {
        return Err(Problem::field("tenantId", "is not the caller's"));
    }
    let edit = |draft: &mut TenantConfigDraft| patch.apply(tenant, draft);
    let change = ConfigChange { expected, edit, credentials: patch.credentials() };
    let done = api.app.write_tenant_config(&caller.0, &change).await?;
    let mut answer = answer(&caller, &done.config)?;
    // Not a field of the settings: those can be sent back as they were read.
    if let Some(copied) = done.logo {
        let copied = copied.map_or_else(LogoFault::as_str, |()| "copied");
        answer.headers_mut().insert(HeaderName::from_static("branding-logo"), HeaderValue::from_static(copied));
    }
    Ok(answer)
}
