//! Database errors, by what the caller can do about them.

use std::error::Error as StdError;

use bb8::RunError;
use diesel::result::{DatabaseErrorKind, Error};
use vcare_app::ports::StoreError;

/// A database error without the statement's values: details of constraint violations quote rows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Redacted(String);

fn redacted(error: &Error) -> Box<dyn StdError + Send + Sync> {
    Box::new(Redacted(match error {
        Error::DatabaseError(kind, information) => {
            let constraint = information.constraint_name().unwrap_or("-");
            let table = information.table_name().unwrap_or("-");
            format!("{kind:?} on table {table}, constraint {constraint}")
        }
        Error::DeserializationError(_) => "a column could not be read".to_owned(),
        Error::SerializationError(_) => "a value could not be written".to_owned(),
        Error::NotFound => "a row that must exist does not".to_owned(),
        _ => "transaction state".to_owned(),
    }))
}

/// Sorts a diesel error: a lost race, an outage, or a fault of ours.
pub(crate) fn store_error(error: Error) -> StoreError {
    let cause = redacted(&error);
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure, _) => {
            StoreError::Conflict
        }
        // Unknown: shutdown, time-outs, deadlocks, too many connections. Diesel does not tell them apart; in all of them
        // nothing was written and trying again can help.
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction
            | DatabaseErrorKind::Unknown,
            _,
        )
        | Error::BrokenTransactionManager => StoreError::Unavailable(cause),
        _ => StoreError::Faulty(cause),
    }
}

pub(crate) fn pool_error(error: RunError<Error>) -> StoreError {
    match error {
        RunError::User(error) => StoreError::Unavailable(redacted(&error)),
        RunError::TimedOut => {
            StoreError::Unavailable(Box::new(Redacted("no connection became free in time".to_owned())))
        }
    }
}
