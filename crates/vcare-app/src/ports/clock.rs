//! Time and chance.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The time. Tests move it by hand.
pub trait Clock: Send + Sync {
    /// Now, UTC, in whole milliseconds: what is stored is what was meant. All processes of a deployment agree on it, as it is
    /// the database's time; see [`ClockReading`].
    fn now(&self) -> OffsetDateTime;

    /// How long the process has run, by a clock that nobody sets: for spans of time inside the process, such as how long
    /// a breaker stays open or a cached value is good.
    fn uptime(&self) -> Duration;

    /// Corrects [`Self::now`] by what the database's clock showed. A clock that is moved by hand needs no correction.
    fn compare(&self, _reading: ClockReading) {}

    /// Whether [`Self::now`] is confirmed by two clocks.
    fn agreement(&self) -> Agreement {
        Agreement::Agreed { difference: Duration::ZERO }
    }
}

/// What the database's clock showed, and when it was asked, in [`Clock::uptime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// PostgreSQL's `clock_timestamp()`.
    pub database: OffsetDateTime,
    /// When the question was sent.
    pub asked: Duration,
    /// When the answer was there.
    pub answered: Duration,
}

/// Whether the clocks of this machine and of the database show the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// They were not compared yet.
    NotCompared,
    /// They do, within the tolerance.
    Agreed {
        /// How far this machine's clock is ahead of the database's; negative when it is behind.
        difference: Duration,
    },
    /// They do not: one of both is wrong.
    Differs {
        /// How far this machine's clock is ahead of the database's; negative when it is behind.
        difference: Duration,
    },
}

impl Agreement {
    /// Whether something may be done that cannot be undone, such as failing a visit or erasing a draft because its time is over.
    #[must_use]
    pub const fn is_agreed(self) -> bool {
        matches!(self, Self::Agreed { .. })
    }
}

/// New ids and random numbers.
pub trait Ids: Send + Sync {
    /// A new UUIDv7, in the order of time.
    fn uuid(&self) -> Uuid;
    /// Fills `bytes` from a source nobody can guess.
    fn fill_random(&self, bytes: &mut [u8]);
}
