//! Works the jobs of one kind: they are leased, attempted side by side, and given back if they must be tried again.

use std::collections::HashMap;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::app::App;
use crate::breaker::{Breaker, Permit};
use crate::error::AppError;
use crate::jobs::{RECORDING, WorkReport, retry_delay};
use crate::ports::{GivenBack, JobKind, LeasedJob, NeighbourError, StoreError};

/// The most jobs of a kind that are leased at once. All of them are begun at once: none waits its turn while its lease runs.
const AT_ONCE: u16 = 16;

/// What came of an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt {
    /// Done, and recorded with the end of its job, in one transaction.
    Done,
    /// A person must look; recorded the same way.
    Parked,
    /// The neighbour did not do it: again later.
    Failed(NeighbourError),
    /// There is nothing to do before then; this attempt does not count.
    NotBefore(OffsetDateTime),
}

impl Attempt {
    /// A fixed word for metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Parked => "parked",
            Self::Failed(_) | Self::NotBefore(_) => "later",
        }
    }
}

/// The span of an attempt: part of the trace of the request that caused the work.
pub(crate) fn span(job: &LeasedJob) -> Span {
    tracing::info_span!(
        "job",
        kind = job.kind.as_str(),
        tenant_id = %job.tenant_id,
        session_id = %job.session_id,
        request_id = job.trace.correlation_id,
        trace_id = job.trace.trace_id(),
        trace.parent = job.trace.traceparent,
        otel.kind = "consumer",
        job.attempts = job.attempts,
    )
}

/// A kind of durable work, worked for a while.
pub(super) struct Kind<'a> {
    pub kind: JobKind,
    /// Of the neighbour that the work needs. While it is open, one job in a while is taken to find out.
    pub breaker: Option<&'a Arc<Breaker>>,
    /// The most jobs taken at once.
    pub limit: u16,
    /// When it is cancelled, no more jobs are taken.
    pub stop: &'a CancellationToken,
}

impl Kind<'_> {
    /// Until nothing is due. `attempt` has so long for the neighbour's answer, and records what came of it.
    pub async fn work<F>(&self, app: &App, attempt: fn(App, LeasedJob, Duration) -> F) -> Result<WorkReport, StoreError>
    where
        F: Future<Output = Result<Attempt, AppError>> + Send + 'static,
    {
        let mut report = WorkReport::default();
        while !self.stop.is_cancelled() {
            let (limit, probing) = match self.breaker.map_or(Permit::All, |breaker| breaker.permit(app.clock.uptime()))
            {
                Permit::All => (self.limit.min(AT_ONCE), false),
                Permit::Probe => (1, true),
                Permit::No { .. } => break,
            };
            let leased = app.jobs.lease(self.kind, app.clock.now(), app.settings.job_lease, limit).await;
            let done = match leased {
                Ok(leased) => Ok(self.attempt_all(app, leased, attempt).await),
                Err(error) => Err(error),
            };
            if let (Some(breaker), true) = (self.breaker, probing) {
                // Nobody may have asked: there was no job, or something failed on our side.
                breaker.unused(app.clock.uptime());
            }
            let done = done?;
            report.add(done);
            // A full round: there may be more. One in which nothing went well must not be repeated at once.
            if done.taken() < u32::from(limit) || done.done + done.parked == 0 {
                break;
            }
        }
        Ok(report)
    }

    async fn attempt_all<F>(
        &self,
        app: &App,
        leased: Vec<LeasedJob>,
        attempt: fn(App, LeasedJob, Duration) -> F,
    ) -> WorkReport
    where
        F: Future<Output = Result<Attempt, AppError>> + Send + 'static,
    {
        let mut report = WorkReport::default();
        let mut attempts = JoinSet::new();
        let mut begun = HashMap::new();
        for job in leased {
            let left = job.leased_until - app.clock.now() - RECORDING;
            let attempt = attempt(app.clone(), job.clone(), left).instrument(span(&job));
            let subject = (job.tenant_id.clone(), job.session_id);
            let task = attempts.spawn(async move { (job, attempt.await) });
            begun.insert(task.id(), subject);
        }
        let mut back = Vec::new();
        while let Some(ended) = attempts.join_next().await {
            match ended {
                Ok((job, Ok(attempt))) => {
                    counted(self.kind, attempt.as_str());
                    match attempt {
                        Attempt::Done => report.done += 1,
                        Attempt::Parked => report.parked += 1,
                        Attempt::Failed(fault) => {
                            let due = app.clock.now() + retry_delay(job.attempts, fault.retry_after, &*app.ids);
                            back.push(self.given_back(&job, due, Some(fault.fault.as_str())));
                        }
                        Attempt::NotBefore(due) => back.push(self.given_back(&job, due, None)),
                    }
                }
                Ok((job, Err(error))) => {
                    report.failed += 1;
                    counted(self.kind, "failed");
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        kind = self.kind.as_str(),
                        tenant_id = %job.tenant_id,
                        session_id = %job.session_id,
                        "a job could not be worked; its lease will run out"
                    );
                }
                Err(panicked) => {
                    report.failed += 1;
                    counted(self.kind, "failed");
                    let subject = begun.get(&panicked.id());
                    tracing::error!(
                        kind = self.kind.as_str(),
                        tenant_id = subject.map(|(tenant, _)| tenant.as_str()),
                        session_id = subject.map(|(_, session)| session.to_string()),
                        "an attempt panicked; its lease will run out"
                    );
                }
            }
        }
        report.later += u32::try_from(back.len()).unwrap_or(u32::MAX);
        if let Err(error) = app.jobs.give_back(&back).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                jobs = back.len(),
                "jobs could not be given back; their leases will run out"
            );
        }
        report
    }

    fn given_back(&self, job: &LeasedJob, due: OffsetDateTime, error: Option<&'static str>) -> GivenBack {
        GivenBack { session_id: job.session_id, kind: self.kind, lease: job.lease, due, error }
    }
}

/// Counts an attempt: a worker's, or the first one beside an answer. `outcome` is an [`Attempt`]'s word, or `failed`.
pub(crate) fn counted(kind: JobKind, outcome: &'static str) {
    metrics::counter!("vcare_job_attempts_total", "kind" => kind.as_str(), "outcome" => outcome).increment(1);
}
