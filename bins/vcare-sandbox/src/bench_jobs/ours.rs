//! The real worker.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};
use vcare_testkit::{ServiceProcess, StreamReader};

use super::seed;
use super::world::{World, since_it_works, until_gone};
use crate::memory::Memory;
use crate::place::Place;
use crate::surroundings::program;

const CHARGEABLE: &str = "virtual_care.billing.session_chargeable.v1";
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What draining pending Encounters came to.
pub struct Drained {
    pub run: Duration,
    jobs: u32,
    start: Memory,
    tenth: Memory,
    half: Memory,
    end: Memory,
}

async fn worker(world: &World, place: &Place) -> Result<ServiceProcess> {
    let environment = [("VCARE_CONFIG_FILE".to_owned(), world.settings.display().to_string())];
    ServiceProcess::start(&program("vcare-retry-worker")?, environment, Some(&place.join("worker"))).await
}

/// From when the worker says that it works until no job is left.
pub async fn drain(world: &World, place: &Place, jobs: u32) -> Result<Drained> {
    seed::jobs(world).await?;
    let mut worker = worker(world, place).await?;
    let start = Memory::of(&worker)?;
    let (mut tenth, mut half) = (None, None);
    loop {
        let left = world.owner.query_one("SELECT count(*) FROM retry_job", &[]).await?.get::<_, i64>(0);
        let left = u32::try_from(left)?;
        if left <= jobs / 10 * 9 && tenth.is_none() {
            tenth = Some(Memory::of(&worker)?);
        }
        if left <= jobs / 2 && half.is_none() {
            half = Some(Memory::of(&worker)?);
        }
        if left == 0 {
            break;
        }
        ensure!(!worker.has_ended(), "the worker has ended: {}", worker.log_tail());
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let run = since_it_works(&worker)?;
    let end = Memory::of(&worker)?;
    until_gone(&world.owner, "outbox").await?;
    worker.stop().await;
    check(world, jobs).await?;
    let (tenth, half) = (tenth.unwrap_or(end), half.unwrap_or(end));
    Ok(Drained { run, jobs, start, tenth, half, end })
}

/// The same for visits that have their Encounter.
pub async fn nothing_to_do(world: &World, place: &Place, jobs: u32) -> Result<Duration> {
    seed::jobs(world).await?;
    let asked = world.standins.encounters().len();
    let mut worker = worker(world, place).await?;
    until_gone(&world.owner, "retry_job").await?;
    let took = since_it_works(&worker)?;
    worker.stop().await;
    check(world, jobs).await?;
    ensure!(world.standins.encounters().len() == asked, "somebody was asked");
    Ok(took)
}

/// Every visit has one Encounter and one charge, in the database, in the chart and in the stream.
async fn check(world: &World, jobs: u32) -> Result<()> {
    let query = "SELECT count(*), count(DISTINCT encounter_id) FROM virtual_session
                 WHERE encounter_status = 'created' AND charged_at IS NOT NULL";
    let row = world.owner.query_one(query, &[]).await?;
    let (visits, encounters) = (row.get::<_, i64>(0), row.get::<_, i64>(1));
    let written = world.standins.encounters().len();
    let messages = StreamReader::connect(&world.nats_url()).await?.all().await?;
    let charges = messages.iter().filter(|message| message.subject == CHARGEABLE);
    let ids: HashSet<_> = charges.clone().map(|message| message.json()["data"]["encounterId"].to_string()).collect();
    let counts =
        [i128::from(visits), i128::from(encounters), written as i128, charges.count() as i128, ids.len() as i128];
    ensure!(
        counts.iter().all(|count| *count == i128::from(jobs)),
        "visits, Encounters in their rows, in the chart, charges, Encounters charged: {counts:?}; there should be {jobs}"
    );
    Ok(())
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jobs, start, tenth, half, end, .. } = self;
        let megabytes = |kilobytes: u64| format!("{:.1}", kilobytes as f64 / 1024.0);
        writeln!(f, "{jobs} Encounters, {jobs} charges, 0 jobs left.")?;
        write!(
            f,
            "The worker's resident memory in MB: {} at the start, {} at a tenth, {} at half, {} at the end, {} at most.",
            megabytes(start.now),
            megabytes(tenth.now),
            megabytes(half.now),
            megabytes(end.now),
            megabytes(end.peak)
        )
    }
}
