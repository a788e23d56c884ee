//! Ids that repeat.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};
use vcare_app::ports::Ids;

use crate::clock::START;

/// Ids and random bytes that are the same in every run with the same seed. Ids look like UUIDv7 and are in the order in
/// which they were asked for. Nothing about them is secret.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededIds {
    /// Ids of that seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }

    fn draw(&self) -> (u64, u64) {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        (number, mixed(self.seed ^ mixed(number)))
    }
}

/// The finaliser of SplitMix64: each bit of the answer hangs on every bit of the number.
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

impl Ids for SeededIds {
    fn uuid(&self) -> Uuid {
        let (number, random) = self.draw();
        let started = u64::try_from(START.unix_timestamp()).unwrap_or_default() * 1000;
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&random.to_be_bytes());
        Builder::from_unix_timestamp_millis(started + number, &tail).into_uuid()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let (_, random) = self.draw();
            chunk.copy_from_slice(&random.to_be_bytes()[..chunk.len()]);
        }
    }
}
