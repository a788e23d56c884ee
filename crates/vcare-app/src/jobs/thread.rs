//! The thread in which a visit goes on: asked for at once by who falls back, and by a worker until it is there.

use time::Duration;
use vcare_domain::{LeaseToken, SessionId, TenantId, ThreadId, VirtualSession};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::jobs::Attempt;
use crate::ports::{ClosedJob, JobEnd, JobKind, LeasedJob, ThreadDraft, ThreadError};
use crate::threads::thread_draft;

/// The transaction's name in metrics.
const RECORD: &str = "record_thread";

/// The job of making one visit's thread, held under a lease.
#[derive(Debug, Clone)]
pub(crate) struct ThreadJob {
    /// Whose visit.
    pub tenant_id: TenantId,
    /// Which visit.
    pub session_id: SessionId,
    /// The proof of holding the job.
    pub lease: LeaseToken,
    /// How the request that fell back is traced.
    pub trace: TraceContext,
}

impl From<LeasedJob> for ThreadJob {
    fn from(job: LeasedJob) -> Self {
        let LeasedJob { tenant_id, session_id, lease, trace, .. } = job;
        Self { tenant_id, session_id, lease, trace }
    }
}

impl App {
    /// Makes one attempt as a worker.
    pub(crate) async fn make_thread(self, job: LeasedJob, deadline: Duration) -> Result<Attempt, AppError> {
        let session = self.store.session(&job.tenant_id, job.session_id).await?;
        let session = session.ok_or(AppError::NotFound(Resource::Session))?;
        Ok(self.attempt_thread(&job.into(), session, deadline).await?.0)
    }

    /// Asks for a visit's thread, unless it is there already, and records what came of it. Safe to repeat and to run beside
    /// itself: the key has the communication-service answer with the thread it made first, and the visit takes one.
    pub(crate) async fn attempt_thread(
        &self,
        job: &ThreadJob,
        session: VirtualSession,
        deadline: Duration,
    ) -> Result<(Attempt, VirtualSession), AppError> {
        let known = session.parts().fallback.as_ref().and_then(|fallback| fallback.thread.id()).cloned();
        let asked = match (known, thread_draft(session.parts())) {
            (Some(thread), _) => Ok(thread),
            (None, Some(draft)) => self.ask_for_thread(job, &draft, deadline).await,
            (None, None) => Err(ThreadError::Refused { reason: "nothing_to_make" }),
        };
        let now = self.clock.now();
        let closed = |end| ClosedJob { session_id: job.session_id, kind: JobKind::CreateThread, lease: job.lease, end };
        let scope =
            Scope { tenant_id: job.tenant_id.clone(), actor: ActorRef::System("fallback"), trace: job.trace.clone() };
        match asked {
            Ok(thread) => {
                let tell = |session: &mut VirtualSession| session.record_thread(thread.clone(), now);
                Ok((Attempt::Done, self.record_job(RECORD, &scope, closed(JobEnd::Done), tell).await?))
            }
            Err(ThreadError::Refused { reason }) => {
                let tell = |session: &mut VirtualSession| session.park_thread(now);
                let end = JobEnd::Parked { error: reason };
                Ok((Attempt::Parked, self.record_job(RECORD, &scope, closed(end), tell).await?))
            }
            Err(ThreadError::Unavailable(fault)) => Ok((Attempt::Failed(fault), session)),
        }
    }

    async fn ask_for_thread(
        &self,
        job: &ThreadJob,
        draft: &ThreadDraft,
        deadline: Duration,
    ) -> Result<ThreadId, ThreadError> {
        let made = self.neighbours.messaging.create_thread(&job.tenant_id, draft, deadline, &job.trace).await;
        let breaker = &self.neighbours.messaging_breaker;
        match &made {
            Err(ThreadError::Unavailable(error)) if error.is_outage() => {
                breaker.failed(self.clock.uptime(), error.retry_after);
            }
            _ => breaker.answered(),
        }
        made
    }
}
