//! What the stream has lost is published again.
//!
//! JetStream acknowledges an event before it is on the disk; a power cut of all its servers, or an old copy of its files put
//! back, takes the last minutes away. Acknowledged events are therefore kept for a while ([`Pace::keep`](super::Pace)), each
//! with its sequence number. The stream has lost some when
//! - it stores an event under a sequence number that is not above all earlier ones: numbers are being used again;
//! - its last sequence number is below one that it gave;
//! - an event that is looked for is not where it was.
//!
//! Then all kept events are looked for, and those that are missing are put back into the outbox.

use std::error::Error;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{Instant, timeout};

use super::{Relay, within};
use crate::ports::{Acknowledgement, PublishError, StoreError};

/// Looking for all kept events takes no longer than this.
const LOOK_DEADLINE: Duration = Duration::from_secs(60);
/// How many events are forgotten in one statement.
const FORGET_AT_ONCE: u32 = 5_000;

/// What the leader knows of the stream.
#[derive(Debug)]
pub(super) struct Healing {
    /// The highest sequence number that was acknowledged to this leader.
    highest: u64,
    /// Something says that the stream has lost events.
    suspected: bool,
    /// The last look failed, and the log says so.
    cannot_look: bool,
    /// When to look next.
    due: Instant,
}

impl Healing {
    /// At the beginning of a lead it is time to look: the leader before may have died at any point.
    pub(super) fn new() -> Self {
        Self { highest: 0, suspected: false, cannot_look: false, due: Instant::now() }
    }

    /// Notes the acknowledgements of events that were published side by side, after all that were noted before.
    pub(super) fn note<'a>(&mut self, acknowledgements: impl Iterator<Item = &'a Acknowledgement>) {
        let before = self.highest;
        // A duplicate has the number under which it was stored the first time.
        for Acknowledgement { sequence, .. } in acknowledgements.filter(|one| !one.duplicate) {
            if *sequence <= before && !self.suspected {
                self.suspected = true;
                self.due = Instant::now();
            }
            self.highest = self.highest.max(*sequence);
        }
    }
}

impl Relay {
    /// Looks after the events that are kept, when it is time: forgets the old ones, and puts back what the stream has lost.
    pub(super) async fn heal(&self, healing: &mut Healing) -> Result<(), StoreError> {
        if self.pace.keep.is_zero() || Instant::now() < healing.due {
            return Ok(());
        }
        healing.due = Instant::now() + self.pace.look_every;
        // Only when two clocks agree that its time is over: what is forgotten cannot be published again.
        let before = self.clock.now() - self.pace.keep;
        while self.clock.agreement().is_agreed()
            && within(self.outbox.forget_kept(before, FORGET_AT_ONCE)).await? >= u64::from(FORGET_AT_ONCE)
        {}
        match self.put_back_what_is_missing(healing).await {
            Ok(()) => healing.cannot_look = false,
            Err(Failure::Store(error)) => return Err(error),
            // It is down, or our user may not: what it has is looked at again soon.
            Err(Failure::Stream(error)) => {
                if !std::mem::replace(&mut healing.cannot_look, true) {
                    tracing::warn!(error = &error as &dyn Error, "the stream cannot be asked which events it has");
                }
            }
        }
        Ok(())
    }

    async fn put_back_what_is_missing(&self, healing: &mut Healing) -> Result<(), Failure> {
        if !(healing.suspected || self.seems_behind().await?) {
            return Ok(());
        }
        let kept = within(self.outbox.kept()).await?;
        let missing = timeout(LOOK_DEADLINE, self.publisher.missing(&kept)).await;
        let missing = missing.unwrap_or_else(|elapsed| Err(PublishError(Box::new(elapsed))))?;
        healing.suspected = false;
        if missing.is_empty() {
            return Ok(());
        }
        let events = within(self.outbox.put_back(&missing)).await?;
        metrics::counter!("vcare_outbox_put_back_total").increment(events);
        tracing::error!(events, "the stream has lost events that it had acknowledged: they are published again");
        // The stream counts on from where it is now.
        healing.highest = 0;
        self.wake.ring();
        Ok(())
    }

    /// Whether the stream says less than it once acknowledged.
    async fn seems_behind(&self) -> Result<bool, Failure> {
        let samples = within(self.outbox.kept_samples()).await?;
        let Some(newest) = samples.iter().map(|kept| kept.sequence).max() else { return Ok(false) };
        if self.publisher.last_sequence().await? < newest {
            return Ok(true);
        }
        for sample in &samples {
            if !self.publisher.holds(sample).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts events back that were acknowledged at that moment or later: for operators, who know better what was lost. Answers
    /// how many; they are published again under their ids.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn republish_since(&self, since: OffsetDateTime) -> Result<u64, StoreError> {
        let events = within(self.outbox.put_back_since(since)).await?;
        self.wake.ring();
        Ok(events)
    }
}

enum Failure {
    Store(StoreError),
    Stream(PublishError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        Self::Stream(error)
    }
}
