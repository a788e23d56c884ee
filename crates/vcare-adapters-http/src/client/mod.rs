//! The one HTTP client.

mod address;
mod answer;
mod call;
mod headers;
mod tls;
mod upload;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;
use time::Duration as Span;
use vcare_app::ports::{Clock, Ids};

pub use address::AddressPolicy;
use address::{ForbiddenAddress, PolicyResolver};
pub(crate) use answer::Answer;
pub(crate) use call::Call;
pub use tls::install_crypto;

/// How a client is built.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Which addresses may be called.
    pub addresses: AddressPolicy,
    /// Certificate authorities to trust beside the system's, each a PEM text of one or more certificates.
    pub extra_roots_pem: Vec<String>,
    /// How long to wait for a connection, TLS included. Default 2 s.
    pub connect_timeout: Span,
}

impl ClientConfig {
    /// The defaults, for those addresses.
    #[must_use]
    pub const fn new(addresses: AddressPolicy) -> Self {
        Self { addresses, extra_roots_pem: Vec::new(), connect_timeout: Span::seconds(2) }
    }
}

/// A client that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An extra certificate authority that is not PEM, or not a certificate.
    #[error("extra certificate authority number {number} is not a PEM certificate")]
    ExtraRoot {
        /// Which one, from 1.
        number: usize,
    },
    /// TLS or the client itself could not be set up.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] Box<dyn Error + Send + Sync>),
}

/// Calls neighbours. Cheap to clone: clones share their connections.
#[derive(Clone)]
pub struct HttpClient {
    http: reqwest::Client,
    addresses: AddressPolicy,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl HttpClient {
    /// Builds a client; installs the process-wide cryptography if nobody has. `clock` dates what a neighbour says about
    /// later; `ids` draws span ids.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(config: &ClientConfig, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Self, ClientError> {
        install_crypto();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(&config.extra_roots_pem)?)
            .dns_resolver(PolicyResolver(config.addresses))
            .user_agent(concat!("vcare/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(config.connect_timeout.unsigned_abs())
            // As many as requests come at once, or most calls would begin with a handshake; short-lived, so that an idle
            // process is small again.
            .pool_max_idle_per_host(32)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_keepalive(Duration::from_secs(30))
            .build()
            .map_err(|error| ClientError::Setup(error.into()))?;
        Ok(Self { http, addresses: config.addresses, clock, ids })
    }

    /// The clock that the client was given.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Where the client draws from.
    pub(crate) fn ids(&self) -> &dyn Ids {
        &*self.ids
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
