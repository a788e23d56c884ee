//! Visits that nobody ends: they end by themselves, or are no-shows.

use tracing::field::Empty;
use vcare_domain::{Outcome, Patience, Refusal, SessionId, TenantId, VirtualSession};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::gates::GateBlock;
use crate::jobs::Attempt;
use crate::ports::{ClosedJob, JobEnd, LeasedJob, StoreError, UnitOfWork};
use crate::spans::begin_trace;
use crate::transaction::{close, run_again_after_lost_races};

/// The transaction's name in metrics.
const END: &str = "end_by_itself";

/// So many are looked at in one round.
const BATCH: u16 = 500;

impl App {
    async fn patience(&self, tenant: &TenantId) -> Result<Patience, AppError> {
        let config = self.store.tenant_config(tenant).await?.ok_or(GateBlock::VideoNotConfigured)?;
        Ok(config.patience())
    }

    /// Lets the visit decide, under its lock, whether it ends by now. Who came back makes this moot, and a visit that is over
    /// too: then only the job ends. The tenant's settings are those of today.
    pub(crate) async fn end_left_visit(self, job: LeasedJob) -> Result<Attempt, AppError> {
        let patience = self.patience(&job.tenant_id).await?;
        let scope = scope(&job.tenant_id, job.trace.clone());
        let (attempt, ended) = run_again_after_lost_races(END, || async {
            let mut tx = self.store.begin(END, &scope).await?;
            let done = self.end_in(&mut *tx, &job, patience).await;
            close(tx, done).await
        })
        .await?;
        if let Some(ended) = ended {
            self.close_room(&ended, &scope.trace).await;
        }
        Ok(attempt)
    }

    /// What became of the job, and the visit if it ended.
    async fn end_in(
        &self,
        tx: &mut dyn UnitOfWork,
        job: &LeasedJob,
        patience: Patience,
    ) -> Result<(Attempt, Option<VirtualSession>), AppError> {
        let mut session = tx.sessions().find(job.session_id).await?.ok_or(AppError::NotFound(Resource::Session))?;
        let ended = match session.end_by_itself(patience, self.clock.now()) {
            Ok(Outcome::Applied) => {
                tx.sessions().save(&mut session).await?;
                Some(session)
            }
            Err(Refusal::NotDue { until }) => return Ok((Attempt::NotBefore(until), None)),
            Ok(Outcome::AlreadyApplied) | Err(_) => None,
        };
        let done = ClosedJob { session_id: job.session_id, kind: job.kind, lease: job.lease, end: JobEnd::Done };
        tx.jobs().close(&[done]).await?;
        Ok((Attempt::Done, ended))
    }

    /// Notes as no-shows the visits whose patients did not come, and ends those whose patients came and were not admitted.
    /// Several who do this at once do it once. Answers how many there were.
    ///
    /// # Errors
    /// [`StoreError`], when it is not even known which.
    #[tracing::instrument(skip_all)]
    pub async fn end_visits_not_held(&self) -> Result<u32, StoreError> {
        let mut ended = 0;
        for (tenant, id) in self.jobs.visits_not_held(self.clock.now(), BATCH).await? {
            match self.end_visit_not_held(&tenant, id).await {
                Ok(applied) => ended += u32::from(applied),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error, tenant_id = %tenant, session_id = %id,
                        "a visit that was not held could not be ended"
                    );
                }
            }
        }
        Ok(ended)
    }

    #[tracing::instrument(skip_all, fields(tenant_id = %tenant, session_id = %id, trace.own = Empty))]
    async fn end_visit_not_held(&self, tenant: &TenantId, id: SessionId) -> Result<bool, AppError> {
        let patience = self.patience(tenant).await?;
        let scope = scope(tenant, begin_trace(&*self.ids));
        run_again_after_lost_races(END, || async {
            let mut tx = self.store.begin(END, &scope).await?;
            let done = async {
                let found = tx.sessions().find(id).await?;
                let mut session = found.ok_or(AppError::NotFound(Resource::Session))?;
                // Who came at this very second makes it moot.
                let ended = session.end_by_itself(patience, self.clock.now()) == Ok(Outcome::Applied);
                if ended {
                    tx.sessions().save(&mut session).await?;
                }
                Ok(ended)
            }
            .await;
            close(tx, done).await
        })
        .await
    }
}

fn scope(tenant: &TenantId, trace: TraceContext) -> Scope {
    Scope { tenant_id: tenant.clone(), actor: ActorRef::System("end_by_itself"), trace }
}
