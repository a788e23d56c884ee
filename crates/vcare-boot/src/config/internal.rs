//! `[internal]`.

use schemars::JsonSchema;
use serde::Deserialize;
use vcare_adapters_kms::TENANT_TOKEN_PREFIX;
use vcare_app::ports::{Secret, ServedTenants};
use vcare_domain::TenantId;

use super::Sensitive;

/// `[internal]`: who may call what is not for people.
///
/// These are Prosody's reservations and presence, and the recorders' finalize script: see
/// [deploy/jitsi](../deploy/jitsi/README.md). A tenant's own Jitsi needs no setting: its token is what `vcare-admin secret
/// reveal <tenant> --internal` prints, and acts for that tenant alone.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InternalConfig {
    /// Jitsi servers that several tenants share, as `[{ token = "…", tenants = ["hosp-kabul", "hosp-herat"] }]`. Such a server
    /// is trusted with the rooms of each tenant that is named with its token, and of no other. A token is at least 32
    /// printable characters; two of a server while one replaces the other.
    shared_servers: Vec<SharedServer>,
    /// The former single token for all tenants. Still known, so that the check can say what replaces it.
    #[schemars(skip)]
    bearer_tokens: Vec<Sensitive>,
}

/// A Jitsi server that several tenants share.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct SharedServer {
    /// What it shows.
    token: Sensitive,
    /// The tenants that it acts for.
    tenants: Vec<String>,
}

impl SharedServer {
    /// The tenants. Invalid names are left out here and reported by the check.
    fn tenants(&self) -> impl Iterator<Item = TenantId> {
        self.tenants.iter().filter_map(|name| TenantId::parse(name.as_str()).ok())
    }
}

impl InternalConfig {
    /// The shared servers' tokens, and the tenants of each.
    pub(crate) fn shared_servers(&self) -> impl Iterator<Item = (Secret, ServedTenants)> {
        self.shared_servers.iter().map(|server| (server.token.secret(), ServedTenants::these(server.tenants())))
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let mut report = |place: &str, problem: &str| problems.push(format!("internal.{place}: {problem}"));
        if !self.bearer_tokens.is_empty() {
            report(
                "bearer_tokens",
                "opened the rooms of all tenants, and is no setting any more: give each tenant's own Jitsi the token that \
                 `vcare-admin secret reveal <tenant> --internal` prints, and name in internal.shared_servers the tenants of \
                 one that several share",
            );
        }
        for (number, server) in self.shared_servers.iter().enumerate() {
            let token = server.token.expose();
            let place = format!("shared_servers[{number}]");
            if token.len() < 32 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                report(&place, "token: at least 32 printable characters, without blanks");
            }
            if token.starts_with(TENANT_TOKEN_PREFIX) {
                report(&place, "token: is a tenant's own, which needs no setting");
            }
            if self.shared_servers[..number].iter().any(|before| before.token.expose() == token) {
                report(&place, "token: is another server's, too");
            }
            if server.tenants.is_empty() {
                report(&place, "tenants: must name at least one; no token acts for a tenant that it was not given");
            }
            if server.tenants().count() != server.tenants.len() {
                report(&place, "tenants: one of them is no tenant's name: letters, digits, '-', '_' and '.'");
            }
        }
    }
}
