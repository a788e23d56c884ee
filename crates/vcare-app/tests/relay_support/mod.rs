//! An outbox and a stream in memory, with faults to order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vcare_app::ports::{
    Acknowledgement, EventPublisher, KeptEvent, Outbox, OutboxLead, OutboxWake, PublishError, PublishedEvent,
    StoreError, StoredEvent,
};
use vcare_app::relay::{Pace, Relay};
use vcare_domain::EventId;

mod chance;

pub use chance::Chance;

/// The rows, and who holds the lock.
#[derive(Default)]
pub struct Table {
    rows: Mutex<BTreeMap<i64, StoredEvent>>,
    /// Those that were acknowledged, with their sequence numbers.
    kept: Mutex<BTreeMap<i64, (u64, StoredEvent)>>,
    locked: AtomicBool,
    /// So many of the next deletes fail, and with them the lead is lost.
    pub deletes_to_fail: AtomicU32,
    /// How many events were put back.
    pub put_back: AtomicU32,
    pub leads_given: AtomicU32,
    pub measured: AtomicU32,
    pub reads: AtomicU32,
}

pub fn event(position: i64, key: &str) -> StoredEvent {
    let id = EventId::from_uuid(Uuid::from_u128(u128::try_from(position).unwrap()));
    let subject = "virtual_care.test.happened.v1".to_owned();
    StoredEvent { position, id, subject, ordering_key: key.to_owned(), body: position.to_string().into_bytes() }
}

impl Table {
    pub fn with<'a>(keys: impl IntoIterator<Item = &'a str>) -> Arc<Self> {
        let table = Self::default();
        for (position, key) in (1..).zip(keys) {
            table.insert(event(position, key));
        }
        Arc::new(table)
    }

    pub fn insert(&self, event: StoredEvent) {
        self.rows.lock().unwrap().insert(event.position, event);
    }

    pub fn positions(&self) -> Vec<i64> {
        self.rows.lock().unwrap().keys().copied().collect()
    }

    pub fn kept(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    pub fn is_led(&self) -> bool {
        self.locked.load(Ordering::SeqCst)
    }
}

pub struct FakeOutbox(pub Arc<Table>);

#[async_trait]
impl Outbox for FakeOutbox {
    async fn try_lead(&self) -> Result<Option<Box<dyn OutboxLead>>, StoreError> {
        if self.0.locked.swap(true, Ordering::SeqCst) {
            return Ok(None);
        }
        self.0.leads_given.fetch_add(1, Ordering::SeqCst);
        Ok(Some(Box::new(FakeLead { table: Arc::clone(&self.0), broken: false })))
    }

    async fn backlog(&self) -> Result<(u64, Option<OffsetDateTime>), StoreError> {
        self.0.measured.fetch_add(1, Ordering::SeqCst);
        Ok((self.0.rows.lock().unwrap().len() as u64, None))
    }

    async fn kept(&self) -> Result<Vec<KeptEvent>, StoreError> {
        let kept = self.0.kept.lock().unwrap();
        let mut kept: Vec<_> =
            kept.values().map(|(sequence, event)| KeptEvent { id: event.id, sequence: *sequence }).collect();
        kept.sort_by_key(|event| event.sequence);
        Ok(kept)
    }

    async fn kept_samples(&self) -> Result<Vec<KeptEvent>, StoreError> {
        let kept = Outbox::kept(self).await?;
        Ok(kept.first().into_iter().chain(kept.last()).copied().collect())
    }

    async fn forget_kept(&self, _: OffsetDateTime, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn put_back(&self, events: &[EventId]) -> Result<u64, StoreError> {
        let mut put = 0;
        self.0.kept.lock().unwrap().retain(|_, (_, event)| {
            let back = events.contains(&event.id);
            if back {
                self.0.rows.lock().unwrap().insert(event.position, event.clone());
                self.0.put_back.fetch_add(1, Ordering::SeqCst);
                put += 1;
            }
            !back
        });
        Ok(put)
    }

    async fn put_back_since(&self, _: OffsetDateTime) -> Result<u64, StoreError> {
        let all: Vec<_> = Outbox::kept(self).await?.into_iter().map(|kept| kept.id).collect();
        self.put_back(&all).await
    }
}

struct FakeLead {
    table: Arc<Table>,
    broken: bool,
}

fn gone() -> StoreError {
    StoreError::Unavailable("the connection is gone".into())
}

#[async_trait]
impl OutboxLead for FakeLead {
    async fn next(&mut self, limit: u16) -> Result<Vec<StoredEvent>, StoreError> {
        assert!(!self.broken, "a lead that failed must be dropped");
        self.table.reads.fetch_add(1, Ordering::SeqCst);
        // As a database does; without it, a relay that never waits would stop the test's clock.
        tokio::task::yield_now().await;
        Ok(self.table.rows.lock().unwrap().values().take(usize::from(limit)).cloned().collect())
    }

    async fn published(&mut self, events: &[PublishedEvent]) -> Result<(), StoreError> {
        assert!(!self.broken, "a lead that failed must be dropped");
        let fail = self.table.deletes_to_fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if fail.is_ok() {
            self.broken = true;
            return Err(gone());
        }
        let mut rows = self.table.rows.lock().unwrap();
        for PublishedEvent { position, keep } in events {
            let event = rows.remove(position).unwrap_or_else(|| panic!("{position} was deleted twice"));
            if let Some(sequence) = keep {
                self.table.kept.lock().unwrap().insert(*position, (*sequence, event));
            }
        }
        Ok(())
    }
}

impl Drop for FakeLead {
    fn drop(&mut self) {
        self.table.locked.store(false, Ordering::SeqCst);
    }
}

/// What happens to one attempt to publish.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Taken,
    /// It never arrived.
    Refused,
    /// It arrived, but the acknowledgement did not.
    AcknowledgementLost,
}

type Fates = Box<dyn Fn(&StoredEvent) -> Fate + Send + Sync>;

#[derive(Default)]
struct Seen {
    ids: HashSet<EventId>,
    /// Key and position, as the stream holds them.
    stored: Vec<(String, i64)>,
    duplicates: usize,
}

/// A stream that knows each id once.
pub struct Stream {
    seen: Mutex<Seen>,
    fate: Mutex<Fates>,
    pub calls: AtomicU32,
    /// How often it was looked through for kept events.
    pub looked_through: AtomicU32,
    /// Shut: `publish` waits until it is opened.
    pub gate: tokio::sync::Semaphore,
    /// How long each call takes.
    takes: Duration,
}

impl Stream {
    pub fn new(fate: impl Fn(&StoredEvent) -> Fate + Send + Sync + 'static) -> Arc<Self> {
        Self::slow(Duration::ZERO, fate)
    }

    /// One that takes so long for each call.
    pub fn slow(takes: Duration, fate: impl Fn(&StoredEvent) -> Fate + Send + Sync + 'static) -> Arc<Self> {
        let gate = tokio::sync::Semaphore::new(tokio::sync::Semaphore::MAX_PERMITS);
        let (seen, calls) = (Mutex::default(), AtomicU32::new(0));
        Arc::new(Self { seen, fate: Mutex::new(Box::new(fate)), calls, looked_through: AtomicU32::new(0), gate, takes })
    }

    pub fn fate(&self, fate: impl Fn(&StoredEvent) -> Fate + Send + Sync + 'static) {
        *self.fate.lock().unwrap() = Box::new(fate);
    }

    /// Deletes a stored event, and still knows its id, as after a purge by hand.
    pub fn delete(&self, position: i64) {
        self.seen.lock().unwrap().stored.retain(|(_, stored)| *stored != position);
    }

    /// Loses all events but the first ones, as an old copy of its files does.
    pub fn forget_from(&self, first: usize) {
        let mut seen = self.seen.lock().unwrap();
        let lost = seen.stored.split_off(first);
        for (key, position) in lost {
            seen.ids.remove(&event(position, &key).id);
        }
    }

    /// How many copies it dropped.
    pub fn duplicates(&self) -> usize {
        self.seen.lock().unwrap().duplicates
    }

    pub fn stored(&self) -> Vec<i64> {
        self.seen.lock().unwrap().stored.iter().map(|(_, position)| *position).collect()
    }

    /// The positions of each key in the order in which the stream holds them.
    pub fn by_key(&self) -> HashMap<String, Vec<i64>> {
        let mut keys: HashMap<String, Vec<i64>> = HashMap::new();
        for (key, position) in &self.seen.lock().unwrap().stored {
            keys.entry(key.clone()).or_default().push(*position);
        }
        keys
    }
}

#[async_trait]
impl EventPublisher for Stream {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<Acknowledgement, PublishError>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.acquire().await.unwrap();
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        let keys: HashSet<_> = events.iter().map(|event| &event.ordering_key).collect();
        assert_eq!(keys.len(), events.len(), "two events of one key were published side by side");
        let mut seen = self.seen.lock().unwrap();
        let fate = self.fate.lock().unwrap();
        // From the last to the first: the order within one call means nothing.
        let mut results: Vec<_> = events
            .iter()
            .rev()
            .map(|event| {
                let fate = fate(event);
                let mut duplicate = false;
                if fate != Fate::Refused {
                    duplicate = !seen.ids.insert(event.id);
                    if duplicate {
                        seen.duplicates += 1;
                    } else {
                        seen.stored.push((event.ordering_key.clone(), event.position));
                    }
                }
                let sequence =
                    1 + seen.stored.iter().position(|(_, position)| *position == event.position).unwrap_or(0);
                if fate == Fate::Taken {
                    Ok(Acknowledgement { sequence: sequence as u64, duplicate })
                } else {
                    Err(PublishError("not today".into()))
                }
            })
            .collect();
        results.reverse();
        results
    }

    async fn last_sequence(&self) -> Result<u64, PublishError> {
        Ok(self.seen.lock().unwrap().stored.len() as u64)
    }

    async fn holds(&self, event: &KeptEvent) -> Result<bool, PublishError> {
        Ok(self.lacks(&[*event]).is_empty())
    }

    async fn missing(&self, events: &[KeptEvent]) -> Result<Vec<EventId>, PublishError> {
        self.looked_through.fetch_add(1, Ordering::SeqCst);
        Ok(self.lacks(events))
    }
}

impl Stream {
    fn lacks(&self, events: &[KeptEvent]) -> Vec<EventId> {
        let seen = self.seen.lock().unwrap();
        let stored: HashSet<_> = seen.stored.iter().map(|(key, position)| event(*position, key).id).collect();
        events.iter().map(|event| event.id).filter(|id| !stored.contains(id)).collect()
    }
}

/// Waits of milliseconds, and batches small enough to need several.
pub fn quick() -> Pace {
    Pace {
        batch: 8,
        window: 64,
        poll: Duration::from_millis(20),
        gather: Duration::ZERO,
        lead_retry: Duration::from_millis(5),
        shortest_backoff: Duration::from_millis(1),
        longest_backoff: Duration::from_millis(10),
        measure_every: Duration::from_millis(5),
        keep: Duration::from_secs(600),
        look_every: Duration::from_millis(5),
    }
}

pub fn relay(table: &Arc<Table>, stream: &Arc<Stream>, pace: Pace) -> Relay {
    Relay {
        outbox: Arc::new(FakeOutbox(Arc::clone(table))),
        publisher: Arc::<Stream>::clone(stream),
        wake: OutboxWake::default(),
        clock: Arc::new(Chance::new(0)),
        ids: Arc::new(Chance::new(0)),
        pace,
    }
}

/// A relay that runs until it is told to stop.
pub struct Running {
    pub wake: OutboxWake,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    pub fn start(relay: Relay) -> Self {
        let shutdown = CancellationToken::new();
        let (wake, token) = (relay.wake.clone(), shutdown.clone());
        Self { wake, shutdown, task: tokio::spawn(async move { relay.run(token).await }) }
    }

    pub fn tell_to_stop(&self) {
        self.shutdown.cancel();
    }

    pub fn has_stopped(&self) -> bool {
        self.task.is_finished()
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.task).await.unwrap().unwrap();
    }

    /// Stops it as a crash does.
    pub async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
