//! The retry worker: durable work, the relay's second home, what neighbours publish, and forgetting old idempotency answers.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use vcare_app::App;
use vcare_app::ports::{Clock, JobKind};
use vcare_boot::{Config, Metrics, Service, WorkerConfig, serve_ops};

/// So many rounds of a kind are under way side by side. Of Encounters there may be very many: while one round waits for the
/// database, the other goes on.
const fn rounds(kind: JobKind) -> usize {
    match kind {
        JobKind::CreateEncounter => 2,
        JobKind::CreateAsyncEncounter
        | JobKind::CreateThread
        | JobKind::FailLostVisit
        | JobKind::EndByItself
        | JobKind::PushSummary => 1,
    }
}

/// How often a worker whose clock is wrong looks whether it is right again.
const LOOK_AT_CLOCKS_EVERY: Duration = Duration::from_millis(250);
/// How often the backlog is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(15);
/// How often old answers are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// How often signs of life are looked for that were promised and did not come.
const LISTEN_EVERY: Duration = Duration::from_secs(5);
/// How long who was last heard of, and short links that expired, are kept.
const KEEP_WAITING: time::Duration = time::Duration::days(2);
/// How often visits are looked for that were not held.
const END_EVERY: Duration = Duration::from_secs(60);
/// How often drafts that nobody decided on are erased, and the most at once.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);
const EXPIRED_AT_ONCE: u16 = 500;
/// How often visits are looked for that are over and whose transcriptions are not reported, and the most at once.
const REPORT_EVERY: Duration = Duration::from_secs(60);
const REPORTED_AT_ONCE: u16 = 500;
/// How often rooms are looked for that a crash left behind.
const REAP_EVERY: Duration = Duration::from_secs(3600);

/// Works until `shutdown`; then jobs under way are finished, for as long as configured. What is not finished by then is
/// taken up by another worker when its lease runs out. `listening` is told where `/health` and `/metrics` are.
///
/// # Errors
/// When it cannot listen.
pub async fn run(
    service: Service,
    metrics: Metrics,
    config: &Config,
    shutdown: CancellationToken,
    listening: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    let Service { app, relay, jobs, health, clock, clock_check, threads, .. } = service;
    clock_check.first().await;
    let (address, _) = serve_ops(config.worker.listen, health, metrics, shutdown.clone()).await?;
    listening(address);
    let mut tasks = JoinSet::new();
    tasks.spawn(clock_check.run(shutdown.clone()));
    if let Some(relay) = relay {
        let shutdown = shutdown.clone();
        tasks.spawn(async move { relay.run(shutdown).await });
    }
    if let Some(threads) = threads {
        let (subscriber, shutdown) = (Arc::new(app.clone()), shutdown.clone());
        tasks.spawn(async move { threads.run(subscriber, shutdown).await });
    }
    // Each kind by itself: one whose neighbour is down keeps no other from being done.
    for kind in JobKind::ALL {
        for _ in 0..rounds(kind) {
            tasks.spawn(work(app.clone(), kind, config.worker.clone(), shutdown.clone()));
        }
    }
    tasks.spawn(look_after_uploads(app.clone(), config.worker.clone(), shutdown.clone()));
    tasks.spawn(measure_uploads(app.clone(), Arc::clone(&clock), shutdown.clone()));
    tasks.spawn(reap(app.clone(), shutdown.clone()));
    tasks.spawn(listen(app.clone(), shutdown.clone()));
    tasks.spawn(expire(app.clone(), shutdown.clone()));
    tasks.spawn(report_transcriptions(app.clone(), shutdown.clone()));
    tasks.spawn(end_visits_not_held(app.clone(), shutdown.clone()));
    tasks.spawn(measure_failed_visits(app.clone(), Arc::clone(&clock), shutdown.clone()));
    tasks.spawn(measure(app, Arc::clone(&clock), shutdown.clone()));
    let keep = time::Duration::hours(i64::from(config.worker.keep_answers_hours));
    tasks.spawn(async move {
        sweep(FORGET_EVERY, &*clock, &shutdown, || forget(&jobs, &clock, keep)).await;
    });
    while let Some(ended) = tasks.join_next().await {
        // A panic in one of them: dying loudly beats limping on, and leases and outbox lose nothing.
        ended.context("a task of the worker died")?;
    }
    Ok(())
}

/// Takes due jobs of a kind round after round; rests when there are none.
async fn work(app: App, kind: JobKind, config: WorkerConfig, shutdown: CancellationToken) {
    let rest = Duration::from_millis(config.poll_ms);
    while until_clocks_agree(&*app.clock, &shutdown).await {
        let round = app.work_due(kind, config.batch, &shutdown);
        tokio::pin!(round);
        let done = tokio::select! {
            done = &mut round => Some(done),
            () = shutdown.cancelled() => timeout(Duration::from_secs(config.shutdown_seconds), round).await.ok(),
        };
        match done {
            // A full round: there may be more.
            Some(Ok(report)) if report.taken() >= u32::from(config.batch) => continue,
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, kind = kind.as_str(), "due jobs could not be taken");
            }
            None => tracing::warn!(kind = kind.as_str(), "jobs under way were left to their leases"),
        }
        shutdown.run_until_cancelled(sleep(rest)).await;
    }
}

/// Takes uploads that are due, one after the other: a picture may take hundreds of megabytes while it is looked at.
async fn look_after_uploads(app: App, config: WorkerConfig, shutdown: CancellationToken) {
    let rest = Duration::from_millis(config.poll_ms);
    while until_clocks_agree(&*app.clock, &shutdown).await {
        let work = app.work_next_upload();
        tokio::pin!(work);
        let done = tokio::select! {
            done = &mut work => Some(done),
            () = shutdown.cancelled() => timeout(Duration::from_secs(config.shutdown_seconds), work).await.ok(),
        };
        match done {
            Some(Ok(true)) => continue,
            Some(Ok(false)) => {}
            Some(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "uploads that are due could not be taken");
            }
            None => tracing::warn!("an upload under way was left to its lease"),
        }
        shutdown.run_until_cancelled(sleep(rest)).await;
    }
}

async fn measure(app: App, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    every(MEASURE_EVERY, &shutdown, || async {
        match app.open_jobs().await {
            Ok(kinds) => {
                for open in kinds {
                    let kind = open.kind.as_str();
                    let age = |oldest: Option<OffsetDateTime>| {
                        oldest.map_or(0.0, |since| (clock.now() - since).as_seconds_f64().max(0.0))
                    };
                    metrics::gauge!("vcare_jobs_open", "kind" => kind).set(open.count as f64);
                    metrics::gauge!("vcare_jobs_oldest_age_seconds", "kind" => kind).set(age(open.oldest));
                    metrics::gauge!("vcare_jobs_parked", "kind" => kind).set(open.parked as f64);
                    metrics::gauge!("vcare_jobs_parked_oldest_age_seconds", "kind" => kind)
                        .set(age(open.oldest_parked));
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the backlog could not be measured");
            }
        }
    })
    .await;
}

async fn measure_uploads(app: App, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    every(MEASURE_EVERY, &shutdown, || async {
        match app.unchecked_uploads().await {
            Ok((count, oldest)) => {
                let age = oldest.map_or(0.0, |since| (clock.now() - since).as_seconds_f64().max(0.0));
                metrics::gauge!("vcare_uploads_unchecked").set(count as f64);
                metrics::gauge!("vcare_uploads_unchecked_oldest_age_seconds").set(age);
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "uploads could not be counted");
            }
        }
    })
    .await;
}

async fn measure_failed_visits(app: App, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    every(MEASURE_EVERY, &shutdown, || async {
        match app.failed_visits().await {
            Ok((count, oldest)) => {
                let age = oldest.map_or(0.0, |since| (clock.now() - since).as_seconds_f64().max(0.0));
                metrics::gauge!("vcare_failed_visits").set(count as f64);
                metrics::gauge!("vcare_failed_visits_oldest_age_seconds").set(age);
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "failed visits could not be counted");
            }
        }
    })
    .await;
}

async fn reap(app: App, shutdown: CancellationToken) {
    sweep(REAP_EVERY, &*app.clock, &shutdown, || async {
        match app.reap_rooms().await {
            Ok(0) => {}
            Ok(closed) => tracing::info!(closed, "rooms that belong to no visit were closed"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "rooms could not be looked for");
            }
        }
    })
    .await;
}

async fn listen(app: App, shutdown: CancellationToken) {
    sweep(LISTEN_EVERY, &*app.clock, &shutdown, || async {
        match app.note_broken_promises().await {
            Ok(0) => {}
            Ok(lost) => tracing::info!(lost, "people whose devices fell silent were noted as disconnected"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "broken promises could not be looked for");
            }
        }
    })
    .await;
}

async fn end_visits_not_held(app: App, shutdown: CancellationToken) {
    sweep(END_EVERY, &*app.clock, &shutdown, || async {
        match app.end_visits_not_held().await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "visits whose time was over were ended or noted as no-shows"),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "visits that were not held could not be looked for"
                );
            }
        }
    })
    .await;
}

async fn expire(app: App, shutdown: CancellationToken) {
    sweep(EXPIRE_EVERY, &*app.clock, &shutdown, || async {
        match app.expire_drafts(EXPIRED_AT_ONCE).await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(expired, "drafts that nobody decided on were erased"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "expired drafts could not be looked for");
            }
        }
    })
    .await;
}

async fn report_transcriptions(app: App, shutdown: CancellationToken) {
    sweep(REPORT_EVERY, &*app.clock, &shutdown, || async {
        match app.report_transcriptions(REPORTED_AT_ONCE).await {
            Ok(0) => {}
            Ok(visits) => tracing::info!(visits, "transcriptions of visits that are over were reported"),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "visits whose transcriptions are not reported could not be looked for"
                );
            }
        }
    })
    .await;
}

async fn forget(jobs: &vcare_boot::JobQueue, clock: &Arc<dyn Clock>, keep: time::Duration) {
    match jobs.forget_answers(clock.now() - keep).await {
        Ok(0) => {}
        Ok(forgotten) => tracing::info!(forgotten, "old idempotency answers were forgotten"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "old answers could not be forgotten");
        }
    }
    match jobs.forget_waiting(clock.now() - KEEP_WAITING).await {
        Ok(0) => {}
        Ok(forgotten) => tracing::info!(forgotten, "people who left and links that expired were forgotten"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "old links could not be forgotten");
        }
    }
}

/// Acts again and again, while the clocks agree.
async fn sweep<F: Future<Output = ()>>(
    wait: Duration,
    clock: &dyn Clock,
    shutdown: &CancellationToken,
    act: impl Fn() -> F,
) {
    let act = &act;
    let when_agreed = || async move {
        if until_clocks_agree(clock, shutdown).await {
            act().await;
        }
    };
    every(wait, shutdown, when_agreed).await;
}

/// Acts again and again, whatever the clocks show.
async fn every<F: Future<Output = ()>>(wait: Duration, shutdown: &CancellationToken, act: impl Fn() -> F) {
    while shutdown.run_until_cancelled(act()).await.is_some() {
        shutdown.run_until_cancelled(sleep(wait)).await;
    }
}

/// Waits until this machine's clock and the database's agree: what is due, leased or over must not be decided by a clock that is
/// wrong. `false` when the process stops.
async fn until_clocks_agree(clock: &dyn Clock, shutdown: &CancellationToken) -> bool {
    while !shutdown.is_cancelled() && !clock.agreement().is_agreed() {
        shutdown.run_until_cancelled(sleep(LOOK_AT_CLOCKS_EVERY)).await;
    }
    !shutdown.is_cancelled()
}
