//! A clinician comes into a visit.

use vcare_domain::{ExpectedVersions, ParticipantId, SessionId, VirtualSession};

use crate::access::{Access, Audited};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::idempotency::Done;
use crate::sessions::Admission;
use crate::transaction::{By, Changed, Plan};

impl App {
    /// Brings the caller in as a provider of the visit, invited or not. Coming twice changes nothing and answers with a
    /// fresh address.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::Blocked`] without a video
    /// backend, [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn join_as_provider(
        &self,
        caller: &Caller,
        id: SessionId,
        expected: Option<ExpectedVersions>,
    ) -> Result<Admission, AppError> {
        let work = async {
            let config = self.video_config(&caller.tenant_id).await?;
            let change = caller.change(self.clock.now(), expected);
            let name = self.seal_name(&caller.tenant_id, id, caller.name.as_ref()).await;
            let new_id = ParticipantId::from_uuid(self.ids.uuid());
            let limit = config.max_participants();
            let plan = Plan {
                name: "join_as_provider",
                session: id,
                by: By::Caller(caller, Permission::SessionJoin),
                once: None,
                decide: |session: &mut VirtualSession, _: Option<&Access>| {
                    session.join_as_named_provider(new_id, name.as_ref(), limit, config.patience(), &change)
                },
            };
            let Done::Now(Changed { session, viewer, .. }) = self.change_session(&caller.scope(), plan).await? else {
                return Err(AppError::NotFound(Resource::Session));
            };
            let own = session.parts().provider(&caller.user_id).map(|participant| participant.id);
            let own = own.ok_or(AppError::NotFound(Resource::Participant))?;
            self.admission(caller, &config, session, own, viewer.audience).await
        };
        self.guarded(caller, Permission::SessionJoin, Audited::session(id), work).await
    }
}
