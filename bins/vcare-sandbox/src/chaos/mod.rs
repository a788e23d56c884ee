//! A crash test: many visits through the real API while every process is killed, paused and made slow, and the proof that
//! nothing is lost and nothing happens twice. `docs/chaos.md` tells how to read it.

mod chance;
mod clock;
mod figures;
mod offline;
mod phone;
mod plan;
mod saboteur;
mod truth;
mod verdict;
mod visit;
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vcare_app::ports::Ids;
use vcare_boot::{SystemIds, until_signal};

use self::chance::Chance;
use self::figures::{Figures, Seconds};
use self::phone::Phone;
use self::plan::Plan;
use self::truth::{Backlog, Truth};
use self::verdict::{Fault, Verdict};
use self::visit::{Staff, Told};
use self::world::World;
use crate::place::Place;
use crate::seed;

/// A visit begins so long after the one before, unless the minutes are given: two thousand in ten minutes.
const SPACING: Duration = Duration::from_millis(300);
/// The most visits under way: while nothing works, no more begin.
const AT_ONCE: usize = 64;
/// From so many visits on, some take a minute.
const LONG_RUN: u64 = 100;
/// The most findings that are printed.
const SHOWN: usize = 20;

/// What is run.
#[derive(Args)]
pub struct Options {
    /// How many visits.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    visits: u64,
    /// Repeats what the saboteur does and what the visits are. Default: another one each time.
    #[arg(long)]
    seed: Option<u64>,
    /// The minutes over which the visits begin. Default: 300 ms a visit.
    #[arg(long)]
    minutes: Option<f64>,
}

/// Runs it in a place of its own.
///
/// # Errors
/// When anything is lost, doubled, out of order, wrong or stuck, or a process does not come back; the error names the seed.
pub async fn run(options: Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(|| SystemIds::default().uuid().as_u64_pair().1 >> 32);
    let shutdown = until_signal()?;
    let mut place = Place::passing("chaos")?;
    println!("Chaos with seed {seed}: {} visits.", options.visits);
    let outcome = shutdown.run_until_cancelled(Box::pin(all(&place, &options, seed))).await;
    match outcome {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => {
            place.keep();
            Err(error
                .context(format!("chaos with seed {seed} failed; logs and data are in {}", place.root().display())))
        }
        None => bail!("interrupted"),
    }
}

async fn all(place: &Place, options: &Options, seed: u64) -> Result<()> {
    let world = Arc::new(World::start(place).await.context("nothing was sabotaged yet")?);
    let figures = Arc::new(Figures::default());
    let begun = Instant::now();

    let enough = CancellationToken::new();
    let mut sabotage = tokio::spawn(saboteur::run(Arc::clone(&world), Arc::clone(&figures), seed, enough.clone()));
    let told = tokio::select! {
        told = visits(&world, &figures, options, seed) => told?,
        // It does not end by itself but by a failure.
        ended = &mut sabotage => return ended?.and_then(|()| bail!("the saboteur gave up")),
    };
    let drove = begun.elapsed();
    enough.cancel();
    sabotage.await??;

    world.heal().await?;
    let healed = Instant::now();
    let backlog = truth::settle(&world).await?;
    let settled = healed.elapsed();
    let truth = truth::read(&world, &place.join("standins")).await?;
    let verdict = verdict::judge(&told, &truth);
    report(&Run { told: &told, truth: &truth, verdict: &verdict, figures: &figures, backlog, drove, settled });
    if let Ok(world) = Arc::try_unwrap(world).map_err(|_| ()) {
        world.stop().await;
    }
    ensure!(backlog.is_done(), "stuck: {backlog:?}");
    ensure!(verdict.findings.is_empty(), "{} findings", verdict.findings.len());
    ensure!(verdict.the_sums_agree(), "the sums of seconds differ");
    Ok(())
}

fn staff(world: &World, tenant: &str) -> Staff {
    Staff {
        first: seed::token(&world.issuer, tenant, "dr-amin", "clinician"),
        patient: seed::patients_token(&world.issuer, tenant, seed::CONSENTED),
        second: seed::token(&world.issuer, tenant, "dr-bashir", "clinician"),
        second_account: format!("dr-bashir.{tenant}"),
    }
}

/// Runs the visits side by side, each begun at its time.
async fn visits(world: &World, figures: &Arc<Figures>, options: &Options, seed: u64) -> Result<Vec<Told>> {
    let phone = Arc::new(Phone::new(world.apis(), Arc::clone(figures))?);
    let staff: Vec<Arc<Staff>> = seed::TENANTS.iter().map(|(tenant, _, _)| Arc::new(staff(world, tenant))).collect();
    let spacing = options.minutes.map_or(SPACING, |minutes| {
        Duration::try_from_secs_f64(minutes * 60.0 / options.visits as f64).unwrap_or(SPACING)
    });
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let mut next = tokio::time::Instant::now();
    for number in 1..=options.visits {
        tokio::time::sleep_until(next).await;
        next += spacing;
        let permit = Arc::clone(&places).acquire_owned().await?;
        let chance = Chance::new(seed, number);
        let plan = Plan::draw(number, &chance, options.visits >= LONG_RUN);
        let (phone, staff) = (Arc::clone(&phone), Arc::clone(&staff[plan.tenant]));
        running.spawn(async move {
            let told = Box::pin(visit::run(&phone, &staff, plan, &chance)).await;
            drop(permit);
            told
        });
    }
    let mut told = Vec::new();
    while let Some(one) = running.join_next().await {
        told.push(one?);
    }
    told.sort_by_key(|told| told.plan.number);
    Ok(told)
}

/// Everything that is reported.
struct Run<'a> {
    told: &'a [Told],
    truth: &'a Truth,
    verdict: &'a Verdict,
    figures: &'a Figures,
    backlog: Backlog,
    drove: Duration,
    settled: Duration,
}

fn report(run: &Run<'_>) {
    let Run { told, truth, verdict, figures, backlog, drove, settled } = run;
    let Verdict { charged, without_duration, called_off, no_shows, offline, events, redelivered, .. } = verdict;
    let line = |name: &str, value: String| println!("  {name:<13}{value}");
    println!();
    line(
        "visits",
        format!(
            "{}: {charged} charged, {without_duration} without duration, {called_off} called off, {no_shows} no-shows, \
             {offline} offline",
            told.len()
        ),
    );
    line("took", format!("{}, and {} after that until nothing was left to do", Seconds(*drove), Seconds(*settled)));
    line("kills", format!("{}: {}", figures.kills.total(), figures.kills.counts()));
    line("pauses", format!("{}: {}", figures.pauses.total(), figures.pauses.counts()));
    line("FHIR trouble", format!("{}: {}", figures.fhir.total(), figures.fhir.counts()));
    line("clocks set", format!("{}: {}", figures.clocks.total(), figures.clocks.counts()));
    line("calls", format!("{}: {}", figures.answered.total(), figures.answered.counts()));
    line("retries", format!("{}: {}", figures.retries.total(), figures.retries.counts()));
    line("slowest call", Seconds(figures.answered.longest()).to_string());
    let recoveries = &figures.recoveries;
    line("recovery", format!("longest {} ({})", Seconds(recoveries.longest()), recoveries.longest_of_each()));
    line(
        "time",
        format!(
            "{} s charged, {} s in Encounters; {} to {} s by the clients' clocks",
            verdict.charged_seconds, verdict.encounter_seconds, verdict.at_least, verdict.at_most
        ),
    );
    line("Encounters", truth.encounters.len().to_string());
    line("events", format!("{events}, and {redelivered} delivered again under the same id"));
    line("stuck", if backlog.is_done() { "0".to_owned() } else { format!("{backlog:?}") });
    line("lost", verdict.count(Fault::Lost).to_string());
    line("doubled", verdict.count(Fault::Doubled).to_string());
    line("out of order", verdict.count(Fault::OutOfOrder).to_string());
    line("wrong", verdict.count(Fault::Wrong).to_string());
    line("unanswered", verdict.count(Fault::Unanswered).to_string());
    for finding in verdict.findings.iter().take(SHOWN) {
        println!("  {finding}");
    }
    if verdict.findings.len() > SHOWN {
        println!("  … and {} more", verdict.findings.len() - SHOWN);
    }
}
