//! How to reach NATS, and what the stream is like.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::ServerAddr;
use vcare_app::ports::Secret;

/// A republished event must still be known: the relay may need minutes to be sure that it was taken.
const SHORTEST_DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// How to reach NATS.
#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// The servers: `nats://host:port` or `tls://host:port`, one or more of the same cluster. Without credentials: addresses
    /// get into logs.
    pub servers: Vec<String>,
    /// Who we are.
    pub credentials: NatsCredentials,
    /// The authority that signed the servers' certificates, as a PEM file, instead of the system's. Makes TLS mandatory.
    pub ca_file: Option<PathBuf>,
    /// An authority that is trusted beside the system's where a server offers TLS, PEM. Makes nothing mandatory.
    pub trusted_ca_file: Option<PathBuf>,
    /// How long an acknowledgement may take. Default 5 s.
    pub ack_timeout: Duration,
    /// The stream.
    pub stream: StreamConfig,
}

/// Who we are to NATS.
#[derive(Debug, Clone, Default)]
pub enum NatsCredentials {
    /// Nobody: for a server on the same machine.
    #[default]
    None,
    /// A user and a password.
    User {
        /// The user.
        name: String,
        /// The password, UTF-8.
        password: Secret,
    },
    /// A token, UTF-8.
    Token(Secret),
    /// The content of a `.creds` file: a JWT and the seed of its key.
    Creds(Secret),
}

/// What the stream is like. An existing stream is only ever widened: a longer age, a longer window, more replicas. Only
/// [`NatsPublisher::shorten_streams`](crate::NatsPublisher::shorten_streams) shortens its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// Whether to create the stream, and to widen it where it falls short of this. `false` where operators do that, and our
    /// user may not. Default `true`.
    pub managed: bool,
    /// How many servers hold each event, 1 to 5. Default 1; 3 in production.
    pub replicas: usize,
    /// How long events are kept; zero: for ever. Default 30 days.
    pub max_age: Duration,
    /// How long an event's id is known, so that a second copy is dropped; at least 2 min, at most `max_age`. Default 2 h.
    pub duplicate_window: Duration,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            managed: true,
            replicas: 1,
            max_age: Duration::from_secs(30 * 24 * 3600),
            duplicate_window: Duration::from_secs(2 * 3600),
        }
    }
}

/// To what of another service's stream we subscribe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionConfig {
    /// The stream. It is another service's, and never created or changed by us.
    pub stream: String,
    /// The subject.
    pub subject: String,
    /// The durable consumer that all our processes share.
    pub consumer: String,
    /// How often a message is delivered before it is set aside.
    pub max_deliver: u32,
    /// Whether to create the consumer. `false` where operators do that.
    pub managed: bool,
}

/// A configuration that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNatsConfig {
    /// There is no server.
    #[error("at least one NATS server is needed")]
    NoServer,
    /// An address is not one. It is named by its place, counted from 0: a wrong address may hold a password.
    #[error("NATS server {0}: expected nats://host:port or tls://host:port, without user and password")]
    Server(usize),
    /// A password, token or `.creds` file is not valid.
    #[error("the NATS credentials are not valid")]
    Credentials,
    /// The window in which duplicates are dropped is too short, or longer than events are kept.
    #[error("the duplicate window must be at least 120 s and at most the maximal age")]
    DuplicateWindow,
    /// More or fewer replicas than JetStream knows.
    #[error("replicas must be 1 to 5")]
    Replicas,
    /// No acknowledgement could ever come in time.
    #[error("the acknowledgement timeout must be more than zero")]
    AckTimeout,
}

impl NatsConfig {
    /// The defaults: no credentials, the system's certificate authorities, 5 s for an acknowledgement.
    #[must_use]
    pub fn new(servers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            servers: servers.into_iter().map(Into::into).collect(),
            credentials: NatsCredentials::None,
            ca_file: None,
            trusted_ca_file: None,
            ack_timeout: Duration::from_secs(5),
            stream: StreamConfig::default(),
        }
    }

    /// Checks what can be checked without a connection.
    ///
    /// # Errors
    /// [`InvalidNatsConfig`] names the first fault found.
    pub fn check(&self) -> Result<(), InvalidNatsConfig> {
        self.addresses()?;
        self.options()?;
        let StreamConfig { replicas, max_age, duplicate_window, .. } = self.stream;
        if !(1..=5).contains(&replicas) {
            return Err(InvalidNatsConfig::Replicas);
        }
        let kept_shorter = !max_age.is_zero() && max_age < duplicate_window;
        if duplicate_window < SHORTEST_DUPLICATE_WINDOW || kept_shorter {
            return Err(InvalidNatsConfig::DuplicateWindow);
        }
        if self.ack_timeout.is_zero() {
            return Err(InvalidNatsConfig::AckTimeout);
        }
        Ok(())
    }

    /// Whether every connection is encrypted or not made at all, whatever the server wants.
    #[must_use]
    pub fn insists_on_tls(&self) -> bool {
        let addresses = self.addresses().unwrap_or_default();
        self.ca_file.is_some() || (!addresses.is_empty() && addresses.iter().all(|server| server.scheme() == "tls"))
    }

    /// Whether a server is on another machine than this one.
    #[must_use]
    pub fn leaves_this_machine(&self) -> bool {
        let here = |server: &ServerAddr| matches!(server.host(), "localhost" | "127.0.0.1" | "::1" | "[::1]");
        self.addresses().unwrap_or_default().iter().any(|server| !here(server))
    }

    pub(crate) fn addresses(&self) -> Result<Vec<ServerAddr>, InvalidNatsConfig> {
        if self.servers.is_empty() {
            return Err(InvalidNatsConfig::NoServer);
        }
        let parse = |(place, text): (usize, &String)| {
            let address = text.parse::<ServerAddr>().ok();
            address.filter(is_plain).ok_or(InvalidNatsConfig::Server(place))
        };
        self.servers.iter().enumerate().map(parse).collect()
    }

    pub(crate) fn options(&self) -> Result<async_nats::ConnectOptions, InvalidNatsConfig> {
        let options = async_nats::ConnectOptions::new();
        let options = match &self.credentials {
            NatsCredentials::None => options,
            NatsCredentials::User { name, password } => options.user_and_password(name.clone(), text(password)?),
            NatsCredentials::Token(token) => options.token(text(token)?),
            NatsCredentials::Creds(creds) => {
                options.credentials(&text(creds)?).map_err(|_| InvalidNatsConfig::Credentials)?
            }
        };
        let options = match &self.trusted_ca_file {
            None => options,
            Some(file) => options.add_root_certificates(file.clone()),
        };
        Ok(match &self.ca_file {
            None => options,
            Some(file) => options.add_root_certificates(file.clone()).require_tls(true),
        })
    }
}

fn is_plain(address: &ServerAddr) -> bool {
    matches!(address.scheme(), "nats" | "tls") && !address.has_user_pass() && !address.host().is_empty()
}

fn text(secret: &Secret) -> Result<String, InvalidNatsConfig> {
    let text = String::from_utf8(secret.expose().to_vec()).map_err(|_| InvalidNatsConfig::Credentials)?;
    if text.is_empty() { Err(InvalidNatsConfig::Credentials) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<(), InvalidNatsConfig> {
        NatsConfig::new([text]).check()
    }

    #[test]
    fn a_nats_address_may_be_plain_or_tls_and_holds_no_credentials() {
        for good in ["nats://nats:4222", "tls://nats.example.af:4222", "127.0.0.1:4222"] {
            assert_eq!(server(good), Ok(()), "{good}");
        }
        for bad in ["nats://user:word@nats:4222", "nats://token@nats:4222", "http://nats", "ws://nats", "", "nats://"] {
            assert_eq!(server(bad), Err(InvalidNatsConfig::Server(0)), "{bad}");
        }
        assert_eq!(NatsConfig::new([""; 0]).check(), Err(InvalidNatsConfig::NoServer));
    }

    #[test]
    fn a_nats_stream_that_forgets_ids_too_soon_is_refused() {
        let mut config = NatsConfig::new(["nats:4222"]);
        config.stream.duplicate_window = Duration::from_secs(119);
        assert_eq!(config.check(), Err(InvalidNatsConfig::DuplicateWindow));
        config.stream.duplicate_window = Duration::from_secs(120);
        assert_eq!(config.check(), Ok(()));
        config.stream.max_age = Duration::from_secs(60);
        assert_eq!(config.check(), Err(InvalidNatsConfig::DuplicateWindow));
        config.stream.max_age = Duration::ZERO;
        assert_eq!(config.check(), Ok(()));
        config.stream.replicas = 6;
        assert_eq!(config.check(), Err(InvalidNatsConfig::Replicas));
    }

    #[test]
    fn nats_credentials_are_never_printed() {
        let mut config = NatsConfig::new(["nats:4222"]);
        let all = [
            NatsCredentials::User { name: "vcare".to_owned(), password: Secret::new("hunter2") },
            NatsCredentials::Token(Secret::new("hunter2")),
            NatsCredentials::Creds(Secret::new("hunter2")),
        ];
        for credentials in all {
            config.credentials = credentials;
            assert!(!format!("{config:?}").contains("hunter2"));
        }
        assert_eq!(config.check(), Err(InvalidNatsConfig::Credentials), "a .creds file has a shape");
    }
}
