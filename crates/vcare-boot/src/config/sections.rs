//! The sections about who and what is around the service, one concern each. Units stand in the names.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use time::Duration as Span;
use vcare_adapters_http::{InvalidBaseUrl, NeighbourConfig, ZoomConfig};
use vcare_adapters_postgres::{PgConfig, may_be_plain};
use vcare_domain::HttpsUrl;

use super::{Profile, Sensitive, TlsSection, is_on_this_machine};

/// `[links]`: what is sent to people.
///
/// A visit that runs late keeps its people: a token issued while it is `waiting` or `active` opens at least as long
/// from then.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinksConfig {
    /// Join links are `{public_base_url}/visit#<token>`. https, or http on this machine.
    pub public_base_url: String,
    /// How long after the planned end a join link opens.
    #[serde(default = "sixty")]
    pub join_token_grace_minutes: u32,
    /// How long after the planned end a video token opens.
    #[serde(default = "sixty")]
    pub video_token_grace_minutes: u32,
    /// How often short codes that nobody issued may be asked about from one address, in one process. An address that did it
    /// more often is refused as soon as all together pass `short_codes_per_second`.
    #[serde(default = "sixty")]
    pub short_codes_per_minute: u32,
    /// How often from all addresses together, in one process. Addresses that are below their own limit are never refused.
    #[serde(default = "two_hundred")]
    pub short_codes_per_second: u32,
}

const fn sixty() -> u32 {
    60
}
const fn two_hundred() -> u32 {
    200
}

impl LinksConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if !is_on_this_machine(&self.public_base_url) && HttpsUrl::parse(&self.public_base_url).is_err() {
            problems.push("links.public_base_url: expected an https address (or http on this machine)".to_owned());
        }
        let limits = [("minute", self.short_codes_per_minute), ("second", self.short_codes_per_second)];
        for (unit, _) in limits.into_iter().filter(|(_, limit)| *limit == 0) {
            problems.push(format!("links.short_codes_per_{unit}: must be at least 1"));
        }
    }
}

/// `[database]`: PostgreSQL 15 or newer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://user:password@host:port/database`, as the service's own login. As for libpq: several hosts, and behind a
    /// `?` `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `target_session_attrs`. See [deployment.md](deployment.md#postgresql).
    pub url: Sensitive,
    /// Says that what is sent to a database on another host may go unencrypted, as `sslmode=disable` and `prefer` let it.
    /// Needed for that in production.
    #[serde(default)]
    pub allow_plaintext_in_production: bool,
    /// The most connections for requests; at least 1.
    #[serde(default = "sixteen")]
    pub max_connections: u32,
    /// The most connections for jobs, and as many again for measuring the outbox; at least 2.
    #[serde(default = "four")]
    pub max_system_connections: u32,
    /// How long a request waits for a connection before it is answered 503.
    #[serde(default = "three_seconds")]
    pub connection_timeout_ms: u64,
    /// How long a statement may run.
    #[serde(default = "five_seconds")]
    pub statement_timeout_ms: u64,
}

const fn sixteen() -> u32 {
    16
}
const fn four() -> u32 {
    4
}
const fn three_seconds() -> u64 {
    3000
}
const fn five_seconds() -> u64 {
    5000
}

impl DatabaseConfig {
    pub(super) fn check(&self, tls: &TlsSection, profile: Profile, problems: &mut Vec<String>) {
        match may_be_plain(&self.adapter(tls)) {
            Err(error) => problems.push(format!("database.url: {error}")),
            Ok(true) if profile == Profile::Production && !self.allow_plaintext_in_production => problems.push(
                "database.url: patients' data would go to another host unencrypted: add ?sslmode=verify-full (or say \
                 database.allow_plaintext_in_production = true)"
                    .to_owned(),
            ),
            Ok(_) => {}
        }
        if self.max_connections == 0 || self.max_system_connections < 2 {
            problems.push("database: at least 1 connection for requests and 2 for background work".to_owned());
        }
    }

    pub(crate) fn adapter(&self, tls: &TlsSection) -> PgConfig {
        PgConfig {
            ca_file: tls.ca_file.clone(),
            max_connections: self.max_connections,
            max_system_connections: self.max_system_connections,
            connection_timeout: Duration::from_millis(self.connection_timeout_ms),
            statement_timeout: Duration::from_millis(self.statement_timeout_ms),
            ..PgConfig::new(self.url.expose())
        }
    }
}

/// `[identity]`: the OpenID provider that signs access tokens.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// The issuer, exactly as it stands in tokens.
    pub issuer: String,
    /// Our name among a token's audiences.
    #[serde(default = "audience")]
    pub audience: String,
    /// Where the provider's keys are.
    #[serde(default)]
    #[schemars(extend("x-default" = "by discovery"))]
    pub jwks_url: Option<String>,
    /// The claims that may name the tenant; the first that is there counts.
    #[serde(default)]
    #[schemars(extend("x-default" = "`tenantId`, `tenant_id`, `tid`"))]
    pub tenant_claims: Option<Vec<String>>,
    /// Dotted paths to lists of roles; all are read.
    #[serde(default)]
    #[schemars(extend("x-default" = "`realm_access.roles`, `roles`"))]
    pub role_claims: Option<Vec<String>>,
    /// How far the issuer's clock may differ.
    #[serde(default = "thirty")]
    pub leeway_seconds: u32,
}

fn audience() -> String {
    "virtual-care-service".to_owned()
}
const fn thirty() -> u32 {
    30
}

impl IdentityConfig {
    /// Whether the provider is one on this machine, which only a sandbox has.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        is_on_this_machine(&self.issuer)
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let address = |text: &str| NeighbourConfig::new(text, Span::SECOND, None).is_ok();
        if !address(&self.issuer) {
            problems.push("identity.issuer: expected an absolute http or https address".to_owned());
        }
        if self.jwks_url.as_deref().is_some_and(|url| !address(url)) {
            problems.push("identity.jwks_url: expected an absolute http or https address".to_owned());
        }
    }
}

/// A neighbour service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeighbourSection {
    /// Where it is, http or https; its paths are appended.
    pub base_url: String,
    /// How long one call may take.
    #[serde(default = "one_and_a_half_seconds")]
    pub deadline_ms: u32,
    /// What we show it, when it wants something.
    #[serde(default)]
    pub bearer_token: Option<Sensitive>,
}

const fn one_and_a_half_seconds() -> u32 {
    1500
}

impl NeighbourSection {
    pub(super) fn check(&self, section: &str, problems: &mut Vec<String>) {
        if let Err(error) = self.adapter() {
            problems.push(format!("{section}.base_url: {error}"));
        }
    }

    /// How long one call may take.
    pub(super) fn deadline(&self) -> Span {
        Span::milliseconds(i64::from(self.deadline_ms))
    }

    pub(crate) fn adapter(&self) -> Result<NeighbourConfig, InvalidBaseUrl> {
        NeighbourConfig::new(&self.base_url, self.deadline(), self.bearer_token.as_ref().map(Sensitive::secret))
    }
}

/// `[fhir]`: the FHIR gateway.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(from = "FhirFields")]
pub struct FhirConfig {
    /// Where it is. Its deadline is per request, and by default 10,000.
    pub neighbour: NeighbourSection,
    /// How long the end of a visit waits for it before leaving the Encounter to the worker. Default 2,000.
    pub inline_deadline_ms: u32,
}

impl FhirConfig {
    /// How long the end of a visit waits for it.
    pub(crate) fn inline_deadline(&self) -> Span {
        Span::milliseconds(i64::from(self.inline_deadline_ms))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FhirFields {
    /// What `/Encounter` stands below.
    base_url: String,
    /// How long one request may take.
    #[serde(default = "ten_seconds")]
    deadline_ms: u32,
    /// What we show it.
    #[serde(default)]
    bearer_token: Option<Sensitive>,
    /// How long the end of a visit waits before it leaves the Encounter to the worker. The job is held 8 s longer, so
    /// that the answer can be recorded.
    #[serde(default = "two_seconds")]
    inline_deadline_ms: u32,
}

const fn two_seconds() -> u32 {
    2000
}
const fn ten_seconds() -> u32 {
    10_000
}

impl From<FhirFields> for FhirConfig {
    fn from(fields: FhirFields) -> Self {
        let FhirFields { base_url, deadline_ms, bearer_token, inline_deadline_ms } = fields;
        Self { neighbour: NeighbourSection { base_url, deadline_ms, bearer_token }, inline_deadline_ms }
    }
}

/// `[jitsi]`: what holds for all tenants' Jitsi servers.
///
/// Each tenant's own address is set with `vcare-admin tenant set`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JitsiConfig {
    /// Whether they may be at private addresses: a tenant's address is a door into our network.
    pub allow_private_addresses: bool,
    /// An authority to trust beside the system's, PEM.
    #[schemars(extend("x-default" = "none"))]
    pub ca_file: Option<PathBuf>,
}

impl JitsiConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if self.ca_file.as_ref().is_some_and(|file| !file.is_file()) {
            problems.push("jitsi.ca_file: no such file".to_owned());
        }
    }
}

/// `[zoom]`: where Zoom is, for the tenants that hold their visits there.
///
/// The defaults are right but for an account in one of Zoom's separate clouds. See [zoom.md](zoom.md).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ZoomSection {
    /// What `/token` stands below.
    pub oauth_base_url: String,
    /// What `/users` and `/meetings` stand below.
    pub api_base_url: String,
    /// How long one call may take.
    pub deadline_ms: u32,
}

impl Default for ZoomSection {
    fn default() -> Self {
        Self {
            oauth_base_url: "https://zoom.us/oauth".to_owned(),
            api_base_url: "https://api.zoom.us/v2".to_owned(),
            deadline_ms: 3000,
        }
    }
}

impl ZoomSection {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if let Err(error) = self.adapter("") {
            problems.push(format!("zoom: {error}"));
        }
    }

    pub(crate) fn adapter(&self, deployment: &str) -> Result<ZoomConfig, InvalidBaseUrl> {
        let deadline = Span::milliseconds(i64::from(self.deadline_ms));
        ZoomConfig::new(&self.oauth_base_url, &self.api_base_url, deadline, deployment)
    }
}
