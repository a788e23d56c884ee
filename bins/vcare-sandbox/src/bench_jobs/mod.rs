//! How fast durable work is done: pending Encounters drained by the real worker, jobs that need nothing more, and
//! graphile-worker beside it on the same PostgreSQL. `docs/performance.md` has the figures.

mod graphile;
mod ours;
mod seed;
mod table;
pub mod world;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use vcare_boot::until_signal;

use self::graphile::{Graphile, Mode};
use self::table::Table;
use self::world::World;
use crate::place::Place;

/// What is measured.
#[derive(Args)]
pub struct Options {
    /// How many jobs.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(10..))]
    jobs: u32,
    /// How often our jobs that need nothing and graphile-worker's batched mode are measured, in turns.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// `worker.batch`, if not the default.
    #[arg(long)]
    batch: Option<u16>,
    /// `worker.concurrency`, if not the default.
    #[arg(long)]
    concurrency: Option<u16>,
    /// Where npm has installed graphile-worker; without it, nothing is compared.
    #[arg(long)]
    graphile: Option<PathBuf>,
}

/// Measures it all in a place of its own.
///
/// # Errors
/// When something does not run, or an Encounter or a charge is missing or doubled.
pub async fn run(options: Options) -> Result<()> {
    let shutdown = until_signal()?;
    let mut place = Place::passing("bench")?;
    match shutdown.run_until_cancelled(Box::pin(measure(&place, &options))).await {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => {
            place.keep();
            Err(error.context(format!("logs and data are in {}", place.root().display())))
        }
        None => bail!("interrupted"),
    }
}

/// The worker's settings: as it comes, but for what was asked for, and the port: nobody asks it anything.
fn worker(options: &Options) -> String {
    let set = |name: &str, value: Option<u16>| value.map_or_else(String::new, |value| format!("{name} = {value}\n"));
    let (batch, concurrency) = (set("batch", options.batch), set("concurrency", options.concurrency));
    format!("\n[worker]\nlisten = \"127.0.0.1:0\"\n{batch}{concurrency}")
}

async fn measure(place: &Place, options: &Options) -> Result<()> {
    let Options { jobs, rounds, .. } = *options;
    let world = World::start(place, &worker(options)).await?;
    let graphile = match &options.graphile {
        Some(folder) => Some(Graphile::prepare(&world, place, folder).await?),
        None => None,
    };
    let mut table = Table::new(jobs);
    println!("{jobs} ended visits are written ...");
    Box::pin(seed::visits(&world, jobs)).await?;
    println!("The worker writes their Encounters ...");
    let drained = ours::drain(&world, place, jobs).await?;
    table.add("vcare-retry-worker, an Encounter a job", &drained.run);
    for round in 0..rounds {
        // In turns, as what runs first finds another machine than what runs second.
        for ours in [round % 2 == 0, round % 2 == 1] {
            if ours {
                println!("The worker does jobs that need nothing more ({} of {rounds}) ...", round + 1);
                table.add("vcare-retry-worker, nothing to do", &ours::nothing_to_do(&world, place, jobs).await?);
            } else if let Some(graphile) = &graphile {
                println!("graphile-worker does jobs that do nothing, batched ({} of {rounds}) ...", round + 1);
                table.add("graphile-worker, batched", &graphile.run(&world, place, Mode::Batched, jobs).await?);
            }
        }
    }
    if let Some(graphile) = &graphile {
        println!("graphile-worker does jobs that do nothing, as it comes ...");
        table.add("graphile-worker, as it comes", &graphile.run(&world, place, Mode::Default, jobs).await?);
    }
    println!("\n{table}\n{drained}");
    world.stop().await;
    Ok(())
}
