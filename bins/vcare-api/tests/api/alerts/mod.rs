//! Alerts, in the real Prometheus, about the real processes: each fires when that happens which it is about, and none of them
//! while all is well.
//!
//! The rules are those of `deploy/observability`, in a world that is sixty times as fast: `for:`, `interval:` and ranges are a
//! sixtieth, so that five minutes are five seconds. Nothing else of the expressions is changed.

mod events;
mod keys;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use vcare_testkit::prometheus::sixty_times_as_fast;
use vcare_testkit::{Prometheus, ServiceProcess, Subscriber, until};

use crate::support::{Program, WITH_TRACES};

/// Alerts that a slow machine fires.
const ABOUT_SPEED: [&str; 3] = ["VcareRequestsSlowFast", "VcareRequestsSlowSlowly", "VcareDatabaseConnectionsShort"];

/// The service, api and worker, watched by a Prometheus.
struct Watched {
    app: Program,
    worker: ServiceProcess,
    /// The communication-service, as far as it reads our events.
    communication: Subscriber,
    prometheus: Prometheus,
}

impl Watched {
    async fn start(settings: &str) -> Self {
        let settings = format!("{WITH_TRACES}\notlp.every_ms = 50\n{settings}");
        let app = Box::pin(Program::start(&settings)).await;
        let communication = app.standins.subscribe_communication(&app.nats.url()).await.unwrap();
        let worker = app.worker().await;
        // It looks every 15 s, and no faster here than elsewhere.
        let has_measured = async || app.metrics_at(worker.address()).await.contains("vcare_jobs_open{");
        until("the worker has measured its jobs", has_measured).await;
        let processes = [("vcare-api", app.process.address()), ("vcare-retry-worker", worker.address())];
        let prometheus = Prometheus::watch(&sixty_times_as_fast(&rules()).unwrap(), &processes).await.unwrap();
        Self { app, worker, communication, prometheus }
    }

    /// The alert has not fired; from here on what happens may make it.
    async fn is_quiet(&self, alert: &str) {
        assert!(rules().contains(&format!("- alert: {alert}\n")), "there is no alert {alert}");
        let fired = self.fired().await;
        assert!(!fired.contains(alert), "{alert} fired before there was a reason: {fired:?}");
    }

    /// Waits until the alert fires, or has fired.
    async fn fires(&self, alert: &str) {
        until(&format!("{alert} fires"), async || self.fired().await.contains(alert)).await;
    }

    /// One event makes the alert fire.
    async fn fires_after(&self, alert: &str, event: impl Future<Output = ()>) {
        self.is_quiet(alert).await;
        event.await;
        self.fires(alert).await;
    }

    /// What goes on and on makes the alert fire.
    async fn fires_during(&self, alert: &str, event: impl AsyncFn()) {
        self.is_quiet(alert).await;
        let fires = async || {
            event().await;
            self.fired().await.contains(alert)
        };
        until(&format!("{alert} fires"), fires).await;
    }

    async fn fired(&self) -> BTreeSet<String> {
        self.prometheus.fired().await.unwrap()
    }
}

fn rules() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/observability/prometheus-rules.yml");
    std::fs::read_to_string(file).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_in_which_all_is_well_fires_no_alert() {
    let watched = Watched::start("").await;
    let app = &watched.app;
    let visits = [app.active_visit().await, app.active_visit().await];
    app.long_enough().await;
    for (visit, _) in &visits {
        app.accept(visit, &app.draft(visit).await).await.expect(200);
        assert_eq!(app.end(visit).await.expect(200).body["encounterStatus"], "created");
    }
    // As long as the longest `for:` of what is not about promises, and the worker's next look at its jobs.
    let readings = watched.prometheus.readings("vcare-api").await.unwrap();
    let long_enough = async || watched.prometheus.readings("vcare-api").await.unwrap() >= readings + 20;
    until("Prometheus has looked for a while", long_enough).await;
    let mut fired = watched.fired().await;
    // How fast a machine is that builds and tests other things beside is not what this is about.
    fired.retain(|alert| !ABOUT_SPEED.contains(&alert.as_str()));
    assert_eq!(fired, BTreeSet::new());
}

/// What Prometheus' own tool has to say of the metrics of a process.
fn lint(metrics: &str) -> String {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().unwrap();
    promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_finds_no_fault_with_the_metrics_of_either_process() {
    let program = Program::start(WITH_TRACES).await;
    let worker = program.worker().await;
    let (visit, _) = program.active_visit().await;
    program.long_enough().await;
    program.end(&visit).await.expect(200);
    until("the worker has measured", async || program.metrics_at(worker.address()).await.contains("vcare_jobs_open{"))
        .await;
    for metrics in [program.metrics().await, program.metrics_at(worker.address()).await] {
        assert!(metrics.contains("# TYPE vcare_"), "{metrics}");
        assert_eq!(lint(&metrics), "");
    }
    assert!(lint("# TYPE vcare_count counter\nvcare_count 1\n").contains("vcare_count"));
}
