//! A clinician answers a visit.

use vcare_domain::{Advice, AsyncVisit, AsyncVisitId, ExpectedVersions, FollowUp, ResponseText};

use crate::access::{Audited, ViewedAsyncVisit};
use crate::actor::Caller;
use crate::app::App;
use crate::async_visits::Changed;
use crate::async_visits::encounter::Held;
use crate::authorisation::Permission;
use crate::breaker::Permit;
use crate::error::AppError;

impl App {
    /// Answers a visit that the caller holds. The answer, its event and the job that will write the Encounter commit
    /// together; then the Encounter is tried at once, and left to the worker if that does not succeed in time. The same
    /// answer again changes nothing.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::AsyncRefused`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, async_visit_id = %id))]
    pub async fn respond_async_visit(
        &self,
        caller: &Caller,
        id: AsyncVisitId,
        text: ResponseText,
        advice: Advice,
        expected: Option<ExpectedVersions>,
    ) -> Result<ViewedAsyncVisit, AppError> {
        let work = async {
            let change = caller.change(self.clock.now(), expected);
            let respond = |visit: &mut AsyncVisit| visit.respond(text.clone(), advice, &change);
            let changed = self
                .change_async_visit("respond_async_visit", caller, Permission::AsyncVisitReview, id, respond)
                .await?;
            let audience = changed.audience;
            let visit = self.first_encounter_attempt(caller, changed).await;
            Ok(ViewedAsyncVisit { visit, audience })
        };
        self.guarded(caller, Permission::AsyncVisitReview, Audited::async_visit(id), work).await
    }

    /// Tries to write the Encounter of a visit that was just answered. It is answered whatever comes of this: a failure here
    /// is the worker's to mend, not the caller's to see.
    async fn first_encounter_attempt(&self, caller: &Caller, changed: Changed) -> AsyncVisit {
        let Changed { visit, follow_ups, first_lease, .. } = changed;
        // Nobody waits for a gateway that is known to be dead.
        if !follow_ups.contains(&FollowUp::CreateEncounter)
            || matches!(self.neighbours.fhir_breaker.permit(self.clock.uptime()), Permit::No { .. })
        {
            return visit;
        }
        let held = Held {
            tenant_id: caller.tenant_id.clone(),
            visit_id: visit.parts().id,
            lease: first_lease,
            trace: caller.trace.clone(),
        };
        let settled = self.first_async_encounter(&held, &visit).await;
        settled.unwrap_or(visit)
    }
}
