//! The real time and real chance. The only place that asks the system for them.

use std::sync::OnceLock;
use std::time::Instant;

use ring::rand::{SecureRandom, SystemRandom};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_app::ports::{Clock, Ids};

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> OffsetDateTime {
        whole_milliseconds(OffsetDateTime::now_utc())
    }

    fn uptime(&self) -> Duration {
        static STARTED: OnceLock<Instant> = OnceLock::new();
        STARTED.get_or_init(Instant::now).elapsed().try_into().unwrap_or(Duration::MAX)
    }
}

/// Without what is smaller than a millisecond.
pub(crate) fn whole_milliseconds(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::nanoseconds(i64::from(at.nanosecond() % 1_000_000))
}

/// The system's random source.
#[derive(Debug, Clone)]
pub struct SystemIds(SystemRandom);

impl Default for SystemIds {
    fn default() -> Self {
        Self(SystemRandom::new())
    }
}

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "this is where ids come from")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    #[expect(clippy::panic, reason = "a system without random numbers must not go on with guessable ones")]
    fn fill_random(&self, bytes: &mut [u8]) {
        if self.0.fill(bytes).is_err() {
            panic!("the system's random source failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_whole_milliseconds() {
        assert_eq!(SystemClock.now().nanosecond() % 1_000_000, 0);
    }

    #[test]
    fn ids_come_in_the_order_of_time() {
        let ids = SystemIds::default();
        let drawn: Vec<Uuid> = (0..1000).map(|_| ids.uuid()).collect();
        assert!(drawn.is_sorted());
    }
}
