//! The durable work, taken up by a worker.

use time::{Duration, OffsetDateTime};

use crate::app::App;
use crate::breaker::Permit;
use crate::encounters::{EncounterJob, Settled};
use crate::ports::{Ids, JobKind, LeasedJob, StoreError};

/// The longest a failed attempt waits for the next one.
pub const RETRY_CEILING: Duration = Duration::seconds(60);

/// How long a worker holds a job.
const LEASE: Duration = Duration::seconds(60);

/// What the lease keeps back for recording the result after the neighbour answered.
const RECORDING: Duration = Duration::seconds(15);

/// How long to wait after attempt `attempts` failed: 5, 10, 20, 40, then 60 s, ±20 %, so that an outage's visits do not
/// come back all at once. A neighbour's wish to be left alone longer is heard up to the ceiling: recovery must show within
/// minutes.
#[must_use]
pub fn retry_delay(attempts: u32, asked: Option<Duration>, ids: &dyn Ids) -> Duration {
    let steps = attempts.saturating_sub(1).min(4);
    let base = Duration::seconds(5 << steps).max(asked.unwrap_or_default()).min(RETRY_CEILING);
    let mut byte = [0_u8; 1];
    ids.fill_random(&mut byte);
    base * (0.8 + 0.4 * f64::from(byte[0]) / 255.0)
}

/// What a round of work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkReport {
    /// Encounters in the chart.
    pub created: u32,
    /// Set aside for a person.
    pub parked: u32,
    /// To be tried again.
    pub later: u32,
    /// Attempts that failed on our side; their lease runs out by itself.
    pub failed: u32,
}

impl WorkReport {
    /// How many jobs were taken up.
    #[must_use]
    pub const fn taken(self) -> u32 {
        self.created + self.parked + self.later + self.failed
    }

    const fn count(&mut self, settled: Settled) {
        match settled {
            Settled::Created => self.created += 1,
            Settled::Parked => self.parked += 1,
            Settled::Later => self.later += 1,
        }
    }

    const fn add(&mut self, more: Self) {
        self.created += more.created;
        self.parked += more.parked;
        self.later += more.later;
        self.failed += more.failed;
    }
}

impl App {
    /// Takes up to `limit` due jobs and attempts each once, several side by side. While the gateway is dead nothing is taken
    /// but one job in a while, to find out.
    ///
    /// # Errors
    /// [`StoreError`] when jobs cannot be leased.
    pub async fn work_due_jobs(&self, limit: u16) -> Result<WorkReport, StoreError> {
        let breaker = &self.neighbours.fhir_breaker;
        let mut report = WorkReport::default();
        loop {
            let now = self.clock.now();
            let (limit, probing) = match breaker.permit(now) {
                Permit::All => (limit, false),
                Permit::Probe => (1, true),
                Permit::No { .. } => return Ok(report),
            };
            let leased = match self.jobs.lease(now, LEASE, limit).await {
                Ok(leased) if !leased.is_empty() => leased,
                nothing => {
                    if probing {
                        breaker.unused(now);
                    }
                    return nothing.map(|_| report);
                }
            };
            let done = self.work_all(leased).await;
            report.add(done);
            if probing && done.failed > 0 {
                // It failed on our side and may not have asked: the gateway's turn is still to come.
                breaker.unused(now);
            }
            // A probe that was answered opens the way for the others.
            if !probing || done.failed > 0 {
                return Ok(report);
            }
        }
    }

    async fn work_all(&self, leased: Vec<LeasedJob>) -> WorkReport {
        let mut report = WorkReport::default();
        let mut waiting = leased.into_iter();
        let mut attempts = tokio::task::JoinSet::new();
        loop {
            while attempts.len() < usize::from(self.settings.jobs_side_by_side.max(1))
                && let Some(job) = waiting.next()
            {
                let app = self.clone();
                attempts.spawn(async move { app.work(job).await });
            }
            match attempts.join_next().await {
                None => return report,
                Some(Ok(Some(settled))) => report.count(settled),
                Some(Ok(None) | Err(_)) => report.failed += 1,
            }
        }
    }

    async fn work(&self, job: LeasedJob) -> Option<Settled> {
        let left = job.leased_until - self.clock.now() - RECORDING;
        if !left.is_positive() {
            // It waited its turn for too long: somebody else may have it by now.
            return Some(Settled::Later);
        }
        let JobKind::CreateEncounter = job.kind;
        let attempt = EncounterJob {
            tenant_id: job.tenant_id,
            session_id: job.session_id,
            lease: job.lease,
            attempts: job.attempts,
            trace: job.trace,
        };
        match self.settle_encounter(&attempt, left).await {
            Ok(settlement) => Some(settlement.settled),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    session_id = %attempt.session_id,
                    "a job could not be worked; its lease will run out"
                );
                None
            }
        }
    }

    /// How many jobs are open, and how long the oldest has been.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn job_backlog(&self) -> Result<(u64, Duration), StoreError> {
        let (open, oldest) = self.jobs.open().await?;
        let age = |since: OffsetDateTime| (self.clock.now() - since).max(Duration::ZERO);
        Ok((open, oldest.map_or(Duration::ZERO, age)))
    }
}
