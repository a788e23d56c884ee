//! Why a visit without a live link says no. A refusal names the action and the state it met.

use std::fmt;

use time::OffsetDateTime;

use crate::async_visit::AsyncVisitStatus;
use crate::session::Version;

/// What somebody tried to do to a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AsyncVisitAction {
    /// Take it up.
    Claim,
    /// Give it back.
    Release,
    /// Answer it.
    Respond,
    /// Add to its answer.
    Amend,
    /// Close it.
    Close,
    /// Store the Encounter's id.
    RecordEncounter,
    /// Have the Encounter written for another record of the patient.
    RepointEncounter,
    /// Hand the Encounter to a person.
    ParkEncounter,
}

impl fmt::Display for AsyncVisitAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claim => "claim",
            Self::Release => "release",
            Self::Respond => "respond to",
            Self::Amend => "amend",
            Self::Close => "close",
            Self::RecordEncounter => "record an Encounter for",
            Self::RepointEncounter => "repoint the Encounter of",
            Self::ParkEncounter => "park the Encounter of",
        })
    }
}

/// Why a command was refused; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AsyncVisitRefusal {
    /// The visit's state does not allow the action.
    #[error("cannot {action} an async visit that is {from}")]
    InvalidTransition {
        /// What was tried.
        action: AsyncVisitAction,
        /// The state the visit is in.
        from: AsyncVisitStatus,
    },
    /// What was written in the visit was erased.
    #[error("what was written in the async visit was erased")]
    Erased,
    /// The caller acted on an older version than the stored one.
    #[error("the async visit has changed: it is at version {current}")]
    VersionConflict {
        /// The version the visit is at.
        current: Version,
    },
    /// Somebody else has taken it up, and their time is not over.
    #[error("somebody else has claimed the async visit")]
    ClaimedByAnother {
        /// Until when it is theirs.
        until: OffsetDateTime,
    },
    /// Only who holds it may do that.
    #[error("only who claimed the async visit may {action} it")]
    NotTheClaimer {
        /// What was tried.
        action: AsyncVisitAction,
    },
    /// As much was added to the answer as is kept.
    #[error("the answer has {limit} additions, which is the most; advise a live visit")]
    TooManyAddenda {
        /// The limit.
        limit: usize,
    },
}
