//! The real program as a process of its own: for what cannot be seen from inside the test's process.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use tokio_util::sync::CancellationToken;
use vcare_app::ports::Clock;
use vcare_boot::{Config, Overrides, SystemClock, compose, install_crypto};
use vcare_testkit::events::the_stream_must_keep_its_contracts;
use vcare_testkit::{HandClock, NatsServer, ServiceProcess, TestDatabase};

use super::TestApp;
use super::around::{Around, folder};

/// Says in added settings that traces are collected, by the stand-in.
pub const WITH_TRACES: &str = "# with traces";

/// `vcare-api` and all that is around it. It lives in the machine's time; the test's clock stands where that was at the
/// start. Its events are published, so that few of them are found in the outbox.
pub struct Program {
    pub process: ServiceProcess,
    pub nats: NatsServer,
    settings: PathBuf,
    test: TestApp,
}

impl Program {
    /// Starts it, with more settings as TOML.
    pub async fn start(settings: &str) -> Self {
        let (database, nats) = tokio::try_join!(TestDatabase::create(), NatsServer::start()).unwrap();
        Box::pin(Self::start_on(database, nats, settings)).await
    }

    /// The same with that database and that NATS.
    pub async fn start_on(database: TestDatabase, nats: NatsServer, settings: &str) -> Self {
        install_crypto();
        let around = Box::pin(Around::start_on(database)).await;
        let traces = format!("otlp.base_url = \"{}\"", around.standins.base_url());
        let settings = format!("nats.servers = [\"{}\"]\n{}", nats.url(), settings.replace(WITH_TRACES, &traces));
        let file = folder().join(format!("{}.toml", around.database.name()));
        std::fs::write(&file, around.settings(&settings)).unwrap();
        let app = compose(&Config::from_file(&file).unwrap(), Overrides::default()).await.unwrap().app;
        around.set_up_tenants(&app).await;
        let environment = [("VCARE_CONFIG_FILE".to_owned(), file.display().to_string())];
        let program = Path::new(env!("CARGO_BIN_EXE_vcare-api"));
        let process = ServiceProcess::start(program, environment, None).await.unwrap();
        let root = format!("http://{}", process.address());
        let clock = HandClock::at(SystemClock.now());
        Self {
            process,
            nats,
            settings: file,
            test: TestApp::around(around, clock, app, root, CancellationToken::new()),
        }
    }

    /// A line of the process' `/proc/<pid>/status`, in kB.
    pub fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// `vcare-retry-worker` beside it, under the same settings.
    pub async fn worker(&self) -> ServiceProcess {
        let program = Path::new(env!("CARGO_BIN_EXE_vcare-api")).with_file_name("vcare-retry-worker");
        assert!(program.is_file(), "{} is built by `cargo nextest run --workspace`", program.display());
        let settings = [
            ("VCARE_CONFIG_FILE", self.settings.display().to_string()),
            ("VCARE_WORKER__LISTEN", "127.0.0.1:0".to_owned()),
            ("VCARE_WORKER__POLL_MS", "100".to_owned()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        ServiceProcess::start(&program, settings, None).await.unwrap()
    }

    /// What it shows of itself.
    pub async fn metrics(&self) -> String {
        let metrics = self.send(self.request(Method::GET, "//metrics")).await.expect(200);
        String::from_utf8(metrics.bytes).unwrap()
    }

    /// Waits until every visit that goes on has lasted a second of the machine's time: a shorter one is none.
    pub async fn long_enough(&self) {
        let query =
            "SELECT bool_and(started_at < now() - interval '1 second') FROM virtual_session WHERE status = 'active'";
        self.database.until(query, Duration::from_secs(20)).await.unwrap();
    }
}

impl Deref for Program {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.test
    }
}

impl Drop for Program {
    /// What was published is no outbox's any more, and must keep its contract all the same.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            the_stream_must_keep_its_contracts(&self.nats.url());
        }
    }
}
