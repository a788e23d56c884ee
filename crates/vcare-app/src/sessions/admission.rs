//! What somebody gets who may open the video room.

use vcare_domain::{Audience, Participant, ParticipantId, TenantConfig, TenantId, VirtualSession};

use crate::actor::{Caller, TraceContext};
use crate::app::App;
use crate::error::AppError;
use crate::gates::GateBlock;
use crate::ports::VideoGrant;
use crate::sessions::Names;

/// A participant was admitted, or a provider joined.
pub struct Admission {
    /// The visit.
    pub session: VirtualSession,
    /// Who was admitted, or joined.
    pub participant_id: ParticipantId,
    /// What the caller is shown of people.
    pub audience: Audience,
    /// What people in it are called.
    pub names: Names,
    /// Opens the room for the caller: a secret, as it holds their token. `None` for a caller with no part in the visit;
    /// nobody is given another person's token.
    pub video_join_url: Option<String>,
    /// Whether it was done before, under the same key.
    pub replayed: bool,
}

impl App {
    /// The tenant's settings, for something that needs its video backend.
    pub(crate) async fn video_config(&self, tenant: &TenantId) -> Result<TenantConfig, AppError> {
        let config = self.store.tenant_config(tenant).await?;
        config.ok_or_else(|| GateBlock::VideoNotConfigured.into())
    }

    /// Signs the address that opens the room for a participant who was let in.
    pub(crate) async fn video_url(
        &self,
        config: &TenantConfig,
        session: &VirtualSession,
        participant: &Participant,
        trace: &TraceContext,
    ) -> Result<String, AppError> {
        let now = self.clock.now();
        let visit = session.parts();
        // Who cannot be named comes in all the same.
        let name = self.name_of(session, participant).await;
        let grant = VideoGrant {
            room: &visit.room,
            participant_id: participant.id,
            role: participant.role,
            name: name.as_ref(),
            recording_enabled: visit.recording_enabled,
            link: session.link_for(participant.id),
            issued_at: now,
            expires_at: session.link_expires_at(self.settings.video_token_grace, now),
            trace,
        };
        Ok(self.neighbours.video.of(visit.video_backend).join_url(config, &grant).await?)
    }

    /// What the caller is answered after `participant_id` was let in.
    pub(crate) async fn admission(
        &self,
        caller: &Caller,
        config: &TenantConfig,
        session: VirtualSession,
        participant_id: ParticipantId,
        audience: Audience,
    ) -> Result<Admission, AppError> {
        let video_join_url = match session.parts().provider(&caller.user_id) {
            Some(own) if own.state.is_let_in() => Some(self.video_url(config, &session, own, &caller.trace).await?),
            _ => None,
        };
        let names = self.names_of(&[&session]).await;
        Ok(Admission { names, session, participant_id, audience, video_join_url, replayed: false })
    }
}
