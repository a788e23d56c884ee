//! The line of those who wait: who is next, and how long it will honestly take.

use time::{Duration, OffsetDateTime};

use crate::ids::SessionId;
use crate::text::UserId;

/// So many visits must have been held before anything is said about how long the next ones take.
const ENOUGH: usize = 3;
/// The longest pause between two questions: with the question itself it stays well below a lease.
const LONGEST_PAUSE: u32 = 30;

/// Somebody who waits, by their visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiter {
    /// The visit.
    pub session_id: SessionId,
    /// When it is planned: nobody is seen before that.
    pub planned: OffsetDateTime,
}

/// Those whose visits are open and who wait for one provider, or for whoever comes: by planned start, then by arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Whom they wait for; `None`: whoever is free.
    pub provider_id: Option<UserId>,
    /// Who waits.
    pub waiters: Vec<Waiter>,
    /// How long the provider's latest visits took.
    pub took: Vec<Duration>,
    /// How long the tenant's latest visits took.
    pub tenant_took: Vec<Duration>,
    /// Since when each visit goes on that the line waits for: the provider's, or all of the tenant's.
    pub going_on: Vec<OffsetDateTime>,
}

/// Somebody's place in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// 1 is next.
    pub number: u32,
    /// How long it will take, in whole minutes, at least 1; `None` when nobody can know.
    pub minutes: Option<u32>,
}

/// The middle one of enough lengths.
fn usual(took: &[Duration]) -> Option<Duration> {
    if took.len() < ENOUGH {
        return None;
    }
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

impl Queue {
    /// The place of who has so many before them.
    #[must_use]
    pub fn place(&self, ahead: usize, now: OffsetDateTime) -> Option<Place> {
        let waiter = self.waiters.get(ahead)?;
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX - 1);
        let minutes = self.wait(ahead, now).map(|wait| whole_minutes(wait.max(waiter.planned - now)));
        Some(Place { number: ahead + 1, minutes })
    }

    /// How long until it is the turn of who has so many before them: what is left of the visit that goes on, and a usual
    /// visit for each. Several who serve one line share it.
    fn wait(&self, ahead: u32, now: OffsetDateTime) -> Option<Duration> {
        let usual = usual(&self.took).or_else(|| usual(&self.tenant_took))?;
        let hands = u32::try_from(self.going_on.len().max(1)).unwrap_or(u32::MAX);
        // The one that ends first lets the first one in; a visit that takes longer than usual may end at any moment.
        let left = self.going_on.iter().map(|since| (usual - (now - *since)).max(Duration::ZERO)).min();
        Some(left.unwrap_or(Duration::ZERO) + usual * (ahead / hands))
    }
}

/// Rounded up: who is told two minutes does not wait for three.
fn whole_minutes(wait: Duration) -> u32 {
    let seconds = u64::try_from(wait.whole_seconds()).unwrap_or(0);
    u32::try_from(seconds.div_ceil(60)).unwrap_or(u32::MAX).max(1)
}

/// How many seconds somebody in that place may leave before they ask again. Who is next asks at once; who has many before
/// them saves the bytes, and is still taken to be there.
#[must_use]
pub fn pause_before_asking(place: Option<Place>) -> u32 {
    let before = place.map_or(0, |place| place.number.saturating_sub(2));
    before.saturating_mul(5).clamp(1, LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn visit(n: usize) -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(n as u128))
    }

    fn minutes(all: &[i64]) -> Vec<Duration> {
        all.iter().map(|minutes| Duration::minutes(*minutes)).collect()
    }

    /// So many who were all planned for noon.
    fn line(people: usize, took: &[i64], going_on: &[i64]) -> Queue {
        Queue {
            provider_id: None,
            waiters: (0..people).map(|n| Waiter { session_id: visit(n), planned: NOON }).collect(),
            took: minutes(took),
            tenant_took: Vec::new(),
            going_on: going_on.iter().map(|ago| NOON - Duration::minutes(*ago)).collect(),
        }
    }

    fn place(queue: &Queue, n: usize) -> (u32, Option<u32>) {
        let place = queue.place(n, NOON).unwrap();
        (place.number, place.minutes)
    }

    #[test]
    fn who_came_first_is_next_and_each_before_somebody_takes_a_usual_visit() {
        let queue = line(3, &[10, 11, 40], &[]);
        assert_eq!([0, 1, 2].map(|n| place(&queue, n)), [(1, Some(1)), (2, Some(11)), (3, Some(22))]);
        assert_eq!(queue.place(3, NOON), None);
    }

    #[test]
    fn what_is_left_of_the_visit_that_goes_on_is_waited_for() {
        assert_eq!(place(&line(2, &[10, 10, 10], &[4]), 0), (1, Some(6)));
        assert_eq!(place(&line(2, &[10, 10, 10], &[4]), 1), (2, Some(16)));
        // It takes longer than usual: it may end at any moment.
        assert_eq!(place(&line(2, &[10, 10, 10], &[60]), 1), (2, Some(10)));
    }

    #[test]
    fn several_who_serve_one_line_share_it() {
        let queue = line(5, &[10, 10, 10], &[10, 10]);
        assert_eq!([1, 2, 3, 4].map(|n| place(&queue, n).1), [Some(1), Some(10), Some(10), Some(20)]);
    }

    #[test]
    fn nobody_is_told_to_be_seen_before_their_planned_time() {
        let mut queue = line(1, &[10, 10, 10], &[]);
        queue.waiters[0].planned = NOON + Duration::seconds(90 * 60 + 1);
        assert_eq!(place(&queue, 0), (1, Some(91)));
    }

    #[test]
    fn what_nobody_can_know_is_not_told() {
        let mut queue = line(2, &[10, 10], &[]);
        assert_eq!(place(&queue, 1), (2, None));
        queue.tenant_took = minutes(&[20, 20, 20]);
        assert_eq!(place(&queue, 1), (2, Some(20)), "the tenant's, where the provider's are too few");
    }

    #[test]
    fn who_is_next_asks_at_once_and_who_is_far_back_leaves_half_a_minute() {
        let pause = |number| pause_before_asking(Some(Place { number, minutes: None }));
        assert_eq!([1, 2, 3, 4, 8, 9, u32::MAX].map(pause), [1, 1, 5, 10, 30, 30, 30]);
        assert_eq!(pause_before_asking(None), 1);
    }

    proptest! {
        #[test]
        fn nobody_further_back_waits_shorter_and_every_estimate_is_a_minute_or_more(
            people in 1..40_usize,
            took in prop::collection::vec(0..600_i64, 3..12),
            going_on in prop::collection::vec(-600..600_i64, 0..6),
        ) {
            let queue = line(people, &took, &going_on);
            let told: Vec<u32> = (0..people).map(|n| place(&queue, n).1.unwrap()).collect();
            prop_assert!(told.is_sorted() && told.iter().all(|minutes| *minutes >= 1));
        }
    }
}
