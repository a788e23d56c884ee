//! Counts of failures that are forgotten with time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// So many addresses are counted at once, about a megabyte.
const MOST_ADDRESSES: usize = 10_000;
/// The least time between two looks for addresses that can be forgotten: a look costs as much as there are addresses.
const TIDY_AFTER: Duration = Duration::from_secs(1);

/// So many failures in so much time. Each is forgotten after its share of that time, one after the other (the generic cell
/// rate algorithm).
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    share: Duration,
    within: Duration,
}

impl Allowance {
    /// `most` failures `within` a time; `None` for none.
    pub fn new(most: u32, within: Duration) -> Option<Self> {
        Some(Self { share: within.checked_div(most)?, within })
    }
}

/// One count: when its last failure will be forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count(Instant);

impl Count {
    pub const fn new(now: Instant) -> Self {
        Self(now)
    }

    /// How long until one more failure is allowed; zero when it is now.
    pub fn wait(self, allowance: Allowance, now: Instant) -> Duration {
        self.0.saturating_duration_since(now).saturating_sub(allowance.within.saturating_sub(allowance.share))
    }

    /// One more. Never more than are allowed: however many came, the first is forgotten after its share.
    pub fn add(&mut self, allowance: Allowance, now: Instant) {
        self.0 = (self.0.max(now) + allowance.share).min(now + allowance.within);
    }

    /// One less: it was no failure.
    pub fn take_back(&mut self, allowance: Allowance) {
        self.0 = self.0.checked_sub(allowance.share).unwrap_or(self.0);
    }

    fn is_forgotten(self, now: Instant) -> bool {
        self.0 <= now
    }
}

/// The counts of addresses.
#[derive(Debug)]
pub(super) struct Counts {
    allowance: Allowance,
    by_address: HashMap<IpAddr, Count>,
    tidied: Option<Instant>,
}

impl Counts {
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, by_address: HashMap::new(), tidied: None }
    }

    /// How long until that address may fail once more. When there are too many to count, one that is not counted is treated
    /// as one that failed too often.
    pub fn wait(&self, address: IpAddr, now: Instant) -> Duration {
        match self.by_address.get(&address) {
            Some(count) => count.wait(self.allowance, now),
            None if self.by_address.len() < MOST_ADDRESSES => Duration::ZERO,
            None => self.allowance.share,
        }
    }

    pub fn add(&mut self, address: IpAddr, now: Instant) {
        if let Some(count) = self.by_address.get_mut(&address) {
            count.add(self.allowance, now);
            return;
        }
        if self.by_address.len() >= MOST_ADDRESSES {
            self.tidy(now);
        }
        if self.by_address.len() < MOST_ADDRESSES {
            let mut count = Count::new(now);
            count.add(self.allowance, now);
            self.by_address.insert(address, count);
        }
    }

    pub fn take_back(&mut self, address: IpAddr) {
        if let Some(count) = self.by_address.get_mut(&address) {
            count.take_back(self.allowance);
        }
    }

    fn tidy(&mut self, now: Instant) {
        if self.tidied.is_none_or(|before| now.saturating_duration_since(before) >= TIDY_AFTER) {
            self.tidied = Some(now);
            self.by_address.retain(|_, count| !count.is_forgotten(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn failures_are_forgotten_one_after_the_other_and_more_than_are_allowed_do_not_count() {
        let allowance = Allowance::new(3, 60 * SECOND).unwrap();
        let begin = Instant::now();
        let mut count = Count::new(begin);
        for _ in 0..2 {
            count.add(allowance, begin);
            assert_eq!(count.wait(allowance, begin), Duration::ZERO);
        }
        for _ in 0..100 {
            count.add(allowance, begin);
        }
        assert_eq!(count.wait(allowance, begin), 20 * SECOND);
        assert_eq!(count.wait(allowance, begin + 19 * SECOND), SECOND);
        assert_eq!(count.wait(allowance, begin + 20 * SECOND), Duration::ZERO);
        count.take_back(allowance);
        assert_eq!(count.wait(allowance, begin), Duration::ZERO);
        assert!(!count.is_forgotten(begin + 39 * SECOND) && count.is_forgotten(begin + 40 * SECOND));
        assert!(Allowance::new(0, SECOND).is_none());
    }

    #[test]
    fn no_more_addresses_are_counted_than_there_is_room_for() {
        let mut counts = Counts::new(Allowance::new(1, 60 * SECOND).unwrap());
        let begin = Instant::now();
        let address = |number: usize| IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap()));
        for number in 0..MOST_ADDRESSES + 100 {
            counts.add(address(number), begin);
        }
        assert_eq!(counts.by_address.len(), MOST_ADDRESSES);
        assert_eq!(counts.wait(address(0), begin), 60 * SECOND);
        assert!(!counts.wait(address(MOST_ADDRESSES + 1), begin).is_zero(), "nobody knows of this one");
        let later = begin + 61 * SECOND;
        counts.add(address(MOST_ADDRESSES + 1), later);
        assert_eq!(counts.by_address.len(), 1, "the others are forgotten");
        assert!(counts.wait(address(0), later).is_zero());
    }
}
