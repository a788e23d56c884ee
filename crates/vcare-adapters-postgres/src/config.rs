//! How to reach the database.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A text that must not be printed: a database address holds a password.
#[derive(Clone)]
pub struct PgSecret(String);

impl PgSecret {
    /// Wraps a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PgSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PgSecret(…)")
    }
}

/// How to reach the database and how many connections to hold.
#[derive(Debug, Clone)]
pub struct PgConfig {
    /// `postgres://user:password@host:port/database`, as for libpq: also with several hosts, over a Unix socket, and with
    /// `sslmode`, `sslrootcert`, `sslcert` and `sslkey`.
    pub url: PgSecret,
    /// A PEM file of certificate authorities that are trusted when the address has no `sslrootcert`; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// The most connections for requests.
    pub max_connections: u32,
    /// The most connections for background work.
    pub max_system_connections: u32,
    /// How long a request waits for a connection before it is answered 503.
    pub connection_timeout: Duration,
    /// How long a statement may run.
    pub statement_timeout: Duration,
    /// How long a new job belongs to who stored it, for a first attempt.
    pub first_lease: Duration,
}

impl PgConfig {
    /// The defaults: 16 and 4 connections, 3 s to get one, 5 s a statement, 10 s for a first attempt.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: PgSecret::new(url),
            ca_file: None,
            max_connections: 16,
            max_system_connections: 4,
            connection_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(5),
            first_lease: Duration::from_secs(10),
        }
    }
}
