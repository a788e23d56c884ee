//! Making a connection, and why one was not made.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use diesel_async::AsyncPgConnection;
use tokio_postgres::NoTls;

use crate::address::{InvalidAddress, PgAddress};
use crate::config::PgConfig;

/// Why a connection was not made: for operators, without password.
///
/// What the server says of itself is in it, such as the name of a login that it does not know; nothing of rows is.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ConnectError(Arc<str>);

impl ConnectError {
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
}

impl From<InvalidAddress> for ConnectError {
    fn from(error: InvalidAddress) -> Self {
        Self::new(format!("the database's address: {error}"))
    }
}

impl From<tokio_postgres::Error> for ConnectError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(refused) = error.as_db_error() {
            return Self::new(format!(
                "the server refuses: {} (SQLSTATE {})",
                refused.message(),
                refused.code().code()
            ));
        }
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            let next_text = next.to_string();
            // Some errors repeat what they were caused by.
            if !text.contains(&next_text) {
                let _ = write!(text, ": {next_text}");
            }
            cause = next.source();
        }
        Self::new(text)
    }
}

impl From<diesel::ConnectionError> for ConnectError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<diesel::result::Error> for ConnectError {
    fn from(error: diesel::result::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// A connection as the login that the address names.
pub(crate) async fn connect(address: &PgAddress) -> Result<AsyncPgConnection, ConnectError> {
    match address.patience {
        None => connect_patiently(address).await,
        // Tokio-postgres' own limit ends with the TCP connection; a server may be silent afterwards.
        Some(patience) => tokio::time::timeout(patience, connect_patiently(address))
            .await
            .unwrap_or_else(|_| Err(ConnectError::new("no answer from the server"))),
    }
}

async fn connect_patiently(address: &PgAddress) -> Result<AsyncPgConnection, ConnectError> {
    match &address.tls {
        None => {
            let (client, connection) = address.config.connect(NoTls).await?;
            Ok(AsyncPgConnection::try_from_client_and_connection(client, connection).await?)
        }
        Some(tls) => {
            let (client, connection) = address.config.connect(tls.clone()).await?;
            Ok(AsyncPgConnection::try_from_client_and_connection(client, connection).await?)
        }
    }
}

/// A connection to the database of `config`, as the login that its address names.
pub(crate) async fn connect_to(config: &PgConfig) -> Result<AsyncPgConnection, ConnectError> {
    connect(&PgAddress::of(config)?).await
}

/// Why the last attempt to connect failed, until one succeeds.
#[derive(Debug, Default)]
pub(crate) struct LastFailure(Mutex<Option<ConnectError>>);

impl LastFailure {
    pub(crate) fn note(&self, outcome: Option<ConnectError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }

    pub(crate) fn get(&self) -> Option<ConnectError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
