//! Visits that nobody ends: they end by themselves, or are no-shows.

use tracing::field::Empty;
use vcare_domain::{Outcome, Refusal, SessionId, TenantId};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::gates::GateBlock;
use crate::jobs::Attempt;
use crate::ports::{ClosedJob, JobEnd, LeasedJob, StoreError};
use crate::spans::begin_trace;
use crate::transaction::{close, run_again_after_lost_races};

/// The transaction's name in metrics.
const END: &str = "end_by_itself";

/// So many are looked at in one round.
const BATCH: u16 = 500;

impl App {
    /// Lets the visit decide, under its lock, whether it ends by now. Who came back makes this moot, and a visit that is over
    /// too: then only the job ends. The tenant's settings are those of today.
    pub(crate) async fn end_left_visit(self, job: LeasedJob) -> Result<Attempt, AppError> {
        let decided = self.end_by_itself(&job.tenant_id, job.session_id, job.trace.clone(), Some(&job)).await?;
        Ok(if let Err(Refusal::NotDue { until }) = decided { Attempt::NotBefore(until) } else { Attempt::Done })
    }

    /// Lets a visit decide whether it ends, in one transaction; what it said. `job` ends with it, unless it is not due. The room
    /// of a visit that ended is closed: somebody may be waiting in it.
    async fn end_by_itself(
        &self,
        tenant: &TenantId,
        id: SessionId,
        trace: TraceContext,
        job: Option<&LeasedJob>,
    ) -> Result<Result<Outcome, Refusal>, AppError> {
        let config = self.store.tenant_config(tenant).await?.ok_or(GateBlock::VideoNotConfigured)?;
        let scope = Scope { tenant_id: tenant.clone(), actor: ActorRef::System("end_by_itself"), trace };
        let (session, decided) = run_again_after_lost_races(END, || async {
            let mut tx = self.store.begin(END, &scope).await?;
            let done = async {
                let found = tx.sessions().find(id).await?;
                let mut session = found.ok_or(AppError::NotFound(Resource::Session))?;
                let decided = session.end_by_itself(config.patience(), self.clock.now());
                if decided == Ok(Outcome::Applied) {
                    tx.sessions().save(&mut session).await?;
                }
                if let (Some(job), Ok(_) | Err(Refusal::InvalidTransition { .. })) = (job, &decided) {
                    let (kind, lease) = (job.kind, job.lease);
                    tx.jobs().close(&[ClosedJob { session_id: id, kind, lease, end: JobEnd::Done }]).await?;
                }
                Ok((session, decided))
            }
            .await;
            close(tx, done).await
        })
        .await?;
        if decided == Ok(Outcome::Applied) {
            self.close_room(&session, &scope.trace).await;
        }
        Ok(decided)
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
        // Who came at this very second makes it moot.
        let decided = self.end_by_itself(tenant, id, begin_trace(&*self.ids), None).await?;
        Ok(decided == Ok(Outcome::Applied))
    }
}
