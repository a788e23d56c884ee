//! The sections about the processes themselves. Units stand in the names.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::Deserialize;
use time::Duration;
use vcare_app::jobs::RECORDING;
use vcare_app::waiting::WaitingPace;

use super::Profile;
use crate::telemetry::parse_filter;

/// The longest a job may be held: after a crash it must be done within five minutes all the same.
const LONGEST_LEASE: Duration = Duration::minutes(4);

/// `[api]`: the REST API.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Where it listens, address and port; port 0 picks a free one, which the log names.
    pub listen: SocketAddr,
    /// Threads that answer requests.
    #[schemars(extend("x-default" = "one a core"))]
    pub threads: Option<usize>,
    /// How long requests under way may take after SIGTERM.
    pub shutdown_seconds: u64,
    /// How long a request may take, the arrival of its body included, before it is answered 503.
    pub request_deadline_seconds: u64,
    /// The largest body; a larger one is answered 413.
    pub max_body_bytes: usize,
    /// The time in which a client must read `slow_reader_bytes` of a response, as long as that many are to be sent. Otherwise its
    /// connection is cut.
    pub slow_reader_seconds: u32,
    /// See `slow_reader_seconds`. The default is 1 kB a second.
    pub slow_reader_bytes: u32,
    /// The header in which the gateway in front tells a client's address: `X-Real-IP`, or `X-Forwarded-For`, of which the
    /// last address counts. Without one the peer's address does, which behind a gateway is the gateway's.
    #[schemars(extend("x-default" = "needed in production"))]
    pub client_address_header: Option<String>,
    /// Says that no gateway in front tells clients' addresses: then all callers share one limit of short codes. Needed in
    /// production without `client_address_header`.
    pub allow_no_client_address_in_production: bool,
    /// Origins whose pages may call the API without Kong in between; `*` is all.
    pub cors_allow_origins: Vec<String>,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3031)),
            threads: None,
            shutdown_seconds: 20,
            request_deadline_seconds: 60,
            max_body_bytes: 64 * 1024,
            slow_reader_seconds: 60,
            slow_reader_bytes: 60_000,
            client_address_header: None,
            allow_no_client_address_in_production: false,
            cors_allow_origins: Vec::new(),
        }
    }
}

impl ApiConfig {
    pub(super) fn check(&self, profile: Profile, problems: &mut Vec<String>) {
        let is_name = |name: &String| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if self.client_address_header.as_ref().is_some_and(|name| !is_name(name)) {
            problems.push("api.client_address_header: expected the name of a header".to_owned());
        }
        let told = self.client_address_header.is_some() || self.allow_no_client_address_in_production;
        if profile == Profile::Production && !told {
            problems.push(
                "api.client_address_header: is needed in production: the header in which the gateway in front tells a \
                 client's address (Kong: \"X-Real-IP\"). If none does, say so: \
                 api.allow_no_client_address_in_production = true"
                    .to_owned(),
            );
        }
        for (name, number) in
            [("slow_reader_seconds", self.slow_reader_seconds), ("slow_reader_bytes", self.slow_reader_bytes)]
        {
            if number == 0 {
                problems.push(format!("api.{name}: must be at least 1"));
            }
        }
    }
}

/// `[waiting]`: people who wait for news, with a question held open.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WaitingConfig {
    /// How long a question is held open while there are no news, 1 to 60. What stands in front must wait longer.
    pub longest_seconds: u64,
    /// So many may wait in one process; the next ones are answered at once, and come again.
    pub seats: usize,
    /// How many long polls one join token may hold open in one process, at least 1. When one more comes, the oldest is answered
    /// 204 at once: mostly one that a reload left behind.
    pub polls_per_token: usize,
    /// Whether a connection gives its buffers back while a long poll is open on it. When this is off, each long poll takes about
    /// 19 kB instead of 5; nothing else changes.
    pub park_connections: bool,
    /// How often other processes' changes are looked for, at least 1.
    pub watch_ms: u64,
    /// How long a tenant's lines are remembered: so old a place in line may be.
    pub lines_ms: u64,
}

impl Default for WaitingConfig {
    fn default() -> Self {
        Self {
            longest_seconds: 60,
            seats: 20_000,
            polls_per_token: 3,
            park_connections: true,
            watch_ms: 1000,
            lines_ms: 2000,
        }
    }
}

impl WaitingConfig {
    /// The same for the application.
    ///
    /// `connections` are those for requests: half of them are left to everybody else.
    pub(crate) fn pace(&self, connections: u32) -> WaitingPace {
        WaitingPace {
            longest: std::time::Duration::from_secs(self.longest_seconds),
            seats: self.seats,
            polls_per_token: self.polls_per_token,
            watch: std::time::Duration::from_millis(self.watch_ms),
            lines: std::time::Duration::from_millis(self.lines_ms),
            readers: usize::try_from(connections / 2).unwrap_or(1).max(1),
        }
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        // With the longest pause behind it, a question must end well before the lease that it keeps alive.
        if !(1..=60).contains(&self.longest_seconds) {
            problems.push("waiting.longest_seconds: must be 1 to 60".to_owned());
        }
        if self.polls_per_token == 0 {
            problems.push("waiting.polls_per_token: must be at least 1".to_owned());
        }
        if self.watch_ms == 0 {
            problems.push("waiting.watch_ms: must be at least 1".to_owned());
        }
    }
}

/// `[relay]`: who publishes the outbox.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RelayConfig {
    /// Whether this process may publish the outbox; of all that may, one does.
    pub enabled: bool,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `[clock]`: how each process compares its machine's clock with the database's, whose time counts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClockConfig {
    /// How often the clocks are compared, in seconds; 1 to 60.
    pub compare_seconds: u16,
    /// The largest difference that is none, in milliseconds; 100 to 60,000. Above it the process is not ready, and takes no job and
    /// erases nothing.
    pub tolerance_ms: u32,
}

impl Default for ClockConfig {
    fn default() -> Self {
        Self { compare_seconds: 10, tolerance_ms: 2000 }
    }
}

impl ClockConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if !(1..=60).contains(&self.compare_seconds) {
            problems.push("clock.compare_seconds: 1 to 60".into());
        }
        if !(100..=60_000).contains(&self.tolerance_ms) {
            problems.push("clock.tolerance_ms: 100 to 60000".into());
        }
    }

    pub(crate) fn tolerance(&self) -> time::Duration {
        time::Duration::milliseconds(self.tolerance_ms.into())
    }
}

/// `[worker]`: the retry worker.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// Where the worker's `/health` and `/metrics` are.
    pub listen: SocketAddr,
    /// The most jobs taken at once; at least 1. What of them is not begun when the gateway dies or the worker stops is
    /// given back.
    pub batch: u16,
    /// The most calls to the gateway side by side; at least 1.
    pub concurrency: u16,
    /// How long a taken job is held, of which 15 s are kept for recording the answer; so long a dead worker's jobs
    /// wait. At least 15 s more than `fhir.deadline_ms` and
    /// `communication.deadline_ms`, at most 240.
    pub lease_seconds: u32,
    /// How long an empty queue is left alone.
    pub poll_ms: u64,
    /// How long jobs under way may take after SIGTERM.
    pub shutdown_seconds: u64,
    /// How long answers to idempotency keys are kept.
    pub keep_answers_hours: u32,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3032)),
            batch: 1000,
            concurrency: 32,
            lease_seconds: 60,
            poll_ms: 1000,
            shutdown_seconds: 20,
            keep_answers_hours: 48,
        }
    }
}

impl WorkerConfig {
    /// How long a taken job is held.
    pub(crate) fn lease(&self) -> Duration {
        Duration::seconds(i64::from(self.lease_seconds))
    }

    /// `one_call` is how long a neighbour may take to answer.
    pub(super) fn check(&self, one_call: Duration, problems: &mut Vec<String>) {
        for (name, number) in [("batch", self.batch), ("concurrency", self.concurrency)] {
            if number == 0 {
                problems.push(format!("worker.{name}: must be at least 1"));
            }
        }
        // A lease that ends before the gateway's answer is recorded makes every attempt somebody else's, too.
        let shortest = (one_call + RECORDING).as_seconds_f64().ceil();
        if f64::from(self.lease_seconds) < shortest || self.lease() > LONGEST_LEASE {
            problems.push(format!(
                "worker.lease_seconds: must be {shortest} (fhir.deadline_ms or communication.deadline_ms, and {} s to record the answer) to {}",
                RECORDING.whole_seconds(),
                LONGEST_LEASE.whole_seconds()
            ));
        }
    }
}

/// `[log]`: logs on standard output, one JSON object a line.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// What is logged, as `level` or `target=level,…`: `info,vcare_app=debug`.
    pub filter: String,
}

impl LogConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if let Err(error) = parse_filter(&self.filter) {
            problems.extend(error.problems);
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_production_the_header_with_the_clients_address_must_be_named_or_be_missed_by_name() {
        let problems = |profile, header: Option<&str>, without| {
            let api = ApiConfig {
                client_address_header: header.map(ToOwned::to_owned),
                allow_no_client_address_in_production: without,
                ..ApiConfig::default()
            };
            let mut problems = Vec::new();
            api.check(profile, &mut problems);
            problems.join("\n")
        };
        let told = problems(Profile::Production, None, false);
        assert!(told.contains("api.client_address_header: is needed in production"), "{told}");
        assert!(told.contains("api.allow_no_client_address_in_production = true"), "{told}");
        assert_eq!(problems(Profile::Production, Some("X-Real-IP"), false), "");
        assert_eq!(problems(Profile::Production, None, true), "");
        assert_eq!(problems(Profile::Development, None, false), "");
    }
}
