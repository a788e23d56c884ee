//! Durable work by kind: leased, done outside any transaction, and recorded in one, together with the job's end.
//!
//! A kind is added here, in [`App::work_due`], with a use case that makes one attempt (`lost_visit`, say). Everything else
//! follows from its name: leases, next attempts, parking, metrics, and the operators' tool. Encounters have rounds of their
//! own ([`crate::encounters`]), as there may be a hundred thousand of them.

mod end_by_itself;
mod lost_visit;
mod pace;
mod record;
mod report;
mod run;
mod thread;

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::ports::{JobKind, OpenJobs, StoreError};

pub use pace::{FIRST_RECORDING, RECORDING, RETRY_CEILING, retry_delay};
pub use report::WorkReport;
use run::Kind;
pub(crate) use run::{Attempt, counted, span};
pub(crate) use thread::ThreadJob;

impl App {
    /// Takes due jobs of one kind, at most `limit` at once, and attempts each once. When `stop` is cancelled no more attempts
    /// are begun, and those under way are finished.
    ///
    /// # Errors
    /// [`StoreError`] when jobs cannot be leased.
    pub async fn work_due(
        &self,
        kind: JobKind,
        limit: u16,
        stop: &CancellationToken,
    ) -> Result<WorkReport, StoreError> {
        let of = |breaker| Kind { kind, breaker, limit, stop };
        match kind {
            JobKind::CreateEncounter => self.work_due_encounters(limit, stop).await,
            JobKind::CreateAsyncEncounter => {
                of(Some(&self.neighbours.fhir_breaker)).work(self, App::write_async_encounter).await
            }
            JobKind::CreateThread => {
                let breaker = &self.neighbours.messaging_breaker;
                of(Some(breaker)).work(self, |app, job, deadline| app.make_thread(job, deadline)).await
            }
            JobKind::FailLostVisit => of(None).work(self, |app, job, _| app.give_up_lost_visit(job)).await,
            JobKind::EndByItself => of(None).work(self, |app, job, _| app.end_left_visit(job)).await,
            JobKind::PushSummary => {
                let breaker = self.neighbours.ai.as_ref().map(|ai| &ai.chart_breaker);
                of(breaker).work(self, |app, job, left| app.push_leased_summaries(job, left)).await
            }
        }
    }

    /// What is open, of every kind.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_jobs(&self) -> Result<Vec<OpenJobs>, StoreError> {
        self.jobs.open().await
    }

    /// How many visits have failed and were neither resumed nor ended, and since when the oldest has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failed_visits(&self) -> Result<(u64, Option<OffsetDateTime>), StoreError> {
        self.jobs.failed_visits().await
    }
}
