//! A further person is invited to a visit.

use vcare_domain::{
    ExpectedVersions, NewParticipant, ParticipantId, ParticipantRole, Refusal, SessionId, UserId, VirtualSession,
};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::idempotency::{Done, Once};
use crate::sessions::GivenProfile;
use crate::transaction::{By, Plan};

/// Who is wanted.
#[derive(Debug, Clone)]
pub struct InviteParticipant {
    /// Their account, when they sign in.
    pub user_id: Option<UserId>,
    /// What they will be.
    pub role: ParticipantRole,
    /// What is given of them.
    pub profile: GivenProfile,
}

impl App {
    /// Invites a further person. Somebody invited already in that role is not invited twice.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::Blocked`] without settings,
    /// [`AppError::IdempotencyKeyReused`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn invite_participant(
        &self,
        caller: &Caller,
        id: SessionId,
        wish: InviteParticipant,
        expected: Option<ExpectedVersions>,
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let work = async {
            let config = self.video_config(&caller.tenant_id).await?;
            let change = caller.change(self.clock.now(), expected);
            let new = NewParticipant {
                id: ParticipantId::from_uuid(self.ids.uuid()),
                user_id: wish.user_id,
                role: wish.role,
            };
            let profile = self.seal_profile(&caller.tenant_id, id, &wish.profile).await;
            let limit = config.max_participants();
            let plan = Plan {
                name: "invite_participant",
                session: id,
                by: By::Caller(caller, Permission::SessionInvite),
                once,
                decide: |session: &mut VirtualSession, access: Option<&Access>| {
                    let own_account = new.user_id.as_ref() == Some(&caller.user_id);
                    if !access.is_some_and(|access| access.relation.may_invite(new.role, own_account)) {
                        return Err(Refusal::NotItsProvider);
                    }
                    session.invite_described(new.clone(), &profile, limit, &change)
                },
            };
            Ok(self.change_session(&caller.scope(), plan).await?.into_session())
        };
        self.guarded(caller, Permission::SessionInvite, Audited::session(id), work).await
    }
}
