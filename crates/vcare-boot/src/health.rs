//! How the process is.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use vcare_adapters_nats::NatsPublisher;
use vcare_adapters_postgres::PgJobQueue;
use vcare_adapters_storage::ObjectStorage;
use vcare_app::ports::{Agreement, Clock};

/// How long each of them may take to answer a health check.
const DEADLINE: Duration = Duration::from_secs(2);

/// How often it is tried whether the database can be written.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// How often it is tried whether attachments can be stored: at a store in the network each time costs something.
const STORE_EVERY: Duration = Duration::from_secs(15);

/// How well something is; what is worse comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// All is well.
    Up,
    /// Something is missing that care goes on without.
    Degraded,
    /// Requests cannot be answered.
    Down,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub status: Standing,
    /// Why it is not well, for operators: without secrets, and without anything of patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl Check {
    /// What was found wrong with it, and how bad that is.
    fn of(name: &'static str, wrong: Option<String>, then: Standing) -> Self {
        Self { name, status: if wrong.is_some() { then } else { Standing::Up }, cause: wrong }
    }
}

/// How the process is, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The worst that counts.
    pub status: Standing,
    /// What was looked at.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether requests can be answered.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status != Standing::Down
    }
}

/// An error and what caused it, in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

/// Something that is looked at now and then, however often somebody asks.
struct Look {
    every: Duration,
    /// When it was looked at last, and what was wrong. Held while looking, so that one looks.
    last: Mutex<Option<(Instant, Option<String>)>>,
}

impl Look {
    fn each(every: Duration) -> Arc<Self> {
        Arc::new(Self { every, last: Mutex::default() })
    }

    /// What is wrong; as it was found the last time, unless that is too long ago.
    async fn finds<E: Error>(&self, look: impl Future<Output = Result<(), E>>) -> Option<String> {
        let mut last = self.last.lock().await;
        if let Some((_, wrong)) = last.as_ref().filter(|(at, _)| at.elapsed() < self.every) {
            return wrong.clone();
        }
        let wrong = match timeout(DEADLINE, look).await {
            Ok(found) => found.err().map(|error| with_causes(&error)),
            Err(_) => Some(format!("no answer within {} s", DEADLINE.as_secs())),
        };
        *last = Some((Instant::now(), wrong.clone()));
        wrong
    }
}

/// Looks at what the process needs.
#[derive(Clone)]
pub struct Health {
    database: Arc<PgJobQueue>,
    publisher: Arc<NatsPublisher>,
    storage: Arc<ObjectStorage>,
    clock: Arc<dyn Clock>,
    writes: Arc<Look>,
    stores: Arc<Look>,
}

impl Health {
    pub(crate) fn new(
        database: Arc<PgJobQueue>,
        publisher: Arc<NatsPublisher>,
        storage: Arc<ObjectStorage>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { database, publisher, storage, clock, writes: Look::each(WRITE_EVERY), stores: Look::each(STORE_EVERY) }
    }

    /// Asks the database and writes to it, looks at what NATS does with what is published, and stores bytes. Without the database
    /// nothing can be answered, and next to nothing when it cannot be written: each read leaves an audit entry. Without NATS events
    /// wait in the outbox, and without the storage of attachments visits go on; with a wrong clock visits would last too long.
    /// Neighbours are not asked: each costs its own feature only.
    pub async fn report(&self) -> Report {
        let (database, storage) = tokio::join!(self.database(), self.storage());
        let checks = vec![database, self.nats(), self.clock(), storage];
        for check in &checks {
            let failed = if check.status == Standing::Up { 0.0 } else { 1.0 };
            metrics::gauge!("vcare_check_failed", "check" => check.name).set(failed);
        }
        let status = checks.iter().map(|check| check.status).max().unwrap_or(Standing::Up);
        Report { status, checks }
    }

    async fn database(&self) -> Check {
        let wrong = match timeout(DEADLINE, self.database.ping()).await {
            Ok(Ok(())) => {
                let wrong = self.writes.finds(self.database.try_writing()).await;
                wrong.map(|cause| format!("it answers and cannot be written: {cause}"))
            }
            Ok(Err(error)) => Some(with_causes(&error)),
            Err(_) => {
                let refused = self.database.not_connected().map(|error| error.to_string());
                Some(refused.unwrap_or_else(|| format!("no answer within {} s", DEADLINE.as_secs())))
            }
        };
        Check::of("database", wrong, Standing::Down)
    }

    fn nats(&self) -> Check {
        let wrong = match (self.publisher.health(), self.publisher.refusal()) {
            (false, _) => Some("not connected: events wait in the outbox".to_owned()),
            (true, Some(why)) => Some(format!("it acknowledges no event, and they wait in the outbox: {why}")),
            (true, None) => None,
        };
        Check::of("nats", wrong, Standing::Degraded)
    }

    async fn storage(&self) -> Check {
        let wrong = self.stores.finds(self.storage.try_storing()).await;
        Check::of("storage", wrong.map(|cause| format!("nothing can be stored: {cause}")), Standing::Degraded)
    }

    fn clock(&self) -> Check {
        let wrong = match self.clock.agreement() {
            Agreement::Agreed { .. } => None,
            Agreement::NotCompared => Some("not compared with the database's yet".to_owned()),
            Agreement::Differs { difference } => Some(format!(
                "{:.1} s {} the database's: one of both is wrong",
                difference.as_seconds_f64().abs(),
                if difference.is_positive() { "ahead of" } else { "behind" },
            )),
        };
        Check::of("clock", wrong, Standing::Down)
    }
}
