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
    /// Over, or nearly two years ahead.
    #[error("scheduledStart must lie between a day ago and two years ahead")]
    OutOfRange,
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
}
