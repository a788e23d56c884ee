//! Keeps a dead neighbour from being asked by everybody: after a few failures in a row it is left alone, and one call in
//! a while finds out whether it is back.

use std::sync::{Mutex, PoisonError};

use time::Duration;

use crate::ports::{NeighbourError, NeighbourFault};

/// How many failures in a row it takes.
const FAILURES: u32 = 5;
/// The first rest; each failed probe doubles it.
const SHORTEST_REST: Duration = Duration::seconds(5);
/// The longest rest: recovery must show within a minute.
const LONGEST_REST: Duration = Duration::seconds(30);
/// A probe that has not come back by then is taken for lost with who sent it.
const PROBE_PATIENCE: Duration = Duration::seconds(60);

/// Whether a neighbour may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// As often as wanted.
    All,
    /// Once, to find out: the result must be told.
    Probe,
    /// Not before then.
    No {
        /// When to ask for a permit again.
        until: Duration,
    },
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// It answers; so many failures since it last did.
    Closed { failures: u32 },
    /// It is left alone.
    Open { until: Duration, rest: Duration },
    /// One call is under way.
    Probing { since: Duration, rest: Duration },
}

/// The circuit breaker of one neighbour, for one process. Its times are [`Clock::uptime`](crate::ports::Clock::uptime): a clock that
/// is set back keeps no breaker open.
#[derive(Debug)]
pub struct Breaker {
    neighbour: &'static str,
    state: Mutex<State>,
}

impl Breaker {
    /// A closed one. `neighbour` names it in metrics and logs.
    #[must_use]
    pub const fn new(neighbour: &'static str) -> Self {
        Self { neighbour, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Asks whether the neighbour may be called. [`Permit::Probe`] is given to one caller at a time.
    pub fn permit(&self, now: Duration) -> Permit {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Closed { .. } => Permit::All,
            State::Open { until, .. } if now < until => Permit::No { until },
            State::Probing { since, .. } if now - since < PROBE_PATIENCE => {
                Permit::No { until: since + PROBE_PATIENCE }
            }
            State::Open { rest, .. } | State::Probing { rest, .. } => {
                *state = State::Probing { since: now, rest };
                Permit::Probe
            }
        }
    }

    /// Whether the neighbour is left alone now; asks for nothing.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(*self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Open { .. })
    }

    /// Tells that the neighbour answered, whatever it said.
    pub fn answered(&self) {
        let before = std::mem::replace(
            &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner),
            State::Closed { failures: 0 },
        );
        if !matches!(before, State::Closed { .. }) {
            tracing::info!(neighbour = self.neighbour, "the neighbour is back");
            self.show(false);
        }
    }

    /// Tells that it did not.
    pub fn failed(&self, now: Duration, retry_after: Option<Duration>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = match *state {
            State::Closed { failures } if failures + 1 < FAILURES => {
                *state = State::Closed { failures: failures + 1 };
                return;
            }
            State::Closed { .. } => SHORTEST_REST,
            State::Probing { rest, .. } => rest.saturating_mul(2).min(LONGEST_REST),
            // A call that began before it was opened: nothing new.
            State::Open { .. } => return,
        };
        let wanted = rest.max(retry_after.unwrap_or_default()).min(LONGEST_REST);
        if matches!(*state, State::Closed { .. }) {
            tracing::warn!(neighbour = self.neighbour, "the neighbour does not answer and is left alone for a while");
        }
        *state = State::Open { until: now + wanted, rest };
        self.show(true);
    }

    /// Gives a probe back that was not needed.
    pub fn unused(&self, now: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Probing { rest, .. } = *state {
            *state = State::Open { until: now, rest };
        }
    }

    fn show(&self, open: bool) {
        metrics::gauge!("vcare_breaker_open", "neighbour" => self.neighbour).set(if open { 1.0 } else { 0.0 });
    }
}

impl NeighbourError {
    /// Whether it says that the neighbour is out of order, and not only that this one wish cannot be fulfilled.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        match self.fault {
            NeighbourFault::Status(status) => matches!(status, 401 | 403 | 408 | 429 | 500..),
            NeighbourFault::Unreachable | NeighbourFault::TimedOut | NeighbourFault::Malformed => true,
            // Our own setting, or our own caller: nobody was asked.
            NeighbourFault::ForbiddenAddress | NeighbourFault::CutShort => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Duration = Duration::hours(12);

    fn at(seconds: i64) -> Duration {
        NOON + Duration::seconds(seconds)
    }

    fn opened() -> Breaker {
        let breaker = Breaker::new("test");
        for _ in 0..FAILURES {
            breaker.failed(NOON, None);
        }
        breaker
    }

    #[test]
    fn a_few_failures_do_not_open_it_and_an_answer_forgets_them() {
        let breaker = Breaker::new("test");
        for _ in 0..3 {
            for _ in 1..FAILURES {
                breaker.failed(NOON, None);
            }
            assert_eq!(breaker.permit(NOON), Permit::All);
            breaker.answered();
        }
    }

    #[test]
    fn an_open_one_gives_one_probe_after_its_rest() {
        let breaker = opened();
        assert_eq!(breaker.permit(at(4)), Permit::No { until: at(5) });
        assert_eq!(breaker.permit(at(5)), Permit::Probe);
        assert_eq!(breaker.permit(at(5)), Permit::No { until: at(65) });
    }

    #[test]
    fn an_answered_probe_closes_it() {
        let breaker = opened();
        assert_eq!(breaker.permit(at(5)), Permit::Probe);
        breaker.answered();
        assert_eq!(breaker.permit(at(5)), Permit::All);
    }

    #[test]
    fn failed_probes_double_the_rest_up_to_half_a_minute() {
        let breaker = opened();
        let mut now = at(5);
        for rest in [10, 20, 30, 30] {
            assert_eq!(breaker.permit(now), Permit::Probe);
            breaker.failed(now, None);
            let until = now + Duration::seconds(rest);
            assert_eq!(breaker.permit(now), Permit::No { until });
            now = until;
        }
    }

    #[test]
    fn a_wish_to_be_left_alone_is_heard_up_to_half_a_minute() {
        let breaker = opened();
        assert_eq!(breaker.permit(at(5)), Permit::Probe);
        breaker.failed(at(5), Some(Duration::HOUR));
        assert_eq!(breaker.permit(at(6)), Permit::No { until: at(35) });
    }

    #[test]
    fn a_probe_that_never_comes_back_is_sent_again() {
        let breaker = opened();
        assert_eq!(breaker.permit(at(5)), Permit::Probe);
        assert_eq!(breaker.permit(at(65)), Permit::Probe);
    }

    #[test]
    fn a_probe_that_was_not_needed_can_be_had_again() {
        let breaker = opened();
        assert_eq!(breaker.permit(at(5)), Permit::Probe);
        breaker.unused(at(5));
        assert_eq!(breaker.permit(at(5)), Permit::Probe);
    }

    #[test]
    fn late_failures_of_calls_begun_before_do_not_prolong_the_rest() {
        let breaker = opened();
        breaker.failed(at(3), None);
        assert_eq!(breaker.permit(at(5)), Permit::Probe);
    }
}
