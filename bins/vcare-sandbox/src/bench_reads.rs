//! What reads cost: CPU time of the api and of PostgreSQL for each, audit included. `docs/performance.md` has the figures.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use futures_util::future::try_join_all;
use vcare_boot::until_signal;

use crate::place::Place;
use crate::surroundings::Surroundings;
use crate::visit::Caller;

/// How many visits there are, and on a page of the list.
const VISITS: usize = 20;

/// What is measured.
#[derive(Args)]
pub struct Options {
    /// How many reads of each kind are measured.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    reads: u32,
    /// How many connections read at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallel: u16,
    /// How often.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

/// Measures it in a temporary folder.
///
/// # Errors
/// When a program does not start, or a read is not answered with 2xx.
pub async fn run(options: Options) -> Result<()> {
    let shutdown = until_signal()?;
    let place = Place::passing("bench-reads")?;
    let starting = Box::pin(Surroundings::start(&place, false, |what| println!("  … {what}")));
    let Some(started) = shutdown.run_until_cancelled(starting).await else { bail!("interrupted") };
    let surroundings = started?;
    let measured = shutdown.run_until_cancelled(Box::pin(measure(&surroundings, &place, &options))).await;
    surroundings.stop().await;
    measured.context("interrupted")?
}

async fn measure(surroundings: &Surroundings, place: &Place, options: &Options) -> Result<()> {
    let clinician = Caller::clinician(&surroundings.facts)?;
    let mut visit = String::new();
    for _ in 0..VISITS {
        visit = clinician.begin_a_visit().await?;
    }
    let api = surroundings.api.id().context("vcare-api does not run")?;
    let postmaster = fs::read_to_string(place.postgres().join("data/postmaster.pid"))?;
    let postmaster = postmaster.lines().next().context("no postmaster.pid")?.parse()?;
    let reads = [("one session", format!("/sessions/{visit}")), ("a page of 20", format!("/sessions?limit={VISITS}"))];
    // The first reads open connections and fill caches.
    for (_, path) in &reads {
        read(&clinician, path, options.reads / 10 + 1, options.parallel).await?;
    }
    for round in 1..=options.rounds {
        for (what, path) in &reads {
            let (before, began) = ((cpu(api)?, tree(postmaster)?), Instant::now());
            read(&clinician, path, options.reads, options.parallel).await?;
            let took = began.elapsed();
            let each = |after: Duration, before: Duration| {
                after.saturating_sub(before).as_secs_f64() * 1e6 / f64::from(options.reads)
            };
            let (api, database) = (each(cpu(api)?, before.0), each(tree(postmaster)?, before.1));
            let a_second = f64::from(options.reads) / took.as_secs_f64();
            println!(
                "  {round}: {what:<12} {a_second:>6.0} a second; CPU of one read: vcare-api {api:.0} µs, PostgreSQL {database:.0} µs"
            );
        }
    }
    Ok(())
}

/// Reads one path so often, over so many connections.
async fn read(caller: &Caller<'_>, path: &str, times: u32, parallel: u16) -> Result<()> {
    let left = AtomicU32::new(times);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    let connections = (0..parallel).map(|_| async {
        while take() {
            caller.read(path).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(connections).await?;
    Ok(())
}

/// The fields of `/proc/<pid>/stat` after the program's name, which may hold spaces: state, parent, ...
fn stat(pid: u32) -> Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("this needs /proc")?;
    let fields = stat.rsplit_once(')').context("no program's name in /proc")?.1;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// CPU time of a process so far, and of its children that have ended: utime, stime, cutime, cstime of proc(5).
fn cpu(pid: u32) -> Result<Duration> {
    /// `USER_HZ`, which is 100 on every Linux.
    const TICK: Duration = Duration::from_millis(10);
    let ticks = stat(pid)?[11..=14].iter().map(|field| field.parse::<u32>()).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// CPU time of a process and its children, also of those that run.
fn tree(pid: u32) -> Result<Duration> {
    let mut total = cpu(pid)?;
    for entry in fs::read_dir("/proc")? {
        let Some(child) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end while its neighbours are read.
        if stat(child).is_ok_and(|stat| stat[1] == pid.to_string()) {
            total += cpu(child).unwrap_or_default();
        }
    }
    Ok(total)
}
