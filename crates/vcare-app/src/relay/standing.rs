//! What the relay remembers from batch to batch: who rests, and whether the stream is down.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Pace, Round};

/// A key whose event was not taken.
#[derive(Debug)]
struct Rest {
    wait: Duration,
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Standing {
    pace: Pace,
    failing: HashMap<String, Rest>,
    /// Events read last time that stayed in the outbox.
    held: usize,
    /// The wait before the stream is asked again; `None` while it is up.
    down: Option<Duration>,
}

impl Standing {
    pub(super) fn new(pace: &Pace) -> Self {
        Self { pace: *pace, failing: HashMap::new(), held: 0, down: None }
    }

    /// How many events to read: as many more as are stuck, so that those behind them come into view.
    pub(super) fn limit(&self) -> u16 {
        let wanted = usize::from(self.pace.batch.max(1)).saturating_add(self.held);
        u16::try_from(wanted).unwrap_or(u16::MAX).min(self.pace.window.max(self.pace.batch).max(1))
    }

    pub(super) fn note_held(&mut self, held: usize) {
        self.held = held;
    }

    /// Whether this key is left alone for now. While the stream is down all are tried: any of them may show that it is
    /// back.
    pub(super) fn rests(&self, key: &str, now: Instant) -> bool {
        self.down.is_none() && self.failing.get(key).is_some_and(|rest| now < rest.until)
    }

    pub(super) fn next_rest_ends_in(&self) -> Option<Duration> {
        let next = self.failing.values().map(|rest| rest.until).min()?;
        // Never nothing: many keys resting with their waits spread must not become a loop without a wait.
        Some(next.saturating_duration_since(Instant::now()).max(self.pace.shortest_backoff))
    }

    pub(super) fn forget_rests(&mut self) {
        self.failing.clear();
    }

    pub(super) fn succeeded(&mut self, key: &str) {
        self.failing.remove(key);
    }

    /// Sends the key to rest, each time for twice as long. Answers whether it had not failed before.
    pub(super) fn failed(&mut self, key: &str, spread: impl Fn(Duration) -> Duration) -> bool {
        let before = self.failing.get(key).map(|rest| rest.wait);
        let wait = self.longer(before);
        self.failing.insert(key.to_owned(), Rest { wait, until: Instant::now() + spread(wait) });
        before.is_none()
    }

    /// The wait before the next batch when the stream looks down. It does when nothing went, not even an event of a key
    /// that had been well; it is up again as soon as anything goes.
    pub(super) fn pause_after(&mut self, round: &Round) -> Option<Duration> {
        let nothing_goes = round.published == 0 && (round.new_failures > 0 || self.down.is_some());
        self.down = if nothing_goes && round.held > 0 { Some(self.longer(self.down)) } else { None };
        self.down
    }

    fn longer(&self, before: Option<Duration>) -> Duration {
        before.map_or(self.pace.shortest_backoff, |wait| (wait * 2).min(self.pace.longest_backoff))
    }
}
