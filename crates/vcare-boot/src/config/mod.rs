//! Configuration: `VCARE_…` variables over an optional TOML file over defaults.
//!
//! A setting `fhir.base_url` is `[fhir] base_url` in the file and `VCARE_FHIR__BASE_URL` in the environment. Unknown keys
//! are refused: a misspelt setting must not be a silent default.

mod ai;
mod attachments;
mod communication;
mod error;
mod internal;
mod kms;
mod nats;
mod otlp;
mod plaintext;
mod processes;
mod reference;
mod retention;
mod sections;
mod sensitive;
#[cfg(test)]
mod tests;
mod tls;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use ai::{AiConfig, ChartConfig};
pub use attachments::{AttachmentsConfig, ScannerConfig, StorageConfig};
pub use communication::CommunicationConfig;
pub use error::ConfigError;
use error::told;
pub use internal::InternalConfig;
pub use kms::{KeyringConfig, KmsConfig, KmsProvider};
pub use nats::NatsSection;
pub use otlp::OtlpConfig;
pub use processes::{ApiConfig, ClockConfig, LogConfig, RelayConfig, WaitingConfig, WorkerConfig};
pub use reference::settings_reference;
pub use retention::RetentionConfig;
pub use sections::{
    DatabaseConfig, FhirConfig, IdentityConfig, JitsiConfig, LinksConfig, NeighbourSection, ZoomSection,
};
pub use sensitive::Sensitive;
pub use tls::TlsSection;
use vcare_adapters_postgres::PgConfig;

/// Where the service runs, which decides what it insists on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// For patients: every weakening must be allowed by name.
    #[default]
    Production,
    /// On a developer's machine.
    Development,
}

/// Everything a process is told from outside.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `production` (for patients: every weakening must be allowed by name) or `development`.
    #[serde(default)]
    pub profile: Profile,
    /// The REST API.
    #[serde(default)]
    pub api: ApiConfig,
    /// People who wait for news, with a question held open.
    #[serde(default)]
    pub waiting: WaitingConfig,
    /// Links sent to people.
    pub links: LinksConfig,
    /// PostgreSQL.
    pub database: DatabaseConfig,
    /// Whom we believe, on every connection.
    #[serde(default)]
    pub tls: TlsSection,
    /// NATS.
    pub nats: NatsSection,
    /// The OpenID provider.
    pub identity: IdentityConfig,
    /// identity-service's licences.
    pub licence: NeighbourSection,
    /// access-policy: consents, and people's relations to patients.
    pub consent: NeighbourSection,
    /// The FHIR gateway.
    pub fhir: FhirConfig,
    /// communication-service's message threads.
    pub communication: CommunicationConfig,
    /// The AI gateway.
    #[serde(default)]
    pub ai: Option<AiConfig>,
    /// patient-chart-service.
    #[serde(default)]
    pub chart: Option<ChartConfig>,
    /// The tenants' Jitsi servers.
    #[serde(default)]
    pub jitsi: JitsiConfig,
    /// Zoom.
    #[serde(default)]
    pub zoom: ZoomSection,
    /// Who may call the internal routes.
    #[serde(default)]
    pub internal: InternalConfig,
    /// How many attachments are uploaded and opened at once.
    #[serde(default)]
    pub attachments: AttachmentsConfig,
    /// Where attachments are kept.
    #[serde(default)]
    pub storage: StorageConfig,
    /// Who looks for malware in them.
    #[serde(default)]
    pub scanner: ScannerConfig,
    /// Who keeps the master keys.
    #[serde(default)]
    pub kms: KmsConfig,
    /// The master key, when it is in a file on this machine.
    #[serde(default)]
    pub keyring: Option<KeyringConfig>,
    /// The outbox relay.
    #[serde(default)]
    pub relay: RelayConfig,
    /// The retry worker.
    #[serde(default)]
    pub worker: WorkerConfig,
    /// For how long clinical records must be kept.
    #[serde(default)]
    pub retention: RetentionConfig,
    /// Whose time counts.
    #[serde(default)]
    pub clock: ClockConfig,
    /// Logs.
    #[serde(default)]
    pub log: LogConfig,
    /// Who collects traces.
    #[serde(default)]
    pub otlp: Option<OtlpConfig>,
}

impl Config {
    /// Reads `VCARE_…` variables and, when `VCARE_CONFIG_FILE` names one, a TOML file.
    ///
    /// # Errors
    /// [`ConfigError`]: the first setting that is missing, unknown or of another type; else everything that cannot be.
    pub fn load() -> Result<Self, ConfigError> {
        let file = Self::file();
        let environment = Env::prefixed("VCARE_").filter(|name| !is_somebody_elses(name.as_str())).split("__");
        Self::read(file.as_deref(), environment).map_err(|error| error.looked_for_in(file.as_deref()))
    }

    /// The TOML file that `VCARE_CONFIG_FILE` names.
    #[must_use]
    pub fn file() -> Option<PathBuf> {
        #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
        std::env::var_os("VCARE_CONFIG_FILE").map(PathBuf::from)
    }

    /// Reads TOML alone, without environment.
    ///
    /// # Errors
    /// [`ConfigError`]: the first setting that is missing, unknown or of another type; else everything that cannot be.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        Self::read(None, Toml::string(text))
    }

    /// Reads a TOML file alone.
    ///
    /// # Errors
    /// [`ConfigError`]: the first setting that is missing, unknown or of another type; else everything that cannot be.
    pub fn from_file(file: &Path) -> Result<Self, ConfigError> {
        Self::read(Some(file), Toml::string(""))
    }

    fn read(file: Option<&Path>, environment: impl figment::Provider) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            if !file.is_file() {
                return Err(format!("VCARE_CONFIG_FILE: no such file: {}", file.display()).into());
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment.merge(environment).extract().map_err(told)?;
        let problems = config.problems();
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
    }

    /// How to reach the database, as the service's own login.
    #[must_use]
    pub fn postgres(&self) -> PgConfig {
        self.database.adapter(&self.tls)
    }

    /// What can be found wrong without asking anybody.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.api.check(self.profile, &mut problems);
        self.waiting.check(&mut problems);
        self.links.check(&mut problems);
        self.tls.check(&mut problems);
        self.database.check(&self.tls, self.profile, &mut problems);
        self.nats.check(&mut problems);
        self.communication.check(&mut problems);
        self.identity.check(&mut problems);
        self.licence.check("licence", &mut problems);
        self.consent.check("consent", &mut problems);
        self.fhir.neighbour.check("fhir", &mut problems);
        self.communication.neighbour.check("communication", &mut problems);
        ai::check(self.ai.as_ref(), self.chart.as_ref(), &mut problems);
        self.jitsi.check(&mut problems);
        self.zoom.check(&mut problems);
        self.internal.check(&mut problems);
        self.attachments.check(&mut problems);
        self.storage.check(&mut problems);
        self.scanner.check(self.profile, &mut problems);
        self.kms.check(self.keyring.as_ref(), self.profile, &mut problems);
        let one_call = self.fhir.neighbour.deadline().max(self.communication.neighbour.deadline());
        self.worker.check(one_call, &mut problems);
        self.clock.check(&mut problems);
        self.log.check(&mut problems);
        self.otlp.iter().for_each(|otlp| otlp.check(&mut problems));
        self.retention.check(&mut problems);
        problems
    }
}

/// Whether an http address is on this machine, where nobody listens in.
fn is_on_this_machine(url: &str) -> bool {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    local
        .iter()
        .any(|start| url.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])))
}

/// `VCARE_…` variables that are no settings: where the file is, what the tests are told, and what Kubernetes tells every
/// container about a service called `vcare-…`. `name` is without the prefix.
fn is_somebody_elses(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let told = ["config_file", "nats_server", "operator", "postgres_bin"].contains(&name.as_str())
        || name.starts_with("test_");
    let injected =
        !name.contains("__") && (name.ends_with("_port") || name.contains("_port_") || name.contains("_service_"));
    told || injected
}
