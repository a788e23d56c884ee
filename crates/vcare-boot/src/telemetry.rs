//! Logs, metrics and traces.

mod catalogue;
mod export;
mod json_lines;
mod placed;
mod spans;

use std::panic::PanicHookInfo;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use ring::digest;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};
use vcare_app::spans::TRACES_ONLY;
use vcare_domain::{TenantId, UserId};

use export::Export;
use json_lines::JsonLines;
pub use json_lines::LOG_SCHEMA_VERSION;
use spans::Spans;

use crate::config::{ConfigError, LogConfig, OtlpConfig, TlsSection};

/// The process' metrics.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Metrics of nobody's: for who composes a process in the middle of another.
    #[must_use]
    pub fn detached() -> Self {
        Self(PrometheusBuilder::new().build_recorder().handle())
    }

    /// All of them, in the Prometheus text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

/// What runs beside the process to tell of it.
pub struct Telemetry {
    /// The metrics.
    pub metrics: Metrics,
    traces: Option<Export>,
}

impl Telemetry {
    /// Sends the last spans, for as long as configured: the last that a process does.
    pub async fn finish(self) {
        if let Some(traces) = self.traces {
            traces.finish().await;
        }
    }
}

/// Starts logs (JSON lines on standard output), metrics and, where somebody collects them, traces, for the whole process.
///
/// # Errors
/// [`ConfigError`] when the filter is none, or when telemetry was started before.
pub fn init_telemetry(
    service: &'static str,
    log: &LogConfig,
    otlp: Option<&OtlpConfig>,
    tls: &TlsSection,
) -> Result<Telemetry, ConfigError> {
    let filter = parse_filter(&log.filter)?;
    let lines = JsonLines::new(service, std::io::stdout);
    let started_before = |_| ConfigError::from("logging was started before".to_owned());
    let traces = match otlp {
        None => {
            // One filter for all: what no line needs costs nothing.
            let subscriber = Registry::default().with(filter).with(filter_fn(may_be_logged)).with(lines);
            tracing::subscriber::set_global_default(subscriber).map_err(started_before)?;
            None
        }
        Some(otlp) => {
            let (queue, export) = export::start(service, otlp, tls)?;
            let lines = lines.with_filter(filter.and(filter_fn(may_be_logged)));
            let spans = Spans::new(queue).with_filter(filter_fn(is_traced));
            let subscriber = Registry::default().with(lines).with(spans);
            tracing::subscriber::set_global_default(subscriber).map_err(started_before)?;
            Some(export)
        }
    };
    std::panic::set_hook(Box::new(told_by_place));
    Ok(Telemetry { metrics: install_metrics()?, traces })
}

/// Our own spans, and no log lines: these may hold what somebody else said.
fn is_traced(span: &Metadata<'_>) -> bool {
    span.is_span() && *span.level() <= Level::INFO && span.target().starts_with("vcare_")
}

/// A panic is told by its place and nothing else: what it says may hold what it was about, and that may be a patient's.
fn told_by_place(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "a panic");
}

/// Whatever the filter asks for: the client of the cloud KMS logs its requests and answers with all that is in them.
fn may_be_logged(event: &Metadata<'_>) -> bool {
    event.target() != TRACES_ONLY && (!event.target().starts_with("aws_") || *event.level() <= Level::INFO)
}

/// What is logged: a level, or `target=level,…`.
pub(crate) fn parse_filter(text: &str) -> Result<Targets, ConfigError> {
    text.parse().map_err(|_| "log.filter: expected a level (info) or target=level,…".to_owned().into())
}

/// How often samples are put into their buckets.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Seconds; from a cached read to the longest deadline.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

fn install_metrics() -> Result<Metrics, ConfigError> {
    let failed = |error: metrics_exporter_prometheus::BuildError| format!("metrics: {error}");
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
        .map_err(failed)?;
    let metrics = Metrics(builder.install_recorder().map_err(failed)?);
    catalogue::begin();
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(keep_up(metrics.clone()));
    }
    Ok(metrics)
}

/// Samples of histograms are put into their buckets when somebody asks for the metrics. If nobody does, they would pile up.
async fn keep_up(metrics: Metrics) {
    let mut every = tokio::time::interval(UPKEEP_EVERY);
    loop {
        every.tick().await;
        metrics.0.run_upkeep();
    }
}

/// A person in the logs: the same person has the same hash. Who it is cannot be read off it; who knows the account can
/// compute it.
#[must_use]
pub fn actor_id_hash(tenant: &TenantId, user: &UserId) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [tenant.as_str(), "\0", user.as_str()] {
        context.update(part.as_bytes());
    }
    let digest = context.finish();
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_collector_spans_that_are_for_traces_alone_do_not_exist() {
        let filter = parse_filter("trace").unwrap();
        let subscriber = Registry::default().with(filter).with(filter_fn(may_be_logged));
        tracing::subscriber::with_default(subscriber, || {
            assert!(tracing::info_span!(target: TRACES_ONLY, "transaction").is_disabled());
            assert!(!tracing::info_span!("request").is_disabled());
        });
    }
}
