//! What waiting costs: bytes on the wire for a patient, memory of an api for ten thousand of them.
//! `docs/performance.md` has the figures.

mod crowd;
mod edge;
mod seed;
mod wire;

use anyhow::{Result, bail, ensure};
use clap::Args;
use vcare_boot::until_signal;
use vcare_testkit::ServiceProcess;

use crate::bench_jobs::world::World;
use crate::place::Place;
use crate::surroundings::program;

/// What the page may weigh: the first flight of a TCP connection.
const PAGE: usize = 14_000;
/// What half an hour of waiting may cost.
const BYTES: usize = 25_000;
/// What an api may take while ten thousand wait, in megabytes.
const MEGABYTES: u64 = 150;

/// What is measured.
#[derive(Args)]
pub struct Options {
    /// How many patients wait at once. Each is a connection: `ulimit -n` must allow twice as many.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    patients: u32,
}

/// Measures it all in a place of its own.
///
/// # Errors
/// When something does not run, or costs more than it may.
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

async fn api(world: &World, place: &Place, seats: u32) -> Result<ServiceProcess> {
    let environment = [
        ("VCARE_CONFIG_FILE".to_owned(), world.settings.display().to_string()),
        ("VCARE_API__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        // As in production: headers for pages of elsewhere cost bytes, too.
        ("VCARE_API__CORS_ALLOW_ORIGINS".to_owned(), "[]".to_owned()),
        ("VCARE_WAITING__SEATS".to_owned(), seats.to_string()),
    ];
    ServiceProcess::start(&program("vcare-api")?, environment, Some(&place.join(&format!("api-of-{seats}")))).await
}

async fn measure(place: &Place, options: &Options) -> Result<()> {
    let patients = options.patients;
    let world = World::start(place, "").await?;
    println!("{patients} visits are written whose patients wait ...");
    let tokens = Box::pin(seed::waiting(&world, patients)).await?;

    // Without a seat each question is answered at once, with the same bytes as after a minute.
    let mut without_seats = api(&world, place, 0).await?;
    let plain = wire::half_an_hour(&without_seats, &tokens[0], wire::PLAIN).await?;
    let browser = wire::half_an_hour(&without_seats, &tokens[0], wire::CHROMIUM).await?;
    let http2 = edge::half_an_hour(&without_seats, &tokens[0], wire::CHROMIUM).await?;
    let (brotli, gzip) = (wire::page(&without_seats, "br").await?, wire::page(&without_seats, "gzip").await?);
    without_seats.stop().await;
    println!("\nThe waiting room's page, one answer with its headers, in bytes:");
    println!("  as brotli                {brotli}");
    println!("  as gzip                  {gzip}, at most {PAGE} allowed");
    println!("\nHalf an hour of waiting, a question a minute, in bytes of HTTP, at most {BYTES} allowed:");
    println!("  over HTTP/1.1, the headers that are needed  {plain}");
    println!("  over HTTP/1.1, headers of Chromium          {browser}, which is why phones are to have HTTP/2");
    println!("  over HTTP/2, headers of Chromium            {http2}");

    let mut api = api(&world, place, patients).await?;
    println!("\n{patients} patients come and wait ...");
    let crowd = crowd::wait(&mut api, &tokens).await?;
    println!("{crowd}");
    world.stop().await;
    ensure!(gzip.max(brotli) <= PAGE, "the page weighs {} bytes", gzip.max(brotli));
    let costly = plain.total().max(http2.total());
    ensure!(costly <= BYTES, "half an hour of waiting costs {costly} bytes");
    let megabytes = crowd.peak_megabytes();
    ensure!(patients > 10_000 || megabytes < MEGABYTES, "{megabytes} MB while {patients} wait");
    Ok(())
}
