//! Time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::macros::datetime;
use time::{Duration, OffsetDateTime, UtcOffset};
use vcare_app::ports::Clock;

/// When a [`HandClock`] starts if nobody says otherwise, and when [`SeededIds`](crate::SeededIds) were drawn.
pub(crate) const START: OffsetDateTime = datetime!(2026-11-23 20:00:00 UTC);

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct HandClock(Mutex<Hands>);

#[derive(Debug, Clone, Copy)]
struct Hands {
    now: OffsetDateTime,
    /// What it would show if it had only been moved on and never been set.
    uptime: Duration,
}

impl HandClock {
    /// A clock that stands at 2026-11-23 20:00 UTC.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::at(START)
    }

    /// A clock that stands at that time.
    #[must_use]
    pub fn at(now: OffsetDateTime) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Hands { now: whole_milliseconds(now), uptime: Duration::ZERO })))
    }

    /// Lets that much time pass. With a negative duration it is set back, and no time passes.
    pub fn advance(&self, by: Duration) {
        let mut hands = self.hands();
        let before = hands.now;
        hands.now = whole_milliseconds(before + by);
        let passed = hands.now - before;
        hands.uptime += passed.max(Duration::ZERO);
    }

    /// Lets time pass until then.
    pub fn set(&self, now: OffsetDateTime) {
        let before = self.now();
        self.advance(now - before);
    }

    /// Sets it forward or back, as a person or NTP does; no time passes.
    pub fn step(&self, by: Duration) {
        let mut hands = self.hands();
        hands.now = whole_milliseconds(hands.now + by);
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for HandClock {
    fn now(&self) -> OffsetDateTime {
        self.hands().now
    }

    fn uptime(&self) -> Duration {
        self.hands().uptime
    }
}

pub(crate) fn whole_milliseconds(at: OffsetDateTime) -> OffsetDateTime {
    let at = at.to_offset(UtcOffset::UTC);
    at.replace_millisecond(at.millisecond()).unwrap_or(at)
}
