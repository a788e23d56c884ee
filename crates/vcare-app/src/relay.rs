//! The relay: publishes the outbox, in order, from one process at a time.
//!
//! An event leaves the outbox only after the stream has acknowledged it. A crash between the two publishes it again under
//! the same id, and the stream drops the second copy; so the relay never lets acknowledged events lie in the outbox for
//! more than a moment. It is kept elsewhere for some minutes more, as the stream may lose it all the same: see `healing`.
//!
//! Events of one ordering key are published strictly one after another; events of different keys side by side. A key whose
//! event was refused rests for a while, and the others go on: nobody waits for ever behind a refused event. When nothing
//! goes at all, the stream is taken to be down, and the relay asks again every few seconds.

mod healing;
mod standing;
mod waves;

use std::collections::HashSet;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::healing::Healing;
use self::standing::Standing;
use self::waves::waves;
use crate::ports::{
    Acknowledgement, Clock, EventPublisher, Ids, Outbox, OutboxLead, OutboxWake, PublishError, PublishedEvent,
    StoreError, StoredEvent,
};

/// How long acknowledged events may stay in the outbox, in the middle of a batch.
const TAKE_OUT_WITHIN: Duration = Duration::from_millis(200);

/// A database that has not answered for so long has lost us the lead.
const STORE_DEADLINE: Duration = Duration::from_secs(10);

/// The publisher has its own, shorter deadline; this one only keeps a broken publisher from holding the lead for ever.
const PUBLISH_DEADLINE: Duration = Duration::from_secs(30);

/// How often and how much.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The most events published side by side, and read at once while all goes well. Default 256.
    pub batch: u16,
    /// The most events read at once when some of the oldest are stuck: to see past them. Default 4096.
    pub window: u16,
    /// How long an empty outbox is left alone when nobody rings. Default 500 ms.
    pub poll: Duration,
    /// The minimum time between two reads of the outbox that are started by a wake, so that under load each read finds several
    /// events. An event that comes after a pause is published immediately. Default 20 ms.
    pub gather: Duration,
    /// How long to wait, ±20 %, before asking for the lead again. Default 1 s.
    pub lead_retry: Duration,
    /// The first wait, ±20 %, after a failure; each further one doubles it. Default 100 ms.
    pub shortest_backoff: Duration,
    /// The longest wait after failures, ±20 %. Default 5 s.
    pub longest_backoff: Duration,
    /// How often the backlog is measured while leading. Default 5 s.
    pub measure_every: Duration,
    /// How long acknowledged events are kept, to be published again if the stream loses them. Not at all when zero. Default
    /// 10 min.
    pub keep: Duration,
    /// How often the leader looks whether the stream has lost any. Default 15 s.
    pub look_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch: 256,
            window: 4096,
            poll: Duration::from_millis(500),
            gather: Duration::from_millis(20),
            lead_retry: Duration::from_secs(1),
            shortest_backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(5),
            measure_every: Duration::from_secs(5),
            keep: Duration::from_secs(600),
            look_every: Duration::from_secs(15),
        }
    }
}

/// What [`Relay::drain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Whether this process could lead; if not, it did nothing.
    pub led: bool,
    /// Events acknowledged by the stream and deleted from the outbox.
    pub published: usize,
    /// Events still in the outbox because they, or one before them under the same key, were not acknowledged.
    pub held: usize,
}

/// What one batch came to.
#[derive(Debug, Default)]
struct Round {
    /// Acknowledged and deleted.
    published: usize,
    /// Read, but still in the outbox.
    held: usize,
    /// Of keys that had not failed before.
    new_failures: usize,
    /// As many events were read as asked for: there may be more.
    full: bool,
}

/// Publishes the outbox. Several processes may run one; one of them at a time publishes.
pub struct Relay {
    /// The events.
    pub outbox: Arc<dyn Outbox>,
    /// Where they go.
    pub publisher: Arc<dyn EventPublisher>,
    /// Rung when there are new ones.
    pub wake: OutboxWake,
    /// Tells how old the oldest is.
    pub clock: Arc<dyn Clock>,
    /// Spreads the waits of many processes.
    pub ids: Arc<dyn Ids>,
    /// How often and how much.
    pub pace: Pace,
}

impl Relay {
    /// Publishes until `shutdown`: then the events under way are finished, what was acknowledged is deleted, and the lead
    /// is given away.
    pub async fn run(&self, shutdown: CancellationToken) {
        let (leading, seen) = watch::channel(false);
        tokio::select! {
            () = self.lead_until(&shutdown, &leading) => {}
            () = self.measure(seen) => {}
        }
    }

    /// Publishes what the outbox holds now, without waiting for more: for tests and operators. Stops when nothing of what
    /// is left goes through.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; events published but not deleted by then will be published again, which the
    /// stream's de-duplication makes harmless.
    pub async fn drain(&self) -> Result<Drained, StoreError> {
        let Some(mut lead) = within(self.outbox.try_lead()).await? else {
            return Ok(Drained::default());
        };
        let mut drained = Drained { led: true, ..Drained::default() };
        let (mut standing, mut healing) = (Standing::new(&self.pace), Healing::new());
        let never = CancellationToken::new();
        loop {
            standing.forget_rests();
            let limit = standing.limit();
            let round = self.round(lead.as_mut(), &mut standing, &mut healing, &never).await?;
            drained.published += round.published;
            drained.held = round.held;
            let sees_further = round.full && standing.limit() > limit;
            if round.published == 0 && !sees_further {
                return Ok(drained);
            }
        }
    }

    async fn lead_until(&self, shutdown: &CancellationToken, leading: &watch::Sender<bool>) {
        while !shutdown.is_cancelled() {
            match shutdown.run_until_cancelled(within(self.outbox.try_lead())).await {
                Some(Ok(Some(lead))) => {
                    let _shown = Leading::show(leading);
                    if let Err(error) = self.publish_until(lead, shutdown).await {
                        tracing::warn!(error = &error as &dyn Error, "the relay gave the lead away");
                    }
                }
                Some(Ok(None)) | None => {}
                Some(Err(error)) => {
                    tracing::warn!(error = &error as &dyn Error, "the relay could not ask for the lead");
                }
            }
            shutdown.run_until_cancelled(sleep(self.spread(self.pace.lead_retry))).await;
        }
    }

    async fn publish_until(
        &self,
        mut lead: Box<dyn OutboxLead>,
        shutdown: &CancellationToken,
    ) -> Result<(), StoreError> {
        let (mut standing, mut healing) = (Standing::new(&self.pace), Healing::new());
        while !shutdown.is_cancelled() {
            self.heal(&mut healing).await?;
            let limit = standing.limit();
            let began = Instant::now();
            // A wake follows its commit, so this round reads the event that it was for.
            self.wake.silence();
            let round = self.round(lead.as_mut(), &mut standing, &mut healing, shutdown).await?;
            if let Some(pause) = standing.pause_after(&round) {
                // Not to be cut short by a ring: while the stream is down, every commit would ask it again.
                shutdown.run_until_cancelled(sleep(self.spread(pause))).await;
            } else if !(round.full && (round.published > 0 || standing.limit() > limit)) {
                let wait = standing.next_rest_ends_in().map_or(self.pace.poll, |rest| rest.min(self.pace.poll));
                let rung = async {
                    if timeout(wait, self.wake.rung()).await.is_ok() {
                        sleep(self.pace.gather.saturating_sub(began.elapsed())).await;
                    }
                };
                shutdown.run_until_cancelled(rung).await;
            }
        }
        Ok(())
    }

    /// Reads one batch, publishes what may be published of it, and deletes what was acknowledged.
    async fn round(
        &self,
        lead: &mut dyn OutboxLead,
        standing: &mut Standing,
        healing: &mut Healing,
        shutdown: &CancellationToken,
    ) -> Result<Round, StoreError> {
        let limit = standing.limit();
        let mut events = within(lead.next(limit)).await?;
        let read = events.len();
        let mut round = Round { full: read >= usize::from(limit), ..Round::default() };
        // One look at the clock for all: a rest that ended between two events of a key would let the later one go first.
        let now = Instant::now();
        events.retain(|event| !standing.rests(&event.ordering_key, now));

        let mut failed = HashSet::new();
        let mut first_error = None;
        let mut published = Published::default();
        'waves: for mut wave in waves(events) {
            wave.retain(|event| !failed.contains(&event.ordering_key));
            for side_by_side in wave.chunks(usize::from(self.pace.batch.max(1))) {
                if shutdown.is_cancelled() {
                    break 'waves;
                }
                let results = self.publish(side_by_side).await;
                healing.note(results.iter().filter_map(|result| result.as_ref().ok()));
                for (event, result) in side_by_side.iter().zip(results) {
                    match result {
                        Ok(acknowledgement) => {
                            standing.succeeded(&event.ordering_key);
                            let keep = self.to_keep(acknowledgement);
                            published.push(PublishedEvent { position: event.position, keep });
                        }
                        Err(error) => {
                            if standing.failed(&event.ordering_key, |wait| self.spread(wait)) {
                                round.new_failures += 1;
                            }
                            failed.insert(event.ordering_key.clone());
                            first_error.get_or_insert(error);
                        }
                    }
                }
                if published.must_be_taken_out() {
                    round.published += published.take_out(lead).await?;
                }
            }
        }
        round.published += published.take_out(lead).await?;
        round.held = read.saturating_sub(round.published);
        standing.note_held(round.held);
        // Once for each key, not once for each attempt: an outage of a day is one line.
        if let (Some(error), 1..) = (first_error, round.new_failures) {
            let error: &(dyn Error + 'static) = &error;
            tracing::warn!(error, keys = round.new_failures, "events could not be published and stay in the outbox");
        }
        Ok(round)
    }

    /// One result for each event, whatever the publisher does.
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<Acknowledgement, PublishError>> {
        let mut results = match timeout(PUBLISH_DEADLINE, self.publisher.publish(events)).await {
            Ok(results) => results,
            Err(elapsed) => vec![Err(PublishError(Box::new(elapsed)))],
        };
        results.resize_with(events.len(), || Err(PublishError("no result".into())));
        let published = results.iter().filter(|result| result.is_ok()).count();
        metrics::counter!("vcare_outbox_published_total").increment(published as u64);
        metrics::counter!("vcare_outbox_publish_failures_total").increment((results.len() - published) as u64);
        results
    }

    /// The sequence number under which an event is kept. A duplicate is not kept: the stream drops it again if it is published
    /// again, also when its message was deleted by hand, so looking for it would never end.
    fn to_keep(&self, acknowledgement: Acknowledgement) -> Option<u64> {
        (!self.pace.keep.is_zero() && !acknowledgement.duplicate).then_some(acknowledgement.sequence)
    }

    /// Measures the backlog while leading; never ends.
    async fn measure(&self, mut leading: watch::Receiver<bool>) {
        while leading.wait_for(|leading| *leading).await.is_ok() {
            match within(self.outbox.backlog()).await {
                // What is measured after the lead was lost is the next leader's to show.
                Ok((pending, oldest)) if *leading.borrow() => {
                    let age = oldest.map_or(0.0, |since| (self.clock.now() - since).as_seconds_f64().max(0.0));
                    metrics::gauge!("vcare_outbox_pending").set(pending as f64);
                    metrics::gauge!("vcare_outbox_oldest_age_seconds").set(age);
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "the outbox's backlog could not be measured");
                }
            }
            sleep(self.pace.measure_every).await;
        }
    }

    /// `wait` ±20 %.
    fn spread(&self, wait: Duration) -> Duration {
        let mut byte = [0_u8; 1];
        self.ids.fill_random(&mut byte);
        wait.mul_f64(0.8 + 0.4 * f64::from(byte[0]) / 255.0)
    }
}

/// A database call that must not take for ever.
async fn within<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(STORE_DEADLINE, call).await.unwrap_or_else(|elapsed| Err(StoreError::Unavailable(Box::new(elapsed))))
}

/// Acknowledged by the stream, still in the outbox.
#[derive(Default)]
struct Published {
    events: Vec<PublishedEvent>,
    since: Option<Instant>,
}

impl Published {
    fn push(&mut self, event: PublishedEvent) {
        self.events.push(event);
        self.since.get_or_insert_with(Instant::now);
    }

    fn must_be_taken_out(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= TAKE_OUT_WITHIN)
    }

    /// Takes them out of the outbox; how many they were.
    async fn take_out(&mut self, lead: &mut dyn OutboxLead) -> Result<usize, StoreError> {
        if !self.events.is_empty() {
            within(lead.published(&self.events)).await?;
        }
        self.since = None;
        Ok(std::mem::take(&mut self.events).len())
    }
}

/// Shows that this process leads, until dropped.
struct Leading<'a>(&'a watch::Sender<bool>);

impl<'a> Leading<'a> {
    fn show(leading: &'a watch::Sender<bool>) -> Self {
        leading.send_replace(true);
        metrics::gauge!("vcare_outbox_leader").set(1.0);
        tracing::info!("the relay leads");
        Self(leading)
    }
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
        metrics::gauge!("vcare_outbox_leader").set(0.0);
        // The next leader shows the backlog; a sum over all processes must not count it twice.
        metrics::gauge!("vcare_outbox_pending").set(0.0);
        metrics::gauge!("vcare_outbox_oldest_age_seconds").set(0.0);
    }
}
