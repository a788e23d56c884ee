//! A clinician puts somebody out.

use vcare_domain::{ExpectedVersions, ParticipantId, Reason, RemovalCode, SessionId, VirtualSession};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::idempotency::{Done, Once};
use crate::transaction::{By, Plan};

impl App {
    /// Puts a participant out; their tokens are dead. Doing it twice changes nothing.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::IdempotencyKeyReused`],
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn remove_participant(
        &self,
        caller: &Caller,
        id: SessionId,
        participant: ParticipantId,
        reason: Reason<RemovalCode>,
        expected: Option<ExpectedVersions>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let work = async {
            let change = caller.change(self.clock.now(), expected);
            let plan = Plan {
                name: "remove_participant",
                session: id,
                by: By::Caller(caller, Permission::SessionRemove),
                once,
                decide: |session: &mut VirtualSession, _: Option<&Access>| {
                    session.remove(participant, reason.clone(), &change)
                },
            };
            Ok(self.change_session(&caller.scope(), plan).await?.into_session())
        };
        self.guarded(caller, Permission::SessionRemove, Audited::session(id), work).await
    }
}
