//! What is there in the end: in the database, in the stream, in the FHIR journal.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use uuid::Uuid;
use vcare_domain::{AsyncVisitId, SessionId};
use vcare_testkit::postgres::tokio_postgres::{Client, NoTls, connect};
use vcare_testkit::standins::encounters_in;
use vcare_testkit::{StoredMessage, StreamReader};

use super::world::World;

/// A lease that a killed worker held (60 s), the longest wait for the next attempt (72 s), and time to spare.
const PATIENCE: Duration = Duration::from_secs(240);

/// A visit's row.
#[derive(Debug, Clone)]
pub struct Row {
    pub session: String,
    /// By which the Encounter is found.
    pub identifier: String,
    pub appointment: String,
    pub version: u64,
    pub status: String,
    pub encounter_status: Option<String>,
    pub encounter: Option<String>,
    pub charged: bool,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Truth {
    pub rows: Vec<Row>,
    /// Those that were written offline.
    pub offline: Vec<Row>,
    /// In the stream's order, with what is in it twice.
    pub events: Vec<Value>,
    pub encounters: Vec<Value>,
}

/// What is still to be done. The job that looks after a visit that had failed and was resumed is due a day later, and finds nothing
/// to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    pub pending: i64,
    pub jobs: i64,
    pub outbox: i64,
    /// Visits whose time is over and that have not begun.
    pub not_held: i64,
}

impl Backlog {
    const DONE: Self = Self { pending: 0, jobs: 0, outbox: 0, not_held: 0 };

    pub fn is_done(self) -> bool {
        self == Self::DONE
    }
}

async fn database(world: &World) -> Result<Client> {
    let (client, connection) = connect(&world.database, NoTls).await.context("the database")?;
    tokio::spawn(connection);
    Ok(client)
}

/// Waits until nothing is left to be done, or does not get less for too long; answers what is left then.
pub async fn settle(world: &World) -> Result<Backlog> {
    let client = database(world).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let row = client
            .query_one(
                "SELECT (SELECT count(*) FROM virtual_session WHERE encounter_status IN ('pending', 'parked'))
                            + (SELECT count(*) FROM async_visit WHERE encounter_status IN ('pending', 'parked')),
                        (SELECT count(*) FROM retry_job WHERE due_at < now() + interval '1 hour'),
                        (SELECT count(*) FROM outbox),
                        (SELECT count(*) FROM visits_not_held(now(), 10000))",
                &[],
            )
            .await?;
        let backlog = Backlog { pending: row.get(0), jobs: row.get(1), outbox: row.get(2), not_held: row.get(3) };
        if backlog.is_done() || Instant::now() >= deadline {
            return Ok(backlog);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The visits of a table, whichever way it says its status.
async fn rows(client: &Client, table: &str, status: &str, named: fn(Uuid) -> String) -> Result<Vec<Row>> {
    let query = format!(
        "SELECT id, COALESCE(appointment_id, ''), version, {status}, encounter_status, encounter_id, charged_at IS NOT NULL
           FROM {table}"
    );
    let found = client.query(&query, &[]).await?;
    let rows = found.iter().map(|row| {
        let id: Uuid = row.get(0);
        Row {
            session: named(id),
            identifier: id.hyphenated().to_string(),
            appointment: row.get(1),
            version: u64::try_from(row.get::<_, i32>(2)).unwrap_or_default(),
            status: row.get(3),
            encounter_status: row.get(4),
            encounter: row.get(5),
            charged: row.get(6),
        }
    });
    Ok(rows.collect())
}

/// Reads all of it.
pub async fn read(world: &World, standins: &Path) -> Result<Truth> {
    let client = database(world).await?;
    let live = "CASE WHEN no_show_at IS NULL THEN status ELSE 'no_show' END";
    let stream = StreamReader::connect(&world.nats).await?;
    Ok(Truth {
        rows: rows(&client, "virtual_session", live, |id| SessionId::from_uuid(id).to_string()).await?,
        offline: rows(&client, "async_visit", "status", |id| AsyncVisitId::from_uuid(id).to_string()).await?,
        events: stream.all().await?.iter().map(StoredMessage::json).collect(),
        encounters: encounters_in(standins)?,
    })
}
