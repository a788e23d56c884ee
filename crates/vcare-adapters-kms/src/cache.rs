//! What was asked for once, remembered for a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::Duration;
use vcare_app::ports::Clock;

use crate::keeper::KeeperFault;

/// How long what was asked for is remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remembering {
    /// So long it is good.
    pub ttl: Duration,
    /// So much longer it is used while it cannot be asked for anew.
    pub stale: Duration,
    /// So long after a failure who has nothing remembered is told the same, and nobody is asked.
    pub rest: Duration,
    /// At most so many are remembered.
    pub capacity: usize,
    /// Its name in metrics.
    pub name: &'static str,
}

/// The least time between two attempts after a failure when there is an old value: who comes meanwhile gets that.
const REST_WITH_VALUE: Duration = Duration::seconds(5);

/// Remembers values for as long as they are good, and for a bounded time longer while nobody can be asked. Of several who
/// want the same, one asks. Values that wipe themselves are wiped when they are no longer remembered.
pub(crate) struct Cache<K, V> {
    slots: Mutex<HashMap<K, Arc<Slot<V>>>>,
    clock: Arc<dyn Clock>,
    remembering: Remembering,
}

struct Slot<V> {
    known: Mutex<Known<V>>,
    /// Held by who asks; the others wait for them.
    flight: tokio::sync::Mutex<()>,
}

struct Known<V> {
    value: Option<(V, Duration)>,
    failure: Option<(KeeperFault, Duration)>,
    /// How often it was asked for: who waited sees whether somebody else did it.
    attempts: u64,
}

/// What a look finds.
enum Found<V> {
    Good(V),
    /// Too old; to be used when nothing newer can be had.
    Old(V),
    /// Too old, and nothing newer could be had a moment ago.
    OldOnly(V),
    /// Nothing, and it failed a moment ago.
    Failed(KeeperFault),
    Nothing,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<V: Clone> Slot<V> {
    fn new() -> Self {
        let known = Known { value: None, failure: None, attempts: 0 };
        Self { known: Mutex::new(known), flight: tokio::sync::Mutex::default() }
    }

    fn look(&self, now: Duration, remembering: &Remembering) -> (Found<V>, u64) {
        let known = lock(&self.known);
        let failed_within = |rest| known.failure.as_ref().filter(|(_, at)| now - *at < rest).map(|(fault, _)| fault);
        let found = match &known.value {
            Some((value, at)) if now - *at < remembering.ttl => Found::Good(value.clone()),
            Some((value, at)) if remembering.still_usable(*at, now) => match failed_within(REST_WITH_VALUE) {
                Some(_) => Found::OldOnly(value.clone()),
                None => Found::Old(value.clone()),
            },
            _ => failed_within(remembering.rest).map_or(Found::Nothing, |fault| Found::Failed(fault.clone())),
        };
        (found, known.attempts)
    }
}

impl Remembering {
    fn still_usable(&self, at: Duration, now: Duration) -> bool {
        now - at < self.ttl + self.stale
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    pub fn new(remembering: Remembering, clock: Arc<dyn Clock>) -> Self {
        Self { slots: Mutex::default(), clock, remembering }
    }

    /// The value, remembered or asked for by `ask`.
    pub async fn get(
        &self,
        key: &K,
        ask: impl Future<Output = Result<V, KeeperFault>> + Send,
    ) -> Result<V, KeeperFault> {
        let slot = self.slot(key);
        let (found, attempts) = slot.look(self.clock.uptime(), &self.remembering);
        let old = match self.served(found) {
            Ok(served) => return served,
            Err(old) => old,
        };
        let _flight = match (slot.flight.try_lock(), old) {
            (Ok(flight), _) => flight,
            // Somebody is at it: what there is now is better than something newer later.
            (Err(_), Some(old)) => {
                self.count("stale");
                return Ok(old);
            }
            (Err(_), None) => slot.flight.lock().await,
        };
        let (found, attempts_now) = slot.look(self.clock.uptime(), &self.remembering);
        if let Ok(served) = self.served(found) {
            return served;
        }
        if attempts_now != attempts
            && let Some((fault, _)) = &lock(&slot.known).failure
        {
            return Err(fault.clone());
        }
        self.count("miss");
        let asked = ask.await;
        self.learn(&slot, asked)
    }

    /// The answer, when nobody must be asked for it; else what there is to fall back on.
    fn served(&self, found: Found<V>) -> Result<Result<V, KeeperFault>, Option<V>> {
        let (value, how) = match found {
            Found::Good(value) => (value, "hit"),
            Found::OldOnly(value) => (value, "stale"),
            Found::Failed(fault) => return Ok(Err(fault)),
            Found::Old(value) => return Err(Some(value)),
            Found::Nothing => return Err(None),
        };
        self.count(how);
        Ok(Ok(value))
    }

    fn learn(&self, slot: &Slot<V>, asked: Result<V, KeeperFault>) -> Result<V, KeeperFault> {
        let now = self.clock.uptime();
        let mut known = lock(&slot.known);
        known.attempts += 1;
        match asked {
            Ok(value) => {
                known.failure = None;
                known.value = Some((value.clone(), now));
                Ok(value)
            }
            Err(fault) => {
                let usable = known.value.take().filter(|(_, at)| self.remembering.still_usable(*at, now));
                known.value = usable.filter(|_| fault.is_outage());
                known.failure = Some((fault.clone(), now));
                let Some((value, _)) = &known.value else { return Err(fault) };
                self.count("stale");
                tracing::warn!(
                    what = self.remembering.name,
                    error = &fault as &dyn std::error::Error,
                    "the key store is down: going on with what is remembered"
                );
                Ok(value.clone())
            }
        }
    }

    /// Forgets what is remembered under the keys that `which` picks. Who is asking for one of them meanwhile is answered,
    /// and their answer is not remembered.
    pub fn forget(&self, which: impl Fn(&K) -> bool) {
        lock(&self.slots).retain(|key, _| !which(key));
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        self.make_room(&mut slots);
        let slot = Arc::new(Slot::new());
        slots.insert(key.clone(), Arc::clone(&slot));
        slot
    }

    /// Puts out what is of no use any more, so that no secret stays in memory because nobody asks for it; when that is
    /// not enough, what was asked for longest ago.
    fn make_room(&self, slots: &mut HashMap<K, Arc<Slot<V>>>) {
        let now = self.clock.uptime();
        let remembering = &self.remembering;
        // Who is asking has a hand on the slot.
        slots.retain(|_, slot| {
            Arc::strong_count(slot) > 1 || !matches!(slot.look(now, remembering), (Found::Nothing, _))
        });
        let age = |slot: &Slot<V>| lock(&slot.known).value.as_ref().map(|(_, at)| *at);
        if slots.len() >= remembering.capacity
            && let Some(oldest) = slots.iter().min_by_key(|(_, slot)| age(slot)).map(|(key, _)| key.clone())
        {
            slots.remove(&oldest);
        }
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!("vcare_kms_cache_total", "cache" => self.remembering.name, "outcome" => outcome).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use vcare_testkit::HandClock;

    use super::*;

    fn cache(clock: &Arc<HandClock>) -> Cache<u32, Arc<u32>> {
        let remembering = Remembering {
            ttl: Duration::MINUTE,
            stale: Duration::MINUTE,
            rest: Duration::SECOND,
            capacity: 4,
            name: "test",
        };
        Cache::new(remembering, Arc::clone(clock) as _)
    }

    #[tokio::test]
    async fn no_more_is_remembered_than_there_is_room_for_and_the_oldest_goes_first() {
        let clock = HandClock::new();
        let cache = cache(&clock);
        for n in 0..20 {
            cache.get(&n, async { Ok(Arc::new(n)) }).await.unwrap();
            clock.advance(Duration::SECOND);
        }
        let mut kept: Vec<u32> = lock(&cache.slots).keys().copied().collect();
        kept.sort_unstable();
        assert_eq!(kept, [16, 17, 18, 19]);
    }

    #[tokio::test]
    async fn what_is_of_no_use_any_more_is_let_go_when_something_else_is_asked_for() {
        let clock = HandClock::new();
        let cache = cache(&clock);
        let value = Arc::new(1);
        cache.get(&1, async { Ok(Arc::clone(&value)) }).await.unwrap();
        clock.advance(Duration::minutes(2));
        cache.get(&2, async { Ok(Arc::new(2)) }).await.unwrap();
        assert_eq!(Arc::strong_count(&value), 1, "nobody else has it");
    }

    #[tokio::test]
    async fn what_was_asked_for_before_it_was_forgotten_is_not_remembered_after_it() {
        let clock = HandClock::new();
        let cache = cache(&clock);
        let ask = async {
            cache.forget(|_| true);
            Ok(Arc::new(1))
        };
        assert_eq!(*cache.get(&1, ask).await.unwrap(), 1);
        assert_eq!(*cache.get(&1, async { Ok(Arc::new(2)) }).await.unwrap(), 2);
    }
}
