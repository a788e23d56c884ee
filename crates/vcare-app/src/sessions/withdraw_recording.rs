//! The patient withdraws the consent to recording during the visit.

use vcare_domain::{ExpectedVersions, SessionId, VirtualSession};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::idempotency::{Done, Once};
use crate::transaction::{By, Plan};

impl App {
    /// Turns recording off. Tokens signed from here on cannot record; the event tells the clients in the room to stop.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::IdempotencyKeyReused`],
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn withdraw_recording(
        &self,
        caller: &Caller,
        id: SessionId,
        expected: Option<ExpectedVersions>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let work = async {
            let change = caller.change(self.clock.now(), expected);
            let plan = Plan {
                name: "withdraw_recording",
                session: id,
                by: By::Caller(caller, Permission::RecordingWithdraw),
                once,
                decide: |session: &mut VirtualSession, _: Option<&Access>| session.withdraw_recording(&change),
            };
            Ok(self.change_session(&caller.scope(), plan).await?.into_session())
        };
        self.guarded(caller, Permission::RecordingWithdraw, Audited::session(id), work).await
    }
}
