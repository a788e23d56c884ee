//! A visit moves to another time.

use vcare_domain::{ExpectedVersions, NewTime, Outcome, Refusal, SessionId, VirtualSession};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::gates::GateBlock;
use crate::idempotency::{Done, Once};
use crate::transaction::{By, Plan};

/// Where a visit is moved to.
#[derive(Debug, Clone)]
pub struct RescheduleSession {
    /// The new time.
    pub to: NewTime,
    /// Move it also where its patient or its provider has another visit at that time.
    pub allow_overlap: bool,
}

impl App {
    /// Moves a visit that has not begun. Links that were sent keep working. The check for other visits at that time guards against
    /// mistakes only: a visit that is created or moved at the same moment is not seen.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Schedule`], [`AppError::SessionOverlaps`],
    /// [`AppError::Refused`], [`AppError::Blocked`] without settings, [`AppError::IdempotencyKeyReused`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn reschedule_session(
        &self,
        caller: &Caller,
        id: SessionId,
        request: RescheduleSession,
        expected: Option<ExpectedVersions>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let work = async {
            let scope = caller.scope();
            let (config, answered) = self.config_and_answer(&scope, once).await?;
            if let Some(answer) = answered {
                return Ok(Done::Before(answer));
            }
            let grace = config.ok_or(GateBlock::VideoNotConfigured)?.grace_before();
            let change = caller.change(self.clock.now(), expected);
            let reschedule = |session: &mut VirtualSession| session.reschedule(&request.to, grace, &change);
            if !request.allow_overlap {
                self.refuse_overlap(caller, id, reschedule).await?;
            }
            let plan = Plan {
                name: "reschedule_session",
                session: id,
                by: By::Caller(caller, Permission::SessionReschedule),
                once,
                decide: |session: &mut VirtualSession, _: Option<&Access>| reschedule(session),
            };
            Ok(self.change_session(&scope, plan).await?.into_session())
        };
        self.guarded(caller, Permission::SessionReschedule, Audited::session(id), work).await
    }

    /// Refuses a new time at which the visit's patient or provider has another visit. What else is wrong, the visit says first.
    async fn refuse_overlap(
        &self,
        caller: &Caller,
        id: SessionId,
        reschedule: impl Fn(&mut VirtualSession) -> Result<Outcome, Refusal>,
    ) -> Result<(), AppError> {
        let (mut session, _) = self.session_for(caller, id, Permission::SessionReschedule).await?;
        let before = session.parts().schedule.clone();
        if reschedule(&mut session)? == Outcome::AlreadyApplied {
            return Ok(());
        }
        let moved = session.parts();
        // A change of the zone alone moves nothing.
        let moves = (moved.schedule.start(), moved.schedule.end()) != (before.start(), before.end());
        if moves && self.store.has_overlapping_session(moved).await? {
            return Err(AppError::SessionOverlaps);
        }
        Ok(())
    }
}
