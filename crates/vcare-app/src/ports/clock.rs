//! Time and chance.

use time::OffsetDateTime;
use uuid::Uuid;

/// The time. Tests move it by hand.
pub trait Clock: Send + Sync {
    /// Now, UTC, in whole milliseconds: what is stored is what was meant.
    fn now(&self) -> OffsetDateTime;
}

/// New ids and random numbers.
pub trait Ids: Send + Sync {
    /// A new UUIDv7, in the order of time.
    fn uuid(&self) -> Uuid;
    /// Fills `bytes` from a source nobody can guess.
    fn fill_random(&self, bytes: &mut [u8]);
}
