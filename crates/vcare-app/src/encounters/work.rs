//! The durable work, taken up by a worker.

use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::breaker::Permit;
use crate::encounters::record::Settled;
use crate::encounters::round::Round;
use crate::ports::{Ids, StoreError};

/// The longest a failed attempt waits for the next one.
pub const RETRY_CEILING: Duration = Duration::seconds(60);

/// What a lease keeps back for recording the result after the neighbour answered.
pub const RECORDING: Duration = Duration::seconds(15);

/// The same for the first attempt, by who ends the visit. It is shorter, as a worker takes over when it is over.
pub const FIRST_RECORDING: Duration = Duration::seconds(8);

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

    pub(super) const fn count(&mut self, settled: Settled) {
        match settled {
            Settled::Created => self.created += 1,
            Settled::Parked => self.parked += 1,
            Settled::Later => self.later += 1,
        }
    }

    pub(super) const fn add(&mut self, more: Self) {
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
        self.work_due_jobs_until(limit, &CancellationToken::new()).await
    }

    /// The same, and when `stop` is cancelled no more attempts are begun: those under way are finished, and what was taken
    /// beside is given back.
    ///
    /// # Errors
    /// [`StoreError`] when jobs cannot be leased.
    pub async fn work_due_jobs_until(&self, limit: u16, stop: &CancellationToken) -> Result<WorkReport, StoreError> {
        let breaker = &self.neighbours.fhir_breaker;
        let mut report = WorkReport::default();
        while !stop.is_cancelled() {
            let now = self.clock.now();
            let (limit, probing) = match breaker.permit(now) {
                Permit::All => (limit, false),
                Permit::Probe => (1, true),
                Permit::No { .. } => break,
            };
            let leased = self.jobs.lease(now, self.settings.job_lease, limit).await;
            let nothing = leased.as_ref().map_or(true, Vec::is_empty);
            let done = match leased {
                Ok(leased) => Ok(Round::new(self, leased, stop).run().await),
                Err(error) => Err(error),
            };
            if probing {
                // Nobody may have asked: there was no job, or its visit has its Encounter, or something failed on our side.
                breaker.unused(now);
            }
            let done = done?;
            report.add(done);
            // A probe that was answered opens the way for the others.
            if !probing || nothing || done.failed > 0 {
                break;
            }
        }
        Ok(report)
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
