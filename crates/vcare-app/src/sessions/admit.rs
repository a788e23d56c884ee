//! A clinician lets somebody in from the waiting room.

use vcare_domain::{ParticipantId, SessionId, Version};

use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::idempotency::{Answer, Done, Once, Wish};
use crate::sessions::Admission;
use crate::transaction::Plan;

impl App {
    /// Lets a waiting participant in. Of two who decide at once, one wins; the other is told what they lost to.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::Blocked`] without a video
    /// backend, [`AppError::IdempotencyKeyReused`], [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn admit_participant(
        &self,
        caller: &Caller,
        id: SessionId,
        participant: ParticipantId,
        expected: Option<Version>,
        wish: Option<Wish>,
    ) -> Result<Admission, AppError> {
        caller.require(Permission::SessionAdmit)?;
        let config = self.video_config(&caller.tenant_id).await?;
        let change = caller.change(self.clock.now(), expected);
        // The answer holds a token, so nothing of it is kept: the same wish again gets the visit as it is by then.
        let once = wish.map(|wish| Once { wish, answer: &|_| Answer { status: 200, body: Vec::new() } });
        let plan = Plan {
            name: "admit_participant",
            session: id,
            once: once.as_ref(),
            decide: |session: &mut vcare_domain::VirtualSession| session.admit(participant, &change),
        };
        let session = match self.change_session(&caller.scope(), plan).await? {
            Done::Now(changed) => changed.session,
            Done::Before(_) => {
                let session = self.store.session(&caller.tenant_id, id).await?;
                session.ok_or(AppError::NotFound(Resource::Session))?
            }
        };
        self.admission(caller, &config, session, participant).await
    }
}
