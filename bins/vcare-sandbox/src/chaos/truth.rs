//! What is there in the end: in the database, in the stream, in the FHIR journal.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use uuid::Uuid;
use vcare_domain::SessionId;
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
    /// In the stream's order, with what is in it twice.
    pub events: Vec<Value>,
    pub encounters: Vec<Value>,
}

/// What is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    pub pending: i64,
    pub jobs: i64,
    pub outbox: i64,
}

impl Backlog {
    const DONE: Self = Self { pending: 0, jobs: 0, outbox: 0 };

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
                "SELECT (SELECT count(*) FROM virtual_session WHERE encounter_status IN ('pending', 'parked')),
                        (SELECT count(*) FROM retry_job),
                        (SELECT count(*) FROM outbox)",
                &[],
            )
            .await?;
        let backlog = Backlog { pending: row.get(0), jobs: row.get(1), outbox: row.get(2) };
        if backlog.is_done() || Instant::now() >= deadline {
            return Ok(backlog);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Reads all of it.
pub async fn read(world: &World, standins: &Path) -> Result<Truth> {
    let client = database(world).await?;
    let rows = client
        .query(
            "SELECT id, COALESCE(appointment_id, ''), version, status, encounter_status, encounter_id,
                    charged_at IS NOT NULL
               FROM virtual_session",
            &[],
        )
        .await?;
    let rows = rows.iter().map(|row| {
        let id: Uuid = row.get(0);
        Row {
            session: SessionId::from_uuid(id).to_string(),
            identifier: id.hyphenated().to_string(),
            appointment: row.get(1),
            version: u64::try_from(row.get::<_, i32>(2)).unwrap_or_default(),
            status: row.get(3),
            encounter_status: row.get(4),
            encounter: row.get(5),
            charged: row.get(6),
        }
    });
    let stream = StreamReader::connect(&world.nats).await?;
    Ok(Truth {
        rows: rows.collect(),
        events: stream.all().await?.iter().map(StoredMessage::json).collect(),
        encounters: encounters_in(standins)?,
    })
}
