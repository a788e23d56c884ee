//! `[nats]`: the event stream. Units stand in the names.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use vcare_adapters_nats::{NatsConfig, NatsCredentials, StreamConfig};

use super::{Sensitive, TlsSection};

/// `[nats]`: the event stream.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NatsSection {
    /// `nats://host:port` or `tls://host:port`, one or more of a cluster, without user and password.
    pub servers: Vec<String>,
    /// The user; counts only together with `password`.
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Option<Sensitive>,
    /// A token, instead of user and password.
    #[serde(default)]
    pub token: Option<Sensitive>,
    /// The content of a `.creds` file, instead.
    #[serde(default)]
    pub creds: Option<Sensitive>,
    /// The authority of the servers' certificates, PEM. Makes TLS mandatory.
    #[serde(default)]
    #[schemars(extend("x-default" = "the system's"))]
    pub ca_file: Option<PathBuf>,
    /// Whether the service creates the stream, and widens one that is too narrow.
    #[serde(default = "yes")]
    pub manage_stream: bool,
    /// How many servers hold each event, 1 to 5; 3 in production.
    #[serde(default = "one")]
    pub replicas: usize,
    /// How many days the stream keeps an event, 1 to 3650: as long as readers may be away. A stream that keeps them for longer is
    /// shortened only by `vcare-admin stream setup --shorten`.
    #[serde(default = "thirty")]
    pub stream_max_age_days: u16,
    /// How long events are kept that the stream has acknowledged, to be published again if it loses them: longer than its
    /// servers take to write to the disk (`sync_interval`, two minutes). 0 keeps none.
    #[serde(default = "ten")]
    pub keep_published_minutes: u32,
}

const fn yes() -> bool {
    true
}
const fn one() -> usize {
    1
}
const fn thirty() -> u16 {
    30
}
const fn ten() -> u32 {
    10
}

impl NatsSection {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if let Err(error) = self.adapter(&TlsSection::default()).check() {
            problems.push(format!("nats.servers: {error}"));
        }
        // No "for ever": events hold ids of people, and so have an end.
        if !(1..=3650).contains(&self.stream_max_age_days) {
            problems.push("nats.stream_max_age_days: must be 1 to 3650".to_owned());
        }
    }

    /// How long the stream is to keep an event.
    #[must_use]
    pub fn stream_max_age(&self) -> Duration {
        Duration::from_secs(24 * 3600 * u64::from(self.stream_max_age_days))
    }

    pub(crate) fn adapter(&self, tls: &TlsSection) -> NatsConfig {
        let mut config = NatsConfig::new(&self.servers);
        config.credentials = match (&self.user, &self.password, &self.token, &self.creds) {
            (Some(user), Some(password), _, _) => {
                NatsCredentials::User { name: user.clone(), password: password.secret() }
            }
            (_, _, Some(token), _) => NatsCredentials::Token(token.secret()),
            (_, _, _, Some(creds)) => NatsCredentials::Creds(creds.secret()),
            _ => NatsCredentials::None,
        };
        config.ca_file.clone_from(&self.ca_file);
        config.trusted_ca_file.clone_from(&tls.ca_file);
        config.stream = StreamConfig {
            managed: self.manage_stream,
            replicas: self.replicas,
            max_age: self.stream_max_age(),
            ..StreamConfig::default()
        };
        config
    }
}
