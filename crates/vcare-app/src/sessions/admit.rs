//! A clinician lets somebody in from the waiting room.

use vcare_domain::{ExpectedVersions, ParticipantId, SessionId, VirtualSession};

use crate::access::{Access, Audited};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::idempotency::{Answer, Done, Once, Wish};
use crate::sessions::Admission;
use crate::transaction::{By, Plan};

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
        expected: Option<ExpectedVersions>,
        wish: Option<Wish>,
    ) -> Result<Admission, AppError> {
        let work = async {
            let config = self.video_config(&caller.tenant_id).await?;
            let change = caller.change(self.clock.now(), expected);
            // The answer holds a token, so nothing of it is kept: the same wish again gets the visit as it is by then.
            let once = wish.map(|wish| Once { wish, answer: &|_| Answer { status: 200, body: Vec::new() } });
            let plan = Plan {
                name: "admit_participant",
                session: id,
                by: By::Caller(caller, Permission::SessionAdmit),
                once: once.as_ref(),
                decide: |session: &mut VirtualSession, _: Option<&Access>| session.admit(participant, &change),
            };
            let done = self.change_session(&caller.scope(), plan).await?;
            let replayed = matches!(done, Done::Before(_));
            let (session, audience) = match done {
                Done::Now(changed) => (changed.session, changed.viewer.audience),
                Done::Before(_) => {
                    let (session, access) = self.session_for(caller, id, Permission::SessionAdmit).await?;
                    let audience = caller.viewer(&session, &access).audience;
                    (session, audience)
                }
            };
            let admission = self.admission(caller, &config, session, participant, audience).await?;
            Ok(Admission { replayed, ..admission })
        };
        self.guarded(caller, Permission::SessionAdmit, Audited::session(id), work).await
    }
}
