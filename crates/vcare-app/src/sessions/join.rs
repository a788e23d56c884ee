//! A patient (or guest) comes by link.

use time::OffsetDateTime;
use vcare_domain::{
    Entry, Outcome, Participant, ParticipantId, ParticipantStatus, Refusal, SessionStatus, Version, VirtualSession,
};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, JoinTokenFault, Resource};
use crate::gates::GateBlock;
use crate::idempotency::Done;
use crate::ports::JoinTokenClaims;
use crate::transaction::Plan;

/// Where somebody who came is led.
pub struct Joined {
    /// Waiting room, or straight in.
    pub entry: Entry,
    /// The waiting room's page or the video room. A secret: it holds a token.
    pub url: String,
    /// The visit's state as the token was checked.
    pub status_before: SessionStatus,
    /// When the waiting room is said to open.
    pub opens_at: OffsetDateTime,
    /// The zone in which people speak of the visit.
    pub time_zone: String,
    /// The visit's version.
    pub version: Version,
}

/// How somebody who waits stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinStatus {
    /// Waiting room, or straight in.
    pub entry: Entry,
    /// The person's state.
    pub participant: ParticipantStatus,
    /// The visit's state.
    pub session: SessionStatus,
    /// The visit's version.
    pub version: Version,
}

/// A token that was once good but does not open any more looks like one that never was.
fn token_refusal(refusal: Refusal) -> AppError {
    match refusal {
        Refusal::ParticipantNotFound | Refusal::ParticipantRemoved | Refusal::TokenSuperseded => {
            JoinTokenFault::Invalid.into()
        }
        other => other.into(),
    }
}

fn participant(session: &VirtualSession, id: ParticipantId) -> Result<&Participant, AppError> {
    session.parts().participant(id).ok_or(AppError::NotFound(Resource::Participant))
}

impl App {
    /// Lets the holder of a join token come: into the waiting room, or into the visit when they were let in. The same link
    /// works for every reload.
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Refused`] once the visit is over, [`AppError::Blocked`] without a video
    /// backend, [`AppError::Secrets`], [`AppError::Store`].
    pub async fn join_by_token(&self, token: &str, trace: TraceContext) -> Result<Joined, AppError> {
        let claims = self.claims(token).await?;
        let found = self.store.session_and_config(&claims.tenant_id, claims.session_id).await?;
        let (seen, config) = found.ok_or(JoinTokenFault::Invalid)?;
        let config = config.ok_or(GateBlock::VideoNotConfigured)?;
        let status_before = seen.status();
        let session = self.come(&claims, seen, trace.clone()).await?;
        let id = claims.participant_id;
        let entry = session.entry(id);
        let url = match entry {
            Entry::WaitingRoom => self.waiting_room_url(token),
            Entry::DirectJoin => self.video_url(&config, &session, participant(&session, id)?, &trace).await?,
        };
        let schedule = &session.parts().schedule;
        Ok(Joined {
            entry,
            url,
            status_before,
            opens_at: schedule.start() - config.grace_before(),
            time_zone: schedule.time_zone().to_string(),
            version: session.version(),
        })
    }

    /// How the holder of a join token stands; changes nothing.
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Refused`] once the visit is over, [`AppError::Secrets`], [`AppError::Store`].
    pub async fn join_status(&self, token: &str) -> Result<JoinStatus, AppError> {
        let claims = self.claims(token).await?;
        let session = self.store.session(&claims.tenant_id, claims.session_id).await?;
        let session = session.ok_or(JoinTokenFault::Invalid)?;
        let participant = session.admits_token(claims.participant_id, claims.version).map_err(token_refusal)?;
        Ok(JoinStatus {
            entry: session.entry(participant.id),
            participant: participant.state.status(),
            session: session.status(),
            version: session.version(),
        })
    }

    /// What the token says. From here on the request is known to be the tenant's, and its span says so.
    async fn claims(&self, token: &str) -> Result<JoinTokenClaims, AppError> {
        let claims = self.join_tokens.verify(token, self.clock.now()).await?;
        tracing::Span::current().record("tenant_id", claims.tenant_id.as_str());
        Ok(claims)
    }

    /// Decides on what was read first: most joins are reloads, and those need no transaction.
    async fn come(
        &self,
        claims: &JoinTokenClaims,
        mut seen: VirtualSession,
        trace: TraceContext,
    ) -> Result<VirtualSession, AppError> {
        let (id, version, now) = (claims.participant_id, claims.version, self.clock.now());
        if seen.join(id, version, now).map_err(token_refusal)? == Outcome::AlreadyApplied {
            return Ok(seen);
        }
        let scope = Scope { tenant_id: claims.tenant_id.clone(), actor: ActorRef::Participant(id), trace };
        let plan = Plan {
            name: "join_by_token",
            session: claims.session_id,
            once: None,
            decide: |session: &mut VirtualSession| session.join(id, version, now),
        };
        match self.change_session(&scope, plan).await {
            Ok(Done::Now(changed)) => Ok(changed.session),
            Ok(Done::Before(_)) => Err(JoinTokenFault::Invalid.into()),
            Err(AppError::Refused(refusal)) => Err(token_refusal(refusal)),
            Err(AppError::NotFound(_)) => Err(JoinTokenFault::Invalid.into()),
            Err(error) => Err(error),
        }
    }
}
