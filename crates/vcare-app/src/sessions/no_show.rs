//! A clinician notes that the patient did not come.

use vcare_domain::{SessionId, Version, VirtualSession};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::idempotency::{Done, Once};
use crate::transaction::{By, Plan};

impl App {
    /// Notes that the patient did not come. Doing it twice changes nothing. Whoever may cancel a visit may do this.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::IdempotencyKeyReused`],
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn mark_no_show(
        &self,
        caller: &Caller,
        id: SessionId,
        expected: Option<Version>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let work = async {
            let change = caller.change(self.clock.now(), expected);
            let plan = Plan {
                name: "mark_no_show",
                session: id,
                by: By::Caller(caller, Permission::SessionCancel),
                once,
                decide: |session: &mut VirtualSession, _: Option<&Access>| session.mark_no_show(&change),
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
