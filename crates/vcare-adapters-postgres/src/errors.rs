//! Database errors, by what the caller can do about them.

use std::error::Error as StdError;

use bb8::RunError;
use diesel::result::{DatabaseErrorKind, Error};
use vcare_app::ports::StoreError;

use crate::connect::ConnectError;

/// A database error without the statement's values: details of constraint violations quote rows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Redacted(String);

fn redacted(error: &Error) -> Box<dyn StdError + Send + Sync> {
    Box::new(Redacted(match error {
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _) => {
            "the connection was closed".to_owned()
        }
        Error::DatabaseError(kind, information) => {
            if let Some(said) = said_of_itself(information.message()) {
                return Box::new(Redacted(format!("the server says: {said}")));
            }
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

/// The part of a message in which the server speaks of itself. These texts are PostgreSQL's own and quote no row; nothing else of a
/// message is passed on.
fn said_of_itself(message: &str) -> Option<&'static str> {
    const KNOWN: [&str; 16] = [
        "No space left on device",
        "terminating connection due to administrator command",
        "terminating connection due to idle-in-transaction timeout",
        "terminating connection due to unexpected postmaster exit",
        "terminating connection because of crash of another server process",
        "the database system is shutting down",
        "the database system is starting up",
        "the database system is in recovery mode",
        "canceling statement due to statement timeout",
        "canceling statement due to user request",
        "canceling statement due to lock timeout",
        "deadlock detected",
        "too many clients already",
        "out of shared memory",
        "in a read-only transaction",
        "temporary file size exceeds temp_file_limit",
    ];
    KNOWN.into_iter().find(|known| message.contains(known))
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

/// Why no connection was lent. While none can be made, bb8 tries until the time is over, so that the cause is that of the
/// last attempt.
pub(crate) fn pool_error(error: RunError<ConnectError>, last_failure: Option<ConnectError>) -> StoreError {
    match (error, last_failure) {
        (RunError::User(error), _) | (RunError::TimedOut, Some(error)) => StoreError::Unavailable(Box::new(error)),
        (RunError::TimedOut, None) => {
            StoreError::Unavailable(Box::new(Redacted("all connections were in use for too long".to_owned())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_of_itself_is_told_and_nothing_else_of_a_message() {
        let error = |message: &str| Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()));
        let message_of = |message| redacted(&error(message)).to_string();
        assert_eq!(
            message_of("could not extend file \"base/5/16403\": No space left on device"),
            "the server says: No space left on device"
        );
        assert_eq!(
            message_of("terminating connection due to administrator command"),
            "the server says: terminating connection due to administrator command"
        );
        assert_eq!(message_of("invalid input syntax for type uuid: \"Amina\""), "Unknown on table -, constraint -");
    }
}
