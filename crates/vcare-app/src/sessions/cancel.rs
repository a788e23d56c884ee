//! A visit does not take place: it is cancelled, or the patient did not come.

use vcare_domain::{Change, FreeText, Outcome, Refusal, SessionId, Version, VirtualSession};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::idempotency::{Done, Once};
use crate::transaction::{By, Plan};

impl App {
    /// Calls a visit off before it began. Doing it twice changes nothing.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::IdempotencyKeyReused`],
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn cancel_session(
        &self,
        caller: &Caller,
        id: SessionId,
        reason: FreeText,
        expected: Option<Version>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let cancel = |session: &mut VirtualSession, change: &Change| session.cancel(reason.clone(), change);
        self.call_off("cancel_session", caller, id, cancel, expected, once).await
    }

    /// Notes that the patient did not come. Doing it twice changes nothing. Whoever may cancel a visit may do this.
    ///
    /// # Errors
    /// Those of [`Self::cancel_session`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn mark_no_show(
        &self,
        caller: &Caller,
        id: SessionId,
        expected: Option<Version>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        self.call_off("mark_no_show", caller, id, VirtualSession::mark_no_show, expected, once).await
    }

    async fn call_off<D>(
        &self,
        name: &'static str,
        caller: &Caller,
        id: SessionId,
        decide: D,
        expected: Option<Version>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError>
    where
        D: Fn(&mut VirtualSession, &Change) -> Result<Outcome, Refusal> + Send + Sync,
    {
        let work = async {
            let change = caller.change(self.clock.now(), expected);
            let plan = Plan {
                name,
                session: id,
                by: By::Caller(caller, Permission::SessionCancel),
                once,
                decide: |session: &mut VirtualSession, _: Option<&Access>| decide(session, &change),
            };
            let done = self.change_session(&caller.scope(), plan).await?;
            if let Done::Now(changed) = &done
                && changed.applied
            {
                // A provider may have been waiting in it.
                self.close_room(&changed.session, &caller.trace).await;
            }
            Ok(done.into_session())
        };
        self.guarded(caller, Permission::SessionCancel, Audited::session(id), work).await
    }
}
