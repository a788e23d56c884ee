//! A patient says that they come later than planned.

use vcare_domain::{Delay, SessionId, VirtualSession};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::{Caller, TraceContext};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::idempotency::{Done, Once};
use crate::transaction::{By, Plan};
use crate::waiting::JoinStatus;

impl App {
    /// The patient, or a proxy, says so. Saying it again changes nothing; another delay replaces it.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::IdempotencyKeyReused`],
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn announce_delay(
        &self,
        caller: &Caller,
        id: SessionId,
        delay: Delay,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let work = async {
            let now = self.clock.now();
            let plan = Plan {
                name: "announce_delay",
                session: id,
                by: By::Caller(caller, Permission::SessionDelay),
                once,
                decide: |session: &mut VirtualSession, _: Option<&Access>| session.announce_delay(delay, now),
            };
            Ok(self.change_session(&caller.scope(), plan).await?.into_session())
        };
        self.guarded(caller, Permission::SessionDelay, Audited::session(id), work).await
    }

    /// The same, by the patient's join link.
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Refused`], [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = tracing::field::Empty))]
    pub async fn announce_delay_by_link(
        &self,
        token: &str,
        delay: Delay,
        trace: TraceContext,
    ) -> Result<JoinStatus, AppError> {
        let claims = self.claims(token).await?;
        self.named_by(&claims).await?;
        let (id, version, now) = (claims.participant_id, claims.version, self.clock.now());
        let announce = |session: &mut VirtualSession| session.announce_delay_by_link(id, version, delay, now);
        let changed = self.change_by_link("announce_delay", &claims, announce, trace).await?;
        JoinStatus::of_patient(&changed.session)
    }
}
