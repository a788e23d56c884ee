//! What audio costs the api while it passes through: memory and time. `docs/performance.md` has the figures.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use futures_util::future::try_join_all;
use vcare_boot::until_signal;
use vcare_testkit::ServiceProcess;

use crate::place::Place;
use crate::surroundings::Surroundings;
use crate::visit::Caller;

const MEGABYTE: usize = 1024 * 1024;
/// How WebM begins.
const WEBM: [u8; 12] = *b"\x1A\x45\xDF\xA3\x9FB\x86\x81\x01B\xF7\x81";
/// So many pieces of one visit may be under way.
const OF_A_VISIT: usize = 2;

/// What is measured.
#[derive(Args)]
pub struct Options {
    /// How many pieces are sent side by side.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..64))]
    parallel: u16,
    /// How many megabytes each has.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..31))]
    megabytes: u16,
    /// How often.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

/// Measures it in a place of its own.
///
/// # Errors
/// When something does not run, or a piece is not heard.
pub async fn run(options: Options) -> Result<()> {
    let shutdown = until_signal()?;
    let place = Place::passing("bench-ai")?;
    let starting = Box::pin(Surroundings::start(&place, false, |what| println!("  … {what}")));
    let Some(started) = shutdown.run_until_cancelled(starting).await else { bail!("interrupted") };
    let surroundings = started?;
    let measured = shutdown.run_until_cancelled(Box::pin(measure(&surroundings, &options))).await;
    surroundings.stop().await;
    measured.context("interrupted")?
}

async fn measure(surroundings: &Surroundings, options: &Options) -> Result<()> {
    let (parallel, megabytes) = (usize::from(options.parallel), usize::from(options.megabytes));
    let clinician = Caller::clinician(&surroundings.facts)?;
    let mut visits = Vec::new();
    for _ in 0..parallel.div_ceil(OF_A_VISIT) {
        visits.push(clinician.begin_a_visit().await?);
    }
    clinician.transcribe(&visits[0], audio(MEGABYTE)).await?;
    let before = memory(&surroundings.api, "VmRSS")?;
    println!("\nvcare-api has {before} kB. {parallel} pieces of {megabytes} MB side by side:");
    for round in 1..=options.rounds {
        let began = Instant::now();
        let pieces = (0..parallel).map(|n| clinician.transcribe(&visits[n / OF_A_VISIT], audio(megabytes * MEGABYTE)));
        try_join_all(pieces).await?;
        let took = began.elapsed().as_secs_f64();
        let most = memory(&surroundings.api, "VmHWM")?;
        let a_second = (parallel * megabytes) as f64 / took;
        let grown = most.saturating_sub(before);
        println!("  {round}: {took:.2} s, {a_second:.0} MB a second; at the most {most} kB, {grown} kB more");
    }
    Ok(())
}

fn audio(bytes: usize) -> Vec<u8> {
    let mut audio = WEBM.to_vec();
    audio.resize(bytes, 0x55);
    audio
}

/// A line of `/proc/<pid>/status`, in kB.
fn memory(process: &ServiceProcess, name: &str) -> Result<u64> {
    let id = process.id().context("it does not run")?;
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name}"))?;
    let number = line.split_whitespace().nth(1).with_context(|| format!("{line} has no number"))?;
    ensure!(line.ends_with("kB"), "{line} is not in kB");
    Ok(number.parse()?)
}
