//! A visit does not take place: it is cancelled, or the patient did not come.

use vcare_domain::{
    CancelCode, Change, ExpectedVersions, NoShowCode, Outcome, Reason, Refusal, SessionId, VirtualSession,
};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::{Caller, TraceContext};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::idempotency::{Done, Once};
use crate::transaction::{By, Plan};
use crate::waiting::JoinStatus;

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
        reason: Reason<CancelCode>,
        expected: Option<ExpectedVersions>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let cancel = |session: &mut VirtualSession, change: &Change| session.cancel(reason.clone(), change);
        let by = ("cancel_session", Permission::SessionCancel);
        self.call_off(by, caller, id, cancel, expected, once).await
    }

    /// The same, by the patient's join link.
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Refused`], [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = tracing::field::Empty))]
    pub async fn cancel_by_link(
        &self,
        token: &str,
        reason: Reason<CancelCode>,
        trace: TraceContext,
    ) -> Result<JoinStatus, AppError> {
        let claims = self.claims(token).await?;
        self.named_by(&claims).await?;
        let (id, version, now) = (claims.participant_id, claims.version, self.clock.now());
        let cancel = |session: &mut VirtualSession| session.cancel_by_link(id, version, reason.clone(), now);
        let changed = self.change_by_link("cancel_session", &claims, cancel, trace.clone()).await?;
        if changed.applied {
            self.close_room(&changed.session, &trace).await;
        }
        JoinStatus::of_patient(&changed.session)
    }

    /// Notes that the patient did not come. Doing it twice changes nothing.
    ///
    /// # Errors
    /// Those of [`Self::cancel_session`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn mark_no_show(
        &self,
        caller: &Caller,
        id: SessionId,
        code: NoShowCode,
        expected: Option<ExpectedVersions>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let note = |session: &mut VirtualSession, change: &Change| session.mark_no_show(code, change);
        let by = ("mark_no_show", Permission::SessionNoShow);
        self.call_off(by, caller, id, note, expected, once).await
    }

    async fn call_off<D>(
        &self,
        (name, permission): (&'static str, Permission),
        caller: &Caller,
        id: SessionId,
        decide: D,
        expected: Option<ExpectedVersions>,
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
                by: By::Caller(caller, permission),
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
        self.guarded(caller, permission, Audited::session(id), work).await
    }
}
