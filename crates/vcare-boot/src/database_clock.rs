//! The time that all processes of a deployment share: the database's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use vcare_adapters_postgres::PgJobQueue;
use vcare_app::ports::{Agreement, Clock, ClockReading};

use crate::clock::whole_milliseconds;
use crate::config::ClockConfig;

/// A reading that took longer is not exact enough.
const LONGEST_ANSWER: Duration = Duration::SECOND;
/// How long the first comparison is waited for, before a process begins to work.
const FIRST_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
/// How soon a comparison that failed is tried again while there was none.
const TRY_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// The database's clock, read every few seconds and carried on in between by this machine's monotonic clock, which nobody
/// sets. A machine whose clock is wrong tells the right time by it, but says that its own differs.
///
/// Three clocks show the time: the database's, this machine's, and the one that was carried on since the last reading. The
/// database is believed unless both others contradict it: then it was the database's clock that was moved, and a visit
/// that is under way must not become a day longer by that.
pub struct DatabaseClock {
    machine: Arc<dyn Clock>,
    tolerance: Duration,
    state: Mutex<State>,
}

struct State {
    /// What is added to the uptime to get the time.
    started: OffsetDateTime,
    /// How far this machine's clock was ahead of the database's at the last reading.
    difference: Option<Duration>,
}

impl DatabaseClock {
    /// The machine's clock, until it is compared with the database's. Differences up to `tolerance` are none.
    #[must_use]
    pub fn new(machine: Arc<dyn Clock>, tolerance: Duration) -> Self {
        let started = machine.now() - machine.uptime();
        Self { machine, tolerance, state: Mutex::new(State { started, difference: None }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> OffsetDateTime {
        let started = self.state().started;
        whole_milliseconds(started + self.machine.uptime())
    }

    fn uptime(&self) -> Duration {
        self.machine.uptime()
    }

    fn compare(&self, reading: ClockReading) {
        let took = reading.answered - reading.asked;
        if took > LONGEST_ANSWER {
            return;
        }
        let started = reading.database - (reading.asked + took / 2);
        let machine: Duration = self.machine.now() - (started + self.machine.uptime());
        let mut state = self.state();
        let carried: Duration = state.started - started;
        let first = state.difference.is_none();
        let moved = carried.abs() > self.tolerance;
        let confirmed = machine.abs() <= self.tolerance;
        let contradicted = !confirmed && (machine - carried).abs() <= self.tolerance;
        // A reading is as exact as its answer was quick: a smaller difference means nothing.
        if first || (moved && !contradicted) || (!moved && carried.abs() > took / 2) {
            state.started = started;
        }
        state.difference = Some(machine);
    }

    fn agreement(&self) -> Agreement {
        match self.state().difference {
            None => Agreement::NotCompared,
            Some(difference) if difference.abs() <= self.tolerance => Agreement::Agreed { difference },
            Some(difference) => Agreement::Differs { difference },
        }
    }
}

/// Compares a process's clock with the database's.
pub struct ClockCheck {
    clock: Arc<dyn Clock>,
    database: Arc<PgJobQueue>,
    every: std::time::Duration,
}

impl ClockCheck {
    pub(crate) fn new(clock: Arc<dyn Clock>, database: Arc<PgJobQueue>, config: &ClockConfig) -> Self {
        Self { clock, database, every: std::time::Duration::from_secs(config.compare_seconds.into()) }
    }

    /// Compares once, before the process begins to work. A database that does not answer is not waited for: until it does,
    /// nothing can be written anyway.
    pub async fn first(&self) {
        if timeout(FIRST_PATIENCE, self.once()).await.is_err() {
            tracing::warn!("the database did not tell its time yet");
        }
    }

    /// Compares again and again until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut agreed = true;
        loop {
            let agreement = self.clock.agreement();
            if agreement.is_agreed() != agreed {
                agreed = agreement.is_agreed();
                tell(agreement);
            }
            let wait = match agreement {
                Agreement::NotCompared => TRY_AGAIN,
                Agreement::Agreed { .. } | Agreement::Differs { .. } => self.every,
            };
            if shutdown.run_until_cancelled(sleep(wait)).await.is_none() {
                return;
            }
            self.once().await;
        }
    }

    async fn once(&self) {
        let asked = self.clock.uptime();
        // Why the database does not answer is told where it is asked for work.
        let Ok(database) = self.database.clock().await else { return };
        self.clock.compare(ClockReading { database, asked, answered: self.clock.uptime() });
        if let Agreement::Agreed { difference } | Agreement::Differs { difference } = self.clock.agreement() {
            metrics::gauge!("vcare_clock_difference_seconds").set(difference.as_seconds_f64());
        }
    }
}

fn tell(agreement: Agreement) {
    match agreement {
        Agreement::Differs { difference } => tracing::error!(
            seconds = difference.as_seconds_f64(),
            "this machine's clock and the database's differ: nothing is leased, failed or erased until they agree"
        ),
        Agreement::Agreed { .. } => tracing::info!("this machine's clock and the database's agree"),
        Agreement::NotCompared => {}
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use vcare_testkit::HandClock;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    struct Clocks {
        machine: Arc<HandClock>,
        shared: DatabaseClock,
        database: OffsetDateTime,
    }

    impl Clocks {
        fn at(machine: OffsetDateTime, database: OffsetDateTime) -> Self {
            let machine = HandClock::at(machine);
            let shared = DatabaseClock::new(Arc::clone(&machine) as _, Duration::seconds(2));
            Self { machine, shared, database }
        }

        /// All clocks go on.
        fn pass(&mut self, time: Duration) {
            self.machine.advance(time);
            self.database += time;
        }

        fn compare(&self) {
            let now = self.shared.uptime();
            self.shared.compare(ClockReading { database: self.database, asked: now, answered: now });
        }

        fn difference(&self) -> Option<i64> {
            match self.shared.agreement() {
                Agreement::Differs { difference } => Some(difference.whole_seconds()),
                Agreement::Agreed { .. } => None,
                Agreement::NotCompared => panic!("not compared"),
            }
        }
    }

    #[test]
    fn before_it_is_compared_it_shows_the_machines_time_and_nothing_is_confirmed() {
        let clocks = Clocks::at(NOON, NOON);
        assert_eq!(clocks.shared.now(), NOON);
        assert_eq!(clocks.shared.agreement(), Agreement::NotCompared);
        assert!(!clocks.shared.agreement().is_agreed());
    }

    #[test]
    fn a_machine_whose_clock_is_wrong_shows_the_databases_time_and_says_by_how_much_its_own_differs() {
        for ahead in
            [Duration::minutes(10), -Duration::minutes(10), Duration::DAY, -Duration::DAY, Duration::seconds(15)]
        {
            let mut clocks = Clocks::at(NOON + ahead, NOON);
            clocks.compare();
            assert_eq!((clocks.shared.now(), clocks.difference()), (NOON, Some(ahead.whole_seconds())));
            clocks.pass(Duration::seconds(3));
            assert_eq!(clocks.shared.now(), NOON + Duration::seconds(3));
        }
    }

    #[test]
    fn a_machine_whose_clock_is_set_while_it_runs_goes_on_with_the_right_time() {
        let clocks = Clocks::at(NOON, NOON);
        clocks.compare();
        for step in [Duration::minutes(10), -Duration::DAY] {
            clocks.machine.step(step);
            assert_eq!(clocks.shared.now(), NOON);
            clocks.compare();
            assert_eq!((clocks.shared.now(), clocks.difference()), (NOON, Some(step.whole_seconds())));
            clocks.machine.step(-step);
            clocks.compare();
            assert_eq!((clocks.shared.now(), clocks.difference()), (NOON, None));
        }
    }

    #[test]
    fn a_database_whose_clock_is_moved_is_not_believed_by_a_process_that_knows_better() {
        let mut clocks = Clocks::at(NOON, NOON);
        clocks.compare();
        clocks.database += Duration::DAY;
        clocks.compare();
        assert_eq!((clocks.shared.now(), clocks.difference()), (NOON, Some(-86_400)));
        clocks.database -= Duration::DAY;
        clocks.compare();
        assert_eq!((clocks.shared.now(), clocks.difference()), (NOON, None));
    }

    #[test]
    fn a_machine_that_slept_takes_the_time_that_both_other_clocks_show() {
        let mut clocks = Clocks::at(NOON, NOON);
        clocks.compare();
        // Its monotonic clock stood still.
        clocks.machine.step(Duration::HOUR);
        clocks.database += Duration::HOUR;
        clocks.compare();
        assert_eq!((clocks.shared.now(), clocks.difference()), (NOON + Duration::HOUR, None));
    }

    #[test]
    fn where_all_three_differ_the_database_is_believed() {
        let mut clocks = Clocks::at(NOON, NOON);
        clocks.compare();
        clocks.machine.step(Duration::HOUR);
        clocks.database += Duration::DAY;
        clocks.compare();
        assert_eq!((clocks.shared.now(), clocks.difference()), (NOON + Duration::DAY, Some(3600 - 86_400)));
    }

    #[test]
    fn small_differences_are_corrected_and_are_no_disagreement() {
        let mut clocks = Clocks::at(NOON + Duration::milliseconds(1500), NOON);
        clocks.compare();
        assert_eq!((clocks.shared.now(), clocks.difference()), (NOON, None));
        clocks.database += Duration::milliseconds(40);
        clocks.compare();
        assert_eq!(clocks.shared.now(), NOON + Duration::milliseconds(40));
    }

    #[test]
    fn an_answer_that_took_long_is_worth_nothing_and_one_that_took_a_moment_is_not_more_exact_than_that() {
        let clocks = Clocks::at(NOON, NOON);
        let reading = |database, took| ClockReading {
            database,
            asked: clocks.shared.uptime() - took,
            answered: clocks.shared.uptime(),
        };
        clocks.shared.compare(reading(NOON + Duration::HOUR, Duration::milliseconds(1001)));
        assert_eq!(clocks.shared.agreement(), Agreement::NotCompared);
        clocks.compare();
        clocks.shared.compare(reading(NOON - Duration::milliseconds(10), Duration::milliseconds(80)));
        assert_eq!(clocks.shared.now(), NOON, "the answer left between 0 and 80 ms ago");
        clocks.shared.compare(reading(NOON + Duration::milliseconds(10), Duration::milliseconds(20)));
        assert_eq!(clocks.shared.now(), NOON + Duration::milliseconds(20));
    }
}
