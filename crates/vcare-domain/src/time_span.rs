//! Stretches of time, and what several of them have in common.

use time::{Duration, OffsetDateTime};

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    /// When it began.
    pub from: OffsetDateTime,
    /// When it ended; `None` while it runs.
    pub to: Option<OffsetDateTime>,
}

/// The last second that had begun then.
fn second(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::nanoseconds(i64::from(at.nanosecond()))
}

/// The earlier of two ends; what runs ends later than anything.
fn earlier(a: Option<OffsetDateTime>, b: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (end, None) | (None, end) => end,
    }
}

/// Whether an end lies before that moment.
fn is_over(end: Option<OffsetDateTime>, at: OffsetDateTime) -> bool {
    end.is_some_and(|end| end < at)
}

impl TimeSpan {
    /// One that runs from then on.
    #[must_use]
    pub const fn since(from: OffsetDateTime) -> Self {
        Self { from, to: None }
    }

    /// Its length in whole seconds; 0 while it runs.
    #[must_use]
    pub fn whole_seconds(&self) -> u32 {
        self.to.map_or(0, |to| u32::try_from((to - self.from).whole_seconds()).unwrap_or(0))
    }

    /// What two stretches have in common; `None` when they only touch, or do not even meet.
    fn common(self, other: Self) -> Option<Self> {
        let common = Self { from: self.from.max(other.from), to: earlier(self.to, other.to) };
        common.to.is_none_or(|to| common.from < to).then_some(common)
    }

    /// With borders at whole seconds; `None` when less than a second is left of it.
    fn rounded(self) -> Option<Self> {
        let rounded = Self { from: second(self.from), to: self.to.map(second) };
        (rounded.to != Some(rounded.from)).then_some(rounded)
    }
}

/// The time that is in at least one of the stretches, in order; those that meet become one.
#[must_use]
pub fn union(spans: impl IntoIterator<Item = TimeSpan>) -> Vec<TimeSpan> {
    let mut spans: Vec<_> = spans.into_iter().collect();
    spans.sort_by_key(|span| span.from);
    let mut union: Vec<TimeSpan> = Vec::new();
    for span in spans {
        match union.last_mut() {
            Some(last) if !is_over(last.to, span.from) => {
                last.to = last.to.zip(span.to).map(|(last, to)| last.max(to));
            }
            _ => union.push(span),
        }
    }
    union
}

/// The time that is in both; each of them in order and without overlaps, as [`union`] answers it.
#[must_use]
pub fn intersection(a: &[TimeSpan], b: &[TimeSpan]) -> Vec<TimeSpan> {
    a.iter().flat_map(|a| b.iter().filter_map(|b| a.common(*b))).collect()
}

/// The same with borders at whole seconds, so that lengths in seconds add up however time is cut. Of a stretch, what is less
/// than a second is left out.
#[must_use]
pub fn in_whole_seconds(spans: &[TimeSpan]) -> Vec<TimeSpan> {
    union(spans.iter().filter_map(|span| span.rounded()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn span(from: i64, to: i64) -> TimeSpan {
        let at = |ms| NOON + Duration::milliseconds(ms);
        TimeSpan { from: at(from), to: Some(at(to)) }
    }

    fn running(from: i64) -> TimeSpan {
        TimeSpan { to: None, ..span(from, from) }
    }

    #[test]
    fn stretches_that_meet_become_one_and_a_running_one_has_no_end() {
        assert_eq!(union([span(30, 40), span(0, 10), span(10, 20)]), [span(0, 20), span(30, 40)]);
        assert_eq!(union([span(0, 10), running(5), span(7, 8)]), [running(0)]);
    }

    #[test]
    fn what_two_people_have_in_common_is_when_both_were_there() {
        let doctor = [span(0, 10), span(20, 30)];
        assert_eq!(intersection(&doctor, &[span(5, 25)]), [span(5, 10), span(20, 25)]);
        assert_eq!(intersection(&doctor, &[span(10, 20)]), [], "they only touch");
        assert_eq!(intersection(&[running(0)], &[running(7)]), [running(7)]);
    }

    #[test]
    fn borders_at_whole_seconds_lose_nothing_between_two_stretches() {
        let cut = [span(300, 1_400), span(1_400, 2_900)];
        let seconds: u32 = cut.iter().flat_map(|one| in_whole_seconds(&[*one])).map(|one| one.whole_seconds()).sum();
        assert_eq!((seconds, in_whole_seconds(&cut)), (2, vec![span(0, 2_000)]));
        assert_eq!(in_whole_seconds(&[span(100, 900)]), []);
        assert_eq!(in_whole_seconds(&[running(900)]), [running(0)]);
    }

    fn spans() -> impl Strategy<Value = Vec<TimeSpan>> {
        let one = (0..60_i64, 0..20_i64).prop_map(|(from, length)| span(from * 1000, (from + length) * 1000));
        prop::collection::vec(one, 0..8)
    }

    fn contains(spans: &[TimeSpan], ms: i64) -> bool {
        let at = NOON + Duration::milliseconds(ms);
        spans.iter().any(|span| span.from <= at && span.to.is_none_or(|to| at < to))
    }

    proptest! {
        #[test]
        fn union_and_intersection_are_those_of_sets(a in spans(), b in spans()) {
            let (whole_a, whole_b) = (union(a.clone()), union(b.clone()));
            let (either, both) = (union([a.clone(), b.clone()].concat()), intersection(&whole_a, &whole_b));
            for ms in (500..90_000).step_by(1000) {
                prop_assert_eq!(contains(&either, ms), contains(&a, ms) || contains(&b, ms));
                prop_assert_eq!(contains(&both, ms), contains(&a, ms) && contains(&b, ms));
            }
            prop_assert!(both.windows(2).all(|pair| pair[0].to.unwrap() <= pair[1].from));
        }
    }
}
