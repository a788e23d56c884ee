//! One look a second at everything that is waited for: what other processes have changed.

use tokio_util::sync::CancellationToken;
use vcare_domain::{SessionId, TenantId};

use crate::app::App;
use crate::ports::StoreError;

/// So many visits are compared in one statement.
const BATCH: usize = 1000;

impl App {
    /// Looks for changes until `stop`. A look that fails is only late: the next one sees what it missed, as it compares
    /// with what the waiting know and not with what it saw last.
    pub async fn watch_visits(&self, stop: &CancellationToken) {
        let look = async {
            loop {
                for (tenant, visits) in self.waiting.changes.watched() {
                    if let Err(error) = self.look_for_changes(&tenant, &visits).await {
                        metrics::counter!("vcare_watch_failures_total").increment(1);
                        tracing::warn!(error = &error as &dyn std::error::Error, "changes could not be looked for");
                    }
                }
                self.waiting.lines.tidy();
                tokio::time::sleep(self.waiting.pace.watch).await;
            }
        };
        stop.run_until_cancelled(look).await;
    }

    async fn look_for_changes(&self, tenant: &TenantId, visits: &[SessionId]) -> Result<(), StoreError> {
        for batch in visits.chunks(BATCH) {
            for (session, version) in self.store.versions(tenant, batch).await? {
                self.waiting.changes.tell(tenant, session, version);
            }
            let holders = self.waiting.changes.holders(tenant, batch);
            for session in self.store.taken_over(tenant, &holders, self.clock.now()).await? {
                self.waiting.changes.taken_over(tenant, session);
            }
        }
        let lines = self.lines(tenant).await?;
        self.waiting.changes.tell_places(tenant, |session| lines.number(session).unwrap_or(0));
        Ok(())
    }
}
