//! A clinician ends a visit.

use tokio::join;
use vcare_domain::{ExpectedVersions, FollowUp, FreeText, SessionId, VirtualSession};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::breaker::Permit;
use crate::encounters::{EncounterJob, encounter_draft};
use crate::error::{AppError, Resource};
use crate::idempotency::Done;
use crate::transaction::{By, Changed, Plan};

impl App {
    /// Ends a visit. The end, its event and the job that will write the Encounter commit together; then the Encounter is
    /// tried at once, and left to the worker if that does not succeed in time. Ending again answers the visit as it is.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn end_session(
        &self,
        caller: &Caller,
        id: SessionId,
        reason: Option<FreeText>,
        expected: Option<ExpectedVersions>,
    ) -> Result<ViewedSession, AppError> {
        let work = async {
            let now = self.clock.now();
            let change = caller.change(now, expected);
            let plan = Plan {
                name: "end_session",
                session: id,
                by: By::Caller(caller, Permission::SessionEnd),
                once: None,
                decide: |session: &mut VirtualSession, _: Option<&Access>| session.end(reason.clone(), &change),
            };
            let Done::Now(changed) = self.change_session(&caller.scope(), plan).await? else {
                return Err(AppError::NotFound(Resource::Session));
            };
            let viewer = changed.viewer;
            if !changed.applied {
                return Ok(ViewedSession { session: changed.session, viewer });
            }
            let ended = changed.session.clone();
            let (session, ()) = join!(self.first_attempt(caller, changed), self.close_room(&ended, &caller.trace));
            Ok(ViewedSession { session, viewer })
        };
        self.guarded(caller, Permission::SessionEnd, Audited::session(id), work).await
    }

    /// Tries to write the Encounter of a visit that was just ended. The visit is ended whatever comes of this: a failure
    /// here is the worker's to mend, not the caller's to see.
    async fn first_attempt(&self, caller: &Caller, changed: Changed) -> VirtualSession {
        let Changed { session, follow_ups, first_lease, .. } = changed;
        // Nobody waits for a gateway that is known to be dead.
        if !follow_ups.contains(&FollowUp::CreateEncounter)
            || matches!(self.neighbours.fhir_breaker.permit(self.clock.uptime()), Permit::No { .. })
        {
            return session;
        }
        let job = EncounterJob {
            tenant_id: caller.tenant_id.clone(),
            session_id: session.parts().id,
            lease: first_lease,
            attempts: 1,
            trace: caller.trace.clone(),
        };
        let answered = self.ask(job, encounter_draft(session.parts()), self.settings.inline_encounter_deadline).await;
        let settled = self.record(vec![answered]).await.pop();
        settled.and_then(|settled| settled.session).unwrap_or(session)
    }
}
