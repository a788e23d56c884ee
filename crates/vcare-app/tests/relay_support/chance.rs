//! Random numbers and a clock that tests repeat by their seed.

use std::sync::atomic::{AtomicU64, Ordering};

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_app::ports::{Clock, Ids};

/// The same numbers for the same seed.
pub struct Chance(AtomicU64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// splitmix64
    pub fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn one_in(&self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

impl Ids for Chance {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.next()))
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.next().to_le_bytes()[0]);
    }
}

impl Clock for Chance {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-11-23 20:00:00 UTC)
    }

    fn uptime(&self) -> Duration {
        Duration::ZERO
    }
}
