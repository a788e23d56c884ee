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
mod otlp;
mod processes;
mod reference;
mod sections;
mod sensitive;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use ai::{AiConfig, ChartConfig};
pub use attachments::{ScannerConfig, StorageConfig};
pub use communication::CommunicationConfig;
pub use error::ConfigError;
use error::told;
pub use internal::InternalConfig;
pub use kms::{KeyringConfig, KmsConfig, KmsProvider};
pub use otlp::OtlpConfig;
pub use processes::{ApiConfig, LogConfig, RelayConfig, WaitingConfig, WorkerConfig};
pub use reference::settings_reference;
pub use sections::{
    DatabaseConfig, FhirConfig, IdentityConfig, JitsiConfig, LinksConfig, NatsSection, NeighbourSection, ZoomSection,
};
pub use sensitive::Sensitive;

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
        Self::read(file.as_deref(), environment)
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

    /// What can be found wrong without asking anybody.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        self.api.check(&mut problems);
        self.waiting.check(&mut problems);
        self.links.check(&mut problems);
        self.database.check(&mut problems);
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
        self.storage.check(&mut problems);
        self.scanner.check(self.profile, &mut problems);
        self.kms.check(self.keyring.as_ref(), self.profile, &mut problems);
        let one_call = self.fhir.neighbour.deadline().max(self.communication.neighbour.deadline());
        self.worker.check(one_call, &mut problems);
        self.log.check(&mut problems);
        self.otlp.iter().for_each(|otlp| otlp.check(&mut problems));
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

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        profile = "development"
        [links]
        public_base_url = "https://care.example"
        [database]
        url = "postgres://vcare:hunter2@db/virtual_care"
        [nats]
        servers = ["nats://nats:4222"]
        [identity]
        issuer = "https://id.example/realms/ghasi"
        [licence]
        base_url = "http://identity:3000"
        [consent]
        base_url = "http://access:3000"
        [fhir]
        base_url = "http://fhir:3000/fhir/R4"
        bearer_token = 12345
        [communication]
        base_url = "http://communication:3000"
        [scanner]
        address = "clamd:3310"
        [keyring]
        file = "/etc/vcare/master.key"
    "#;

    fn read(text: &str) -> Result<Config, ConfigError> {
        Config::from_toml(text)
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let config = read(GOOD).unwrap();
        assert_eq!(config.api.listen.to_string(), "127.0.0.1:3031");
        assert_eq!(config.database.max_connections, 16);
        assert_eq!(config.worker.batch, 1000);
    }

    #[test]
    fn a_secret_is_never_printed_and_may_look_like_a_number() {
        let config = read(GOOD).unwrap();
        let printed = format!("{config:?}");
        assert!(!printed.contains("hunter2") && !printed.contains("12345"), "{printed}");
    }

    #[test]
    fn every_problem_is_named_and_no_value_is_repeated() {
        let table = [
            ("profile = \"development\"", "profile = \"play\"", "profile: expected one of production, development"),
            ("[keyring]", "[keyring]\nfiel = \"x\"", "keyring.fiel: there is no such setting"),
            ("issuer =", "isuer =", "identity.isuer: there is no such setting"),
            ("bearer_token", "baerer_token", "fhir.baerer_token: there is no such setting"),
            ("url = \"postgres://vcare:hunter2@db/virtual_care\"", "url = \"mysql://hunter2@db\"", "database.url:"),
            ("\"nats://nats:4222\"", "\"http://hunter2\"", "nats.servers: NATS server 0"),
            ("\"https://care.example\"", "\"hunter2\"", "links.public_base_url:"),
            ("\"http://access:3000\"", "\"ftp://hunter2\"", "consent.base_url:"),
            ("[keyring]", "[otlp]\nbase_url = \"hunter2\"\n[keyring]", "otlp.base_url: must be"),
            ("[keyring]", "[otlp]\nbase_url = \"http://c\"\nqueue = 0\n[keyring]", "otlp.queue: must be at least 1"),
            ("[keyring]", "[worker]\nbatch = 0\n[keyring]", "worker.batch: must be at least 1"),
            ("[keyring]", "[waiting]\nlongest_seconds = 61\n[keyring]", "waiting.longest_seconds: must be 1 to 60"),
            ("[keyring]", "[waiting]\nwatch_ms = 0\n[keyring]", "waiting.watch_ms: must be at least 1"),
            (
                "[database]",
                "short_codes_per_minute = 0\n[database]",
                "links.short_codes_per_minute: must be at least 1",
            ),
            (
                "[keyring]",
                "[api]\nclient_address_header = \"hunter 2\"\n[keyring]",
                "api.client_address_header: expected",
            ),
            (
                "[keyring]",
                "[worker]\nlease_seconds = 24\n[keyring]",
                "worker.lease_seconds: must be 25 (fhir.deadline_ms",
            ),
            ("[keyring]", "[worker]\nlease_seconds = 241\n[keyring]", "to record the answer) to 240"),
        ];
        for (from, to, expected) in table {
            let told = read(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(told.contains(expected), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn variables_that_are_not_meant_for_us_are_passed_over() {
        for other in
            ["CONFIG_FILE", "NATS_SERVER", "TEST_POSTGRES", "API_PORT", "API_PORT_3031_TCP", "API_SERVICE_HOST"]
        {
            assert!(is_somebody_elses(other), "{other}");
        }
        for ours in ["DATABASE__URL", "DATABASE_URL", "PROFILE", "API__LISTEN", "NATS__SERVERS"] {
            assert!(!is_somebody_elses(ours), "{ours}");
        }
    }

    #[test]
    fn in_production_a_local_keyring_must_be_allowed_by_name() {
        let production = GOOD.replace("\"development\"", "\"production\"");
        assert!(read(&production).unwrap_err().to_string().contains("keyring.allow_local_in_production"));
        assert!(read(&format!("{production}\nallow_local_in_production = true")).is_ok());
    }

    #[test]
    fn a_shared_server_acts_for_the_tenants_that_are_named_with_it_and_the_old_token_for_all_is_told_about() {
        let token = "hunter2-hunter2-hunter2-hunter2-hunter2";
        let with = |settings: &str| read(&GOOD.replace("[keyring]", &format!("[internal]\n{settings}\n[keyring]")));
        let server = |token: &str, tenants: &str| format!("{{ token = \"{token}\", tenants = {tenants} }}");
        let servers = |of: &[String]| with(&format!("shared_servers = [{}]", of.join(", ")));
        let good = server(token, "[\"hosp-kabul\", \"Hosp.Herat\"]");
        let config = servers(std::slice::from_ref(&good)).unwrap();
        let (_, served) = config.internal.shared_servers().next().unwrap();
        let tenant = |name| vcare_domain::TenantId::parse(name).unwrap();
        assert!(served.include(&tenant("hosp-kabul")) && served.include(&tenant("Hosp.Herat")));
        assert!(!served.include(&tenant("hosp-herat")));
        assert!(with("bearer_tokens = []").is_ok(), "with none there is nothing to move");
        for (refused, expected) in [
            (with(&format!("bearer_tokens = [\"{token}\"]")), "vcare-admin secret reveal <tenant> --internal"),
            (servers(&[server(token, "[]")]), "internal.shared_servers[0]: tenants: must name at least one"),
            (servers(&[good.clone(), server("hunter2", "[\"a\"]")]), "shared_servers[1]: token: at least 32"),
            (servers(&[server(&format!("vci_{token}"), "[\"a\"]")]), "shared_servers[0]: token: is a tenant's own"),
            (servers(&[good.clone(), good]), "shared_servers[1]: token: is another server's, too"),
            (
                servers(&[server(token, "[\"a\", \"*\"]")]),
                "shared_servers[0]: tenants: one of them is no tenant's name",
            ),
            (with(&format!("shared_servers = [{{ token = \"{token}\" }}]")), "tenants: is missing"),
        ] {
            let told = refused.unwrap_err().to_string();
            assert!(told.contains(expected) && !told.contains("hunter2"), "{told}");
        }
    }

    /// The same without a keyring, and these settings of `[kms]`.
    fn with_kms(settings: &str) -> String {
        let (before, _) = GOOD.split_once("[keyring]").unwrap();
        format!("{}\n[kms]\n{settings}", before.replace("\"development\"", "\"production\""))
    }

    #[test]
    fn with_keys_in_aws_no_keyring_is_needed_nor_allowed_by_name() {
        let config = read(&with_kms(
            "provider = \"aws\"\nregion = \"eu-central-1\"\nkey_id = \"alias/vcare\"\nmac_key_id = \"alias/vcare-mac\"",
        ));
        let (aws, _) = config.unwrap().kms.aws().unwrap();
        assert_eq!((aws.key_id.as_str(), aws.mac_key_id.as_str()), ("alias/vcare", "alias/vcare-mac"));
        assert_eq!(aws.deadline, std::time::Duration::from_secs(2));
    }

    #[test]
    fn every_problem_of_the_keys_is_named() {
        let aws = "provider = \"aws\"\nregion = \"eu-central-1\"\nkey_id = \"a\"\nmac_key_id = \"b\"";
        let told = read(&with_kms("provider = \"aws\"")).unwrap_err().to_string();
        for name in ["region", "key_id", "mac_key_id"] {
            assert!(told.contains(&format!("kms.{name}: is needed")), "{told}");
        }
        let table = [
            ("provider = \"local\"".to_owned(), "keyring: is missing"),
            ("provider = \"gcp\"".to_owned(), "kms.provider: expected one of local, aws"),
            (aws.replace("\"b\"", "\"a\""), "kms.mac_key_id: a key either seals or derives"),
            (aws.replace("\"a\"", "\"\""), "kms.key_id: is needed"),
            (format!("{aws}\nendpoint_url = \"http://kms.example\""), "kms.endpoint_url: expected an https address"),
            (format!("{aws}\nendpoint_url = \"https://\""), "kms.endpoint_url: expected an https address"),
            (format!("{aws}\ndeadline_ms = 100"), "kms.attempt_deadline_ms: expected 1 to kms.deadline_ms"),
            (format!("{aws}\nattempt_deadline_ms = 0"), "kms.attempt_deadline_ms: expected 1"),
            (format!("{aws}\nstale_seconds = 86401"), "kms.stale_seconds: expected 0 to 86400"),
            (format!("{aws}\ncache_ttl_seconds = 0"), "kms.cache_ttl_seconds: expected 1 to 86400"),
            (format!("{aws}\nversions_ttl_seconds = 0"), "kms.versions_ttl_seconds: expected 1 to 86400"),
            (format!("{aws}\naccess_key_id = \"a\""), "kms.access_key_id: comes with kms.secret_access_key"),
            (format!("{aws}\nkeyid = \"a\""), "kms.keyid: there is no such setting"),
        ];
        for (settings, expected) in table {
            let told = read(&with_kms(&settings)).unwrap_err().to_string();
            assert!(told.contains(expected), "{settings}: {told}");
        }
        assert!(read(&with_kms(&format!("{aws}\nendpoint_url = \"http://127.0.0.1:4566\""))).is_ok());
    }
}
