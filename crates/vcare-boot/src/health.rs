//! How the process is.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;
use vcare_adapters_nats::NatsPublisher;
use vcare_adapters_postgres::PgJobQueue;

/// How long the database may take to answer a health check.
const DATABASE_DEADLINE: Duration = Duration::from_secs(2);

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

/// Looks at what the process needs.
#[derive(Clone)]
pub struct Health {
    database: Arc<PgJobQueue>,
    publisher: Arc<NatsPublisher>,
}

impl Health {
    pub(crate) const fn new(database: Arc<PgJobQueue>, publisher: Arc<NatsPublisher>) -> Self {
        Self { database, publisher }
    }

    /// Asks the database, and looks at the NATS connection. Without the database nothing can be answered; without NATS
    /// events wait in the outbox. Neighbours are not asked: each costs its own feature only.
    pub async fn report(&self) -> Report {
        let database = match timeout(DATABASE_DEADLINE, self.database.ping()).await {
            Ok(Ok(())) => Standing::Up,
            Ok(Err(_)) | Err(_) => Standing::Down,
        };
        let nats = if self.publisher.health() { Standing::Up } else { Standing::Degraded };
        let status = match (database, nats) {
            (Standing::Up, nats) => nats,
            _ => Standing::Down,
        };
        let checks = vec![Check { name: "database", status: database }, Check { name: "nats", status: nats }];
        Report { status, checks }
    }
}
