//! A clinician goes on in messages.

use vcare_domain::{ExpectedVersions, FollowUp, FreeText, SessionId, VirtualSession};

use crate::access::{Access, Audited};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::breaker::Permit;
use crate::error::{AppError, Resource};
use crate::idempotency::Done;
use crate::jobs::{Attempt, ThreadJob, counted, retry_delay};
use crate::ports::{GivenBack, JobKind};
use crate::transaction::{By, Changed, Plan};

impl App {
    /// Goes on in messages. The wish, its event and the job that will make the thread commit together; then the thread is
    /// asked for at once, and left to the worker if that does not succeed in time. Asking again answers the visit as it is.
    /// The reason is for those who care for the patient, and in no event.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn fall_back(
        &self,
        caller: &Caller,
        id: SessionId,
        reason: Option<FreeText>,
        expected: Option<ExpectedVersions>,
    ) -> Result<VirtualSession, AppError> {
        let work = async {
            let change = caller.change(self.clock.now(), expected);
            let plan = Plan {
                name: "fall_back",
                session: id,
                by: By::Caller(caller, Permission::SessionFallBack),
                once: None,
                decide: |session: &mut VirtualSession, _: Option<&Access>| session.fall_back(reason.clone(), &change),
            };
            let Done::Now(changed) = self.change_session(&caller.scope(), plan).await? else {
                return Err(AppError::NotFound(Resource::Session));
            };
            Ok(self.first_thread_attempt(caller, changed).await)
        };
        self.guarded(caller, Permission::SessionFallBack, Audited::session(id), work).await
    }

    /// Asks for the thread of a visit that has just fallen back. The wish stands whatever comes of this: a failure here is the
    /// worker's to mend, not the caller's to see.
    async fn first_thread_attempt(&self, caller: &Caller, changed: Changed) -> VirtualSession {
        let Changed { session, follow_ups, first_lease, .. } = changed;
        // Nobody waits for a service that is known to be dead.
        if !follow_ups.contains(&FollowUp::CreateThread)
            || matches!(self.neighbours.messaging_breaker.permit(self.clock.uptime()), Permit::No { .. })
        {
            return session;
        }
        let job = ThreadJob {
            tenant_id: caller.tenant_id.clone(),
            session_id: session.parts().id,
            lease: first_lease,
            trace: caller.trace.clone(),
        };
        let attempt = self.attempt_thread(&job, session.clone(), self.settings.inline_thread_deadline).await;
        counted(JobKind::CreateThread, attempt.as_ref().map_or("failed", |(attempt, _)| attempt.as_str()));
        let error = match attempt {
            Ok((Attempt::Failed(fault), session)) => {
                let due = self.clock.now() + retry_delay(1, fault.retry_after, &*self.ids);
                let (session_id, kind) = (job.session_id, JobKind::CreateThread);
                let back = GivenBack { session_id, kind, lease: job.lease, due, error: Some(fault.fault.as_str()) };
                match self.jobs.give_back(&[back]).await {
                    Ok(()) => return session,
                    Err(error) => AppError::from(error),
                }
            }
            Ok((_, session)) => return session,
            Err(error) => error,
        };
        tracing::error!(
            error = &error as &dyn std::error::Error,
            tenant_id = %job.tenant_id,
            session_id = %job.session_id,
            "a job could not be worked; its lease will run out"
        );
        session
    }
}
