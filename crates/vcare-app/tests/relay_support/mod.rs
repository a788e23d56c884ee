//! An outbox and a stream in memory, with faults to order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vcare_app::ports::{
    Clock, EventPublisher, Ids, Outbox, OutboxLead, OutboxWake, PublishError, StoreError, StoredEvent,
};
use vcare_app::relay::{Pace, Relay};
use vcare_domain::EventId;

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
}

/// The rows, and who holds the lock.
#[derive(Default)]
pub struct Table {
    rows: Mutex<BTreeMap<i64, StoredEvent>>,
    locked: AtomicBool,
    /// So many of the next deletes fail, and with them the lead is lost.
    pub deletes_to_fail: AtomicU32,
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

    async fn acknowledged(&mut self, positions: &[i64]) -> Result<(), StoreError> {
        assert!(!self.broken, "a lead that failed must be dropped");
        let fail = self.table.deletes_to_fail.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if fail.is_ok() {
            self.broken = true;
            return Err(gone());
        }
        let mut rows = self.table.rows.lock().unwrap();
        for position in positions {
            assert!(rows.remove(position).is_some(), "{position} was deleted twice");
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
        Arc::new(Self { seen, fate: Mutex::new(Box::new(fate)), calls, gate, takes })
    }

    pub fn fate(&self, fate: impl Fn(&StoredEvent) -> Fate + Send + Sync + 'static) {
        *self.fate.lock().unwrap() = Box::new(fate);
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
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), PublishError>> {
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
                if fate != Fate::Refused {
                    if seen.ids.insert(event.id) {
                        seen.stored.push((event.ordering_key.clone(), event.position));
                    } else {
                        seen.duplicates += 1;
                    }
                }
                if fate == Fate::Taken { Ok(()) } else { Err(PublishError("not today".into())) }
            })
            .collect();
        results.reverse();
        results
    }
}

/// Waits of milliseconds, and batches small enough to need several.
pub fn quick() -> Pace {
    Pace {
        batch: 8,
        window: 64,
        poll: Duration::from_millis(20),
        lead_retry: Duration::from_millis(5),
        shortest_backoff: Duration::from_millis(1),
        longest_backoff: Duration::from_millis(10),
        measure_every: Duration::from_millis(5),
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
