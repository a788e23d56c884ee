//! A visit is given up whose patient stays away for longer than the reconnect window.

use time::Duration;
use vcare_domain::{Outcome, Refusal};

use crate::actor::{ActorRef, Scope};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::gates::GateBlock;
use crate::jobs::Attempt;
use crate::ports::{ClosedJob, JobEnd, LeasedJob, UnitOfWork};
use crate::transaction::{close, run_again_after_lost_races};

/// The transaction's name in metrics.
const FAIL: &str = "fail_lost_visit";

impl App {
    /// Lets the visit decide, under its lock, whether its patient is lost by now. Who came back makes this moot, and a visit
    /// that is over too: then only the job ends. The tenant's window is the one of today.
    pub(crate) async fn give_up_lost_visit(self, job: LeasedJob) -> Result<Attempt, AppError> {
        let config = self.store.tenant_config(&job.tenant_id).await?.ok_or(GateBlock::VideoNotConfigured)?;
        let scope = Scope {
            tenant_id: job.tenant_id.clone(),
            actor: ActorRef::System("reconnect_window"),
            trace: job.trace.clone(),
        };
        run_again_after_lost_races(FAIL, || async {
            let mut tx = self.store.begin(FAIL, &scope).await?;
            let done = self.give_up_in(&mut *tx, &job, config.grace_after()).await;
            close(tx, done).await
        })
        .await
    }

    async fn give_up_in(
        &self,
        tx: &mut dyn UnitOfWork,
        job: &LeasedJob,
        window: Duration,
    ) -> Result<Attempt, AppError> {
        let mut session = tx.sessions().find(job.session_id).await?.ok_or(AppError::NotFound(Resource::Session))?;
        match session.fail(window, self.clock.now()) {
            Ok(Outcome::Applied) => tx.sessions().save(&mut session).await?,
            Err(Refusal::PatientAwaited { until }) => return Ok(Attempt::NotBefore(until)),
            Ok(Outcome::AlreadyApplied) | Err(_) => {}
        }
        let done = ClosedJob { session_id: job.session_id, kind: job.kind, lease: job.lease, end: JobEnd::Done };
        tx.jobs().close(&[done]).await?;
        Ok(Attempt::Done)
    }
}
