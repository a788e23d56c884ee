//! What came of a job is recorded together with the job's end.

use vcare_domain::{Outcome, Refusal, VirtualSession};

use crate::actor::Scope;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::ClosedJob;
use crate::transaction::{close, run_again_after_lost_races};

impl App {
    /// Tells the visit of a job what came of it, and closes the job, in one transaction called `name`. When somebody else was
    /// faster the visit answers that it knows, and only the job ends.
    pub(crate) async fn record_job<D>(
        &self,
        name: &'static str,
        scope: &Scope,
        job: ClosedJob,
        tell: D,
    ) -> Result<VirtualSession, AppError>
    where
        D: Fn(&mut VirtualSession) -> Result<Outcome, Refusal> + Send + Sync,
    {
        run_again_after_lost_races(name, || async {
            let mut tx = self.store.begin(name, scope).await?;
            let done = async {
                let found = tx.sessions().find(job.session_id).await?;
                let mut session = found.ok_or(AppError::NotFound(Resource::Session))?;
                if tell(&mut session)? == Outcome::Applied {
                    tx.sessions().save(&mut session).await?;
                }
                tx.jobs().close(&[job]).await?;
                Ok(session)
            }
            .await;
            close(tx, done).await
        })
        .await
    }
}
