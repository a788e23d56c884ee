//! Time.

use std::sync::{Arc, Mutex, PoisonError};

use time::macros::datetime;
use time::{Duration, OffsetDateTime, UtcOffset};
use vcare_app::ports::Clock;

/// When a [`HandClock`] starts if nobody says otherwise, and when [`SeededIds`](crate::SeededIds) were drawn.
pub(crate) const START: OffsetDateTime = datetime!(2026-11-23 20:00:00 UTC);

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct HandClock(Mutex<OffsetDateTime>);

impl HandClock {
    /// A clock that stands at 2026-11-23 20:00 UTC.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::at(START)
    }

    /// A clock that stands at that time.
    #[must_use]
    pub fn at(now: OffsetDateTime) -> Arc<Self> {
        Arc::new(Self(Mutex::new(whole_milliseconds(now))))
    }

    /// Moves it on; with a negative duration, back.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = whole_milliseconds(*now + by);
    }

    /// Moves it to that time.
    pub fn set(&self, now: OffsetDateTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = whole_milliseconds(now);
    }
}

impl Clock for HandClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn whole_milliseconds(at: OffsetDateTime) -> OffsetDateTime {
    let at = at.to_offset(UtcOffset::UTC);
    at.replace_millisecond(at.millisecond()).unwrap_or(at)
}
