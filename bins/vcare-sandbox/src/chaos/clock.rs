//! How long people were together, as far as clients can know.

use std::time::{Duration, Instant};

/// A call: when its first try was begun, and when it was answered. What it did was done in between.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    begun: Instant,
    answered: Instant,
}

impl Call {
    /// Waits for an answer.
    pub async fn of<T>(call: impl Future<Output = T>) -> (T, Self) {
        let begun = Instant::now();
        let answer = call.await;
        (answer, Self { begun, answered: Instant::now() })
    }
}

/// Bounds of the time together. Clients see when they asked and when they were answered, and no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Together {
    at_least: Duration,
    at_most: Duration,
    stretches: u32,
}

impl Together {
    /// They were together from what one call did until what another one did.
    pub fn add(&mut self, from: Call, to: Call) {
        self.at_least += to.begun.saturating_duration_since(from.answered);
        self.at_most += to.answered.saturating_duration_since(from.begun);
        self.stretches += 1;
    }

    /// As a test has it.
    #[cfg(test)]
    pub const fn between(at_least: Duration, at_most: Duration) -> Self {
        Self { at_least, at_most, stretches: 1 }
    }

    /// In whole seconds. Borders are cut to whole seconds, so that each stretch may be one shorter or longer.
    pub fn seconds(&self) -> (u64, u64) {
        let stretches = u64::from(self.stretches);
        (self.at_least.as_secs().saturating_sub(stretches), self.at_most.as_secs() + 1 + stretches)
    }
}
