//! When a visit is planned.

use time::{Duration, OffsetDateTime, UtcOffset};

use crate::text::TimeZoneName;

/// Length of a visit for which no end was given.
pub const DEFAULT_VISIT_LENGTH: Duration = Duration::minutes(30);
/// The longest visit that can be planned.
pub const MAX_VISIT_LENGTH: Duration = Duration::hours(12);
/// How far ahead a visit can be planned.
const MAX_AHEAD: Duration = Duration::days(2 * 366);
/// How late a visit can still be entered: a device that was offline for a while, a clinic that began before typing.
const MAX_BEHIND: Duration = Duration::days(1);

/// A planned time that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// The end is not after the start.
    #[error("scheduledEnd must be after scheduledStart")]
    EndsBeforeStart,
    /// Longer than [`MAX_VISIT_LENGTH`].
    #[error("a visit lasts at most 12 hours")]
    TooLong,
    /// Moved to a time that is over.
    #[error("a visit is moved to a time that has not passed")]
    HasPassed,
    /// Over, or nearly two years ahead.
    #[error("scheduledStart must lie between a day ago and two years ahead")]
    OutOfRange,
}

/// Where a visit is moved to. What is absent stays.
#[derive(Debug, Clone, Default)]
pub struct NewTime {
    /// Planned start.
    pub start: Option<OffsetDateTime>,
    /// Planned end; when only the start is given, the visit keeps its length.
    pub end: Option<OffsetDateTime>,
    /// The zone in which people speak of it.
    pub time_zone: Option<TimeZoneName>,
}

/// The planned start and end of a visit: instants in UTC, and the zone in which people speak of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    start: OffsetDateTime,
    end: OffsetDateTime,
    time_zone: TimeZoneName,
}

impl Schedule {
    /// Plans a visit; without `end` it lasts [`DEFAULT_VISIT_LENGTH`].
    ///
    /// # Errors
    /// [`InvalidSchedule`] when the times make no visit, seen from `now`.
    pub fn plan(
        start: OffsetDateTime,
        end: Option<OffsetDateTime>,
        time_zone: TimeZoneName,
        now: OffsetDateTime,
    ) -> Result<Self, InvalidSchedule> {
        if start - now > MAX_AHEAD || now - start > MAX_BEHIND {
            return Err(InvalidSchedule::OutOfRange);
        }
        let end = end.unwrap_or(start + DEFAULT_VISIT_LENGTH);
        if end <= start {
            return Err(InvalidSchedule::EndsBeforeStart);
        }
        if end - start > MAX_VISIT_LENGTH {
            return Err(InvalidSchedule::TooLong);
        }
        Ok(Self::restore(start, end, time_zone))
    }

    /// Moves a visit to another time, or changes its end or its zone alone. What is absent stays; without `end` the visit keeps its
    /// length.
    ///
    /// # Errors
    /// As [`Self::plan`]; [`InvalidSchedule::HasPassed`] for a start that is moved into the past, or an end that has passed.
    pub fn moved(&self, to: &NewTime, now: OffsetDateTime) -> Result<Self, InvalidSchedule> {
        let start = to.start.unwrap_or(self.start);
        let end = to.end.unwrap_or(start + (self.end - self.start));
        if (start != self.start && start < now) || (end != self.end && end <= now) {
            return Err(InvalidSchedule::HasPassed);
        }
        let zone = to.time_zone.as_ref().unwrap_or(&self.time_zone).clone();
        match Self::plan(start, Some(end), zone, now) {
            // It may have been planned longer ago than a visit can be entered, and keeps its start.
            Err(InvalidSchedule::OutOfRange) if start == self.start => Err(InvalidSchedule::HasPassed),
            planned => planned,
        }
    }

    /// A schedule as it was stored.
    #[must_use]
    pub fn restore(start: OffsetDateTime, end: OffsetDateTime, time_zone: TimeZoneName) -> Self {
        let to_utc = |instant: OffsetDateTime| instant.to_offset(UtcOffset::UTC);
        Self { start: to_utc(start), end: to_utc(end), time_zone }
    }

    /// Planned start, UTC.
    #[must_use]
    pub fn start(&self) -> OffsetDateTime {
        self.start
    }

    /// Planned end, UTC.
    #[must_use]
    pub fn end(&self) -> OffsetDateTime {
        self.end
    }

    /// The zone in which the clinic tells the time.
    #[must_use]
    pub fn time_zone(&self) -> &TimeZoneName {
        &self.time_zone
    }
}

/// How much later than planned a patient comes: 10, 20 or 30 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay(u8);

impl Delay {
    /// Those that can be announced, in minutes.
    pub const MINUTES: [u8; 3] = [10, 20, 30];

    /// The delay of that many minutes; `None` for one that cannot be announced.
    #[must_use]
    pub fn from_minutes(minutes: u8) -> Option<Self> {
        Self::MINUTES.contains(&minutes).then_some(Self(minutes))
    }

    /// In minutes.
    #[must_use]
    pub const fn minutes(self) -> u8 {
        self.0
    }

    /// As a span of time.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::minutes(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn plan(start: OffsetDateTime, end: Option<OffsetDateTime>) -> Result<Schedule, InvalidSchedule> {
        Schedule::plan(start, end, TimeZoneName::parse("Asia/Kabul").unwrap(), datetime!(2026-03-01 08:00 UTC))
    }

    #[test]
    fn a_visit_without_end_lasts_half_an_hour() {
        let schedule = plan(datetime!(2026-03-01 14:00 +04:30), None).unwrap();
        assert_eq!(schedule.start(), datetime!(2026-03-01 09:30 UTC));
        assert_eq!(schedule.end(), datetime!(2026-03-01 10:00 UTC));
    }

    #[test]
    fn times_that_make_no_visit_are_refused() {
        let start = datetime!(2026-03-01 09:00 UTC);
        assert_eq!(plan(start, Some(start)), Err(InvalidSchedule::EndsBeforeStart));
        assert_eq!(plan(start, Some(start + Duration::hours(13))), Err(InvalidSchedule::TooLong));
        assert_eq!(plan(datetime!(1970-01-01 0:00 UTC), None), Err(InvalidSchedule::OutOfRange));
        assert_eq!(plan(datetime!(2036-01-01 0:00 UTC), None), Err(InvalidSchedule::OutOfRange));
    }

    fn to(start: Option<OffsetDateTime>, end: Option<OffsetDateTime>) -> NewTime {
        NewTime { start, end, time_zone: None }
    }

    #[test]
    fn a_visit_that_is_moved_keeps_what_is_not_said() {
        let now = datetime!(2026-03-01 08:00 UTC);
        let planned = plan(datetime!(2026-03-01 09:00 UTC), Some(datetime!(2026-03-01 09:45 UTC))).unwrap();
        let moved = planned.moved(&to(Some(datetime!(2026-03-02 10:00 UTC)), None), now).unwrap();
        assert_eq!((moved.start(), moved.end()), (datetime!(2026-03-02 10:00 UTC), datetime!(2026-03-02 10:45 UTC)));
        assert_eq!(moved.time_zone().as_str(), "Asia/Kabul");
        let longer = planned.moved(&to(None, Some(datetime!(2026-03-01 10:00 UTC))), now).unwrap();
        assert_eq!((longer.start(), longer.end()), (planned.start(), datetime!(2026-03-01 10:00 UTC)));
        let zone = TimeZoneName::parse("Asia/Tehran").unwrap();
        let elsewhere = planned.moved(&NewTime { time_zone: Some(zone), ..NewTime::default() }, now).unwrap();
        assert_eq!((elsewhere.start(), elsewhere.time_zone().as_str()), (planned.start(), "Asia/Tehran"));
        assert_eq!(planned.moved(&NewTime::default(), now).unwrap(), planned);
    }

    #[test]
    fn a_visit_is_not_moved_into_the_past_and_can_be_prolonged_while_it_is_due() {
        let planned = plan(datetime!(2026-03-01 09:00 UTC), None).unwrap();
        let later = datetime!(2026-03-01 09:10 UTC);
        let moved = |start, end| planned.moved(&to(start, end), later);
        assert_eq!(moved(Some(datetime!(2026-03-01 09:05 UTC)), None), Err(InvalidSchedule::HasPassed));
        assert_eq!(moved(None, Some(datetime!(2026-03-01 09:08 UTC))), Err(InvalidSchedule::HasPassed));
        assert!(moved(None, Some(datetime!(2026-03-01 10:30 UTC))).is_ok());
        assert_eq!(moved(None, Some(datetime!(2026-03-01 22:30 UTC))), Err(InvalidSchedule::TooLong));
        let (far, before) = (datetime!(2036-03-01 09:05 UTC), datetime!(2026-03-01 08:50 UTC));
        assert_eq!(moved(Some(far), None), Err(InvalidSchedule::OutOfRange));
        assert_eq!(moved(None, Some(before)), Err(InvalidSchedule::HasPassed));
        let forgotten = planned.moved(&to(None, Some(datetime!(2026-03-05 09:00 UTC))), datetime!(2026-03-04 9:00 UTC));
        assert_eq!(forgotten, Err(InvalidSchedule::HasPassed));
    }

    #[test]
    fn ten_twenty_and_thirty_minutes_can_be_announced() {
        let known: Vec<u8> = (0..=255).filter(|minutes| Delay::from_minutes(*minutes).is_some()).collect();
        assert_eq!(known, [10, 20, 30]);
        assert_eq!(Delay::from_minutes(20).map(Delay::duration), Some(Duration::minutes(20)));
    }
}
