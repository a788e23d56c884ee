//! What is around the worker: database, broker, stand-ins.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vcare_app::ports::Clock;
use vcare_boot::SystemClock;
use vcare_testkit::postgres::tokio_postgres::{Client, NoTls, connect};
use vcare_testkit::{
    Durability, NatsOptions, NatsServer, PostgresOptions, PrivatePostgres, ServiceProcess, SigningKey, Standins,
    StandinsConfig,
};

use crate::place::Place;
use crate::seed;
use crate::surroundings::{DATABASE, prepare, set_tenants, settings};

const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Far longer than anything takes; a broker that has locked itself up (Debian's can) is found out so.
const PATIENCE: Duration = Duration::from_secs(600);

/// Everything but the worker.
pub struct World {
    pub standins: Standins,
    /// The service's database, as its owner.
    pub owner: Client,
    /// The settings' file.
    pub settings: PathBuf,
    postgres: PrivatePostgres,
    nats: NatsServer,
}

impl World {
    /// `worker` is the settings' section about it.
    pub async fn start(place: &Place, worker: &str) -> Result<Self> {
        let postgres = PrivatePostgres::start_with(PostgresOptions {
            folder: Some(place.postgres().to_owned()),
            durability: Durability::Durable,
            ..PostgresOptions::default()
        })
        .await?;
        let nats = NatsOptions { folder: Some(place.join("nats")), ..NatsOptions::default() };
        let nats = NatsServer::start_with(nats).await?;
        let key = place.join("issuer.pem");
        let signing_key = tokio::task::spawn_blocking(move || SigningKey::load_or_draw(&key)).await??;
        let standins = StandinsConfig { signing_key: Some(signing_key), ..StandinsConfig::default() };
        let standins = Standins::start(standins).await?;
        seed::consents(&standins);
        fs::write(place.join("jitsi-ca.pem"), standins.ca_pem())?;
        let database = prepare(&postgres).await?;
        let file = place.join("vcare.toml");
        fs::write(&file, settings(place, &database, &nats.url(), standins.base_url(), 3031) + worker)?;
        set_tenants(&file, standins.jitsi_url(), |_| {}).await?;
        let (owner, connection) = connect(&postgres.url(DATABASE), NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { standins, owner, settings: file, postgres, nats })
    }

    /// The address of a database, for who may do everything.
    pub fn postgres_url(&self, database: &str) -> String {
        self.postgres.url(database)
    }

    pub fn nats_url(&self) -> String {
        self.nats.url()
    }

    /// What the last step left to be written is written now, and not during the next.
    pub async fn settle_down(&self) -> Result<()> {
        Ok(self.owner.batch_execute("CHECKPOINT").await?)
    }

    pub async fn stop(self) {
        let Self { standins, mut nats, mut postgres, .. } = self;
        standins.stop().await;
        nats.stop().await;
        postgres.stop().await;
    }
}

/// How long ago a process began to work, by its own log: loading it is not part of the race.
pub fn since_it_works(process: &ServiceProcess) -> Result<Duration> {
    let log = fs::read_to_string(process.log_file())?;
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    // The last one: the file goes on when a worker is started again.
    let working = lines.rfind(|line| line["message"] == "working").context("it does not work")?;
    let at = working["timestamp"].as_str().context("a line without a time")?;
    let ago = SystemClock.now() - OffsetDateTime::parse(at, &Rfc3339)?;
    Ok(ago.unsigned_abs())
}

/// Waits until a table is empty.
///
/// # Errors
/// When it still is not after a long time.
pub async fn until_gone(client: &Client, table: &str) -> Result<()> {
    let query = format!("SELECT EXISTS (SELECT FROM {table})");
    let deadline = Instant::now() + PATIENCE;
    while client.query_one(&query, &[]).await?.get::<_, bool>(0) {
        ensure!(Instant::now() < deadline, "{table} does not become empty");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
