//! What is counted while it goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A process that is killed and paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Api,
    Worker,
    Postgres,
    Nats,
    Standins,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Postgres => "PostgreSQL",
            Self::Nats => "NATS",
            Self::Standins => "stand-ins",
        })
    }
}

/// Counts by name, and for each name the longest time.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<String, (u64, Duration)>>);

impl Tally {
    /// Counts one more.
    pub fn count(&self, name: impl fmt::Display) {
        self.time(name, Duration::ZERO);
    }

    /// Counts one more that took so long.
    pub fn time(&self, name: impl fmt::Display, took: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, longest) = all.entry(name.to_string()).or_default();
        *count += 1;
        *longest = took.max(*longest);
    }

    /// How many there were in all.
    pub fn total(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().map(|(count, _)| count).sum()
    }

    /// How often each was counted: `api 3, worker 2`.
    pub fn counts(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed(all.iter().map(|(name, (count, _))| format!("{name} {count}")))
    }

    /// The longest of each: `api 0.4 s, worker 0.3 s`.
    pub fn longest_of_each(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed(all.iter().map(|(name, (_, longest))| format!("{name} {}", Seconds(*longest))))
    }

    /// The longest of all.
    pub fn longest(&self) -> Duration {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().map(|(_, longest)| *longest).max().unwrap_or_default()
    }
}

fn listed(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// A duration as it is printed.
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Figures {
    pub kills: Tally,
    pub pauses: Tally,
    pub fhir: Tally,
    pub clocks: Tally,
    /// From a process's restart to its first success.
    pub recoveries: Tally,
    pub answered: Tally,
    pub retries: Tally,
}
