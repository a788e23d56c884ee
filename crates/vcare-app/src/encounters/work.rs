//! The Encounters' jobs, taken up by a worker.

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::breaker::Permit;
use crate::encounters::round::Round;
use crate::jobs::WorkReport;
use crate::ports::{JobKind, StoreError};

impl App {
    /// Takes up to `limit` due jobs and attempts each once, several side by side. While the gateway is dead nothing is taken
    /// but one job in a while, to find out. When `stop` is cancelled no more attempts are begun: those under way are
    /// finished, and what was taken beside is given back.
    pub(crate) async fn work_due_encounters(
        &self,
        limit: u16,
        stop: &CancellationToken,
    ) -> Result<WorkReport, StoreError> {
        let breaker = &self.neighbours.fhir_breaker;
        let mut report = WorkReport::default();
        while !stop.is_cancelled() {
            let (limit, probing) = match breaker.permit(self.clock.uptime()) {
                Permit::All => (limit, false),
                Permit::Probe => (1, true),
                Permit::No { .. } => break,
            };
            let leased =
                self.jobs.lease(JobKind::CreateEncounter, self.clock.now(), self.settings.job_lease, limit).await;
            let nothing = leased.as_ref().map_or(true, Vec::is_empty);
            let done = match leased {
                Ok(leased) => Ok(Round::new(self, leased, stop).run().await),
                Err(error) => Err(error),
            };
            if probing {
                // Nobody may have asked: there was no job, or its visit has its Encounter, or something failed on our side.
                breaker.unused(self.clock.uptime());
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
}
