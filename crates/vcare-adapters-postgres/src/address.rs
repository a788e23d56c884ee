//! Where the database is, and how the way to it is protected.
//!
//! The address is written as for libpq, also with several hosts:
//! `postgres://user@db1,db2/care?target_session_attrs=read-write&sslmode=verify-full&sslrootcert=/etc/ca.pem`. Tokio-postgres
//! knows all of it but what says how certificates are verified; that is read here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode as Negotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::PgConfig;
use crate::tls::{self, TlsFiles};

/// How the way to the database is protected. Names and meanings are libpq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SslMode {
    /// Not at all.
    Disable,
    /// Encrypted if the server can; nothing is verified.
    Prefer,
    /// Encrypted; the server's certificate is verified only when `sslrootcert` or `tls.ca_file` is given.
    Require,
    /// Encrypted, with a certificate of a known authority, whatever name it has.
    VerifyCa,
    /// Encrypted, with a certificate of a known authority that has the host's name.
    VerifyFull,
}

impl SslMode {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// An address that cannot be used. Nothing of it is repeated but file names and names of settings: it holds a password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvalidAddress {
    /// Not an address of a PostgreSQL server.
    #[error("expected postgres://user:password@host:port/database")]
    Form,
    /// Something behind the `?` is not known, or has a value that cannot be.
    #[error("{0}")]
    Option(String),
    /// An unknown way to protect the connection.
    #[error("sslmode: expected disable, prefer, require, verify-ca or verify-full")]
    Mode,
    /// A client certificate without its key, or the other way round.
    #[error("sslcert and sslkey belong together")]
    Pair,
    /// A file with certificates or a key that cannot be used.
    #[error("{setting}: {}: {cause}", .file.display())]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

/// A database's address.
#[derive(Clone)]
pub(crate) struct PgAddress {
    pub(crate) config: Config,
    /// Absent where TLS is not wanted.
    pub(crate) tls: Option<MakeRustlsConnect>,
    /// How long a connection may take to be made.
    pub(crate) patience: Option<Duration>,
    mode: SslMode,
}

impl PgAddress {
    /// Reads the address of `config`, and the files that it names.
    pub(crate) fn of(config: &PgConfig) -> Result<Self, InvalidAddress> {
        Self::parse(config.url.expose(), config.ca_file.as_deref())
    }

    fn parse(url: &str, ca_file: Option<&Path>) -> Result<Self, InvalidAddress> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(InvalidAddress::Form);
        }
        // In a URL, a `?` in a password is written as `%3F`.
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = SslMode::Prefer;
        let mut files = TlsFiles { ca: ca_file.map(|file| ("tls.ca_file", file.to_owned())), client: None };
        let (mut certificate, mut key) = (None, None);
        let mut passed_on = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = || PathBuf::from(percent_decode_str(value).decode_utf8_lossy().into_owned());
            match name {
                "sslmode" => mode = SslMode::from_name(value).ok_or(InvalidAddress::Mode)?,
                // The system's authorities, which are the default here.
                "sslrootcert" if value == "system" => files.ca = None,
                "sslrootcert" => files.ca = Some(("sslrootcert", decoded())),
                "sslcert" => certificate = Some(decoded()),
                "sslkey" => key = Some(decoded()),
                _ => passed_on.push(pair),
            }
        }
        files.client = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(InvalidAddress::Pair),
        };
        let mut config: Config = format!("{address}?{}", passed_on.join("&")).parse().map_err(option)?;
        if config.get_hosts().is_empty() {
            return Err(InvalidAddress::Form);
        }
        config.ssl_mode(match mode {
            SslMode::Disable => Negotiation::Disable,
            SslMode::Prefer => Negotiation::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Negotiation::Require,
        });
        let tls = match mode {
            SslMode::Disable => None,
            _ => Some(tls::connector(mode, &files)?),
        };
        Ok(Self { config, tls, patience: None, mode })
    }

    /// Whether passwords and rows may cross a network unencrypted: a host that is not this machine, and a mode that does
    /// not insist on TLS.
    fn may_be_plain(&self) -> bool {
        self.leaves_this_machine() && !self.insists_on_tls()
    }

    /// Whether a host is another machine than this one.
    pub(crate) fn leaves_this_machine(&self) -> bool {
        self.config.get_hosts().iter().any(|host| match host {
            Host::Tcp(name) => !matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1" | "[::1]"),
            Host::Unix(_) => false,
        })
    }

    /// Whether no connection is made that is not encrypted.
    pub(crate) const fn insists_on_tls(&self) -> bool {
        !matches!(self.mode, SslMode::Disable | SslMode::Prefer)
    }
}

/// Tokio-postgres names the option, and not its value.
fn option(error: tokio_postgres::Error) -> InvalidAddress {
    match std::error::Error::source(&error) {
        Some(cause) => InvalidAddress::Option(cause.to_string()),
        None => InvalidAddress::Form,
    }
}

/// Looks whether an address can be used, reading the files that it names. `true` when what is sent may cross a network
/// unencrypted.
///
/// # Errors
/// [`InvalidAddress`].
pub fn may_be_plain(config: &PgConfig) -> Result<bool, InvalidAddress> {
    Ok(PgAddress::of(config)?.may_be_plain())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<PgAddress, InvalidAddress> {
        PgAddress::parse(url, None)
    }

    #[test]
    fn several_hosts_and_the_role_that_a_server_must_have_are_read() {
        let address =
            address("postgres://vcare:p%3Fw@db1:5433,db2/care?target_session_attrs=read-write&sslmode=require");
        let config = address.unwrap().config;
        assert_eq!(config.get_hosts(), [Host::Tcp("db1".to_owned()), Host::Tcp("db2".to_owned())]);
        assert_eq!(config.get_ports(), [5433, 5432]);
        assert_eq!(config.get_target_session_attrs(), tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        assert_eq!((config.get_password(), config.get_ssl_mode()), (Some(&b"p?w"[..]), Negotiation::Require));
    }

    #[test]
    fn what_cannot_be_is_named_without_the_password() {
        for (url, told) in [
            ("mysql://vcare:hunter2@db/care", "expected postgres://"),
            ("postgres://", "expected postgres://"),
            ("postgres://vcare:hunter2@db/care?sslmode=always", "sslmode: expected disable"),
            ("postgres://vcare:hunter2@db/care?sslcert=a.pem", "sslcert and sslkey"),
            ("postgres://vcare:hunter2@db/care?colour=red", "colour"),
            ("postgres://vcare:hunter2@db:port/care", "port"),
            ("postgres://vcare:hunter2@db/care?sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ] {
            let error = address(url).err().unwrap_or_else(|| panic!("{url} is taken")).to_string();
            assert!(error.contains(told) && !error.contains("hunter2"), "{url}: {error}");
        }
    }

    #[test]
    fn only_the_way_to_another_host_without_tls_may_be_plain() {
        for (url, plain) in [
            ("postgres://vcare@db/care", true),
            ("postgres://vcare@db/care?sslmode=disable", true),
            ("postgres://vcare@127.0.0.1,db/care?sslmode=prefer", true),
            ("postgres://vcare@db/care?sslmode=require", false),
            ("postgres://vcare@db/care?sslmode=verify-full", false),
            ("postgres://vcare@localhost/care", false),
            ("postgres://vcare@[::1]/care", false),
            ("postgres://vcare@%2Fvar%2Frun%2Fpostgresql/care", false),
        ] {
            assert_eq!(address(url).unwrap().may_be_plain(), plain, "{url}");
        }
    }
}
