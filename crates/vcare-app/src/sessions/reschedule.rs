//! A visit moves to another time.

use vcare_domain::{NewTime, SessionId, Version, VirtualSession};

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
        wish: RescheduleSession,
        expected: Option<Version>,
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
            if !wish.allow_overlap {
                self.refuse_overlap(caller, id, &wish.to).await?;
            }
            let plan = Plan {
                name: "reschedule_session",
                session: id,
                by: By::Caller(caller, Permission::SessionReschedule),
                once,
                decide: |session: &mut VirtualSession, _: Option<&Access>| session.reschedule(&wish.to, grace, &change),
            };
            Ok(self.change_session(&scope, plan).await?.into_session())
        };
        self.guarded(caller, Permission::SessionReschedule, Audited::session(id), work).await
    }

    /// Refuses a new time at which the visit's patient or provider has another visit.
    async fn refuse_overlap(&self, caller: &Caller, id: SessionId, to: &NewTime) -> Result<(), AppError> {
        let (session, _) = self.session_for(caller, id, Permission::SessionReschedule).await?;
        let visit = session.parts();
        let schedule = visit.schedule.moved(to, self.clock.now())?;
        // A repetition, and a change of the zone alone, move nothing.
        let moves = (schedule.start(), schedule.end()) != (visit.schedule.start(), visit.schedule.end());
        if moves && !session.is_over() && self.store.has_overlapping_session(visit, &schedule).await? {
            return Err(AppError::SessionOverlaps);
        }
        Ok(())
    }
}
