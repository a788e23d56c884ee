//! How somebody who waits stands, and on which device.

use time::OffsetDateTime;
use vcare_domain::{
    DeviceId, Entry, FallbackOffer, Lease, Participant, ParticipantRole, ParticipantStatus, Place, Refusal,
    SessionStatus, Version, VirtualSession,
};

use crate::app::App;
use crate::error::{AppError, JoinTokenFault, Resource};
use crate::ports::{Claim, JoinTokenClaims};

/// How somebody who waits stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinStatus {
    /// Waiting room, or straight in.
    pub entry: Entry,
    /// The person's state.
    pub participant: ParticipantStatus,
    /// The visit's state.
    pub session: SessionStatus,
    /// The visit's version.
    pub version: Version,
    /// The patient's place in line; `None` for who does not wait in one.
    pub place: Option<Place>,
    /// How the patient of a visit that failed may go on.
    pub fallback: Option<FallbackOffer>,
    /// When the patient said that they come, if later than planned.
    pub expected_at: Option<OffsetDateTime>,
}

impl JoinStatus {
    pub(super) fn of(session: &VirtualSession, participant: &Participant, place: Option<Place>) -> Self {
        Self {
            entry: session.entry(participant.id),
            participant: participant.state.status(),
            session: session.status(),
            version: session.version(),
            place,
            fallback: session.fallback_offer(participant.id),
            expected_at: session.expected_arrival(participant.id),
        }
    }

    /// How the patient of a visit stands who has just changed it.
    pub(crate) fn of_patient(session: &VirtualSession) -> Result<Self, AppError> {
        let patient = session.parts().patient().ok_or(AppError::NotFound(Resource::Participant))?;
        Ok(Self::of(session, patient, None))
    }
}

/// A token that was once good but does not open any more looks like one that never was.
pub(crate) fn token_refusal(refusal: Refusal) -> AppError {
    match refusal {
        Refusal::ParticipantNotFound | Refusal::ParticipantRemoved | Refusal::TokenSuperseded => {
            JoinTokenFault::Invalid.into()
        }
        other => other.into(),
    }
}

impl App {
    /// What the token says. From here on the request is known to be the tenant's, and its span says so.
    pub(crate) async fn claims(&self, token: &str) -> Result<JoinTokenClaims, AppError> {
        let claims = self.join_tokens.verify(token).await?;
        tracing::Span::current().record("tenant_id", claims.tenant_id.as_str());
        Ok(claims)
    }

    /// The visit that a token opens, with the lease of its holder.
    pub(crate) async fn opened_by(
        &self,
        claims: &JoinTokenClaims,
    ) -> Result<(VirtualSession, Option<Lease>), AppError> {
        let (session, lease) = self.named_by(claims).await?;
        session.admits_token(claims.participant_id, claims.version).map_err(token_refusal)?;
        Ok((session, lease))
    }

    /// The visit that a token names, whatever its state, with the lease of its holder.
    pub(crate) async fn named_by(&self, claims: &JoinTokenClaims) -> Result<(VirtualSession, Option<Lease>), AppError> {
        let found = self.store.session_and_lease(&claims.tenant_id, claims.session_id, claims.participant_id).await?;
        let (session, lease) = found.ok_or(JoinTokenFault::Invalid)?;
        self.check_time(claims, &session)?;
        Ok((session, lease))
    }

    /// Refuses a token whose time is over. The visit decides, and not the time in the token alone: it may have moved, and
    /// whoever came in time keeps getting in however late the clinic runs.
    pub(crate) fn check_time(&self, claims: &JoinTokenClaims, session: &VirtualSession) -> Result<(), AppError> {
        match session.link_is_open(claims.participant_id, claims.expires_at, self.clock.now()) {
            true => Ok(()),
            false => Err(JoinTokenFault::Expired.into()),
        }
    }

    /// How the holder of a join token stands. Who has come is noted as being there still. Of a visit that failed its patient is
    /// shown how to go on.
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Refused`] once the visit is over, [`AppError::OnAnotherDevice`],
    /// [`AppError::Secrets`], [`AppError::Store`].
    pub async fn join_status(&self, token: &str, device: Option<&DeviceId>) -> Result<JoinStatus, AppError> {
        let claims = self.claims(token).await?;
        self.standing(&claims, device).await
    }

    /// The same for a token that was checked.
    pub(super) async fn standing(
        &self,
        claims: &JoinTokenClaims,
        device: Option<&DeviceId>,
    ) -> Result<JoinStatus, AppError> {
        let (session, lease) = self.named_by(claims).await?;
        let participant = session.shows_status_to(claims.participant_id, claims.version).map_err(token_refusal)?;
        if session.is_over() {
            // Nobody waits in it: there is no line, and no device to be told from another.
            return Ok(JoinStatus::of(&session, participant, None));
        }
        // Looking alone brings nobody into the waiting room.
        if participant.state.status() != ParticipantStatus::Invited {
            self.keep_there(claims, lease.as_ref(), device, false).await?;
        }
        let place = match participant.role {
            ParticipantRole::Patient => self.place_in_line(&session).await?,
            _ => None,
        };
        Ok(JoinStatus::of(&session, participant, place))
    }

    /// Notes that somebody is there, on that device; written down twice a minute at most.
    pub(crate) async fn keep_there(
        &self,
        claims: &JoinTokenClaims,
        lease: Option<&Lease>,
        device: Option<&DeviceId>,
        take_over: bool,
    ) -> Result<(), AppError> {
        let now = self.clock.now();
        if lease.is_some_and(|lease| !take_over && lease.is_anothers(device, now)) {
            return Err(AppError::OnAnotherDevice);
        }
        if lease.is_some_and(|lease| lease.is_fresh(device, now)) {
            return Ok(());
        }
        let claim = Claim {
            session_id: claims.session_id,
            participant_id: claims.participant_id,
            device: device.cloned(),
            take_over,
            at: now,
        };
        if !self.store.claim(&claims.tenant_id, &claim).await? {
            return Err(AppError::OnAnotherDevice);
        }
        if take_over {
            self.waiting.changes.taken_over(&claims.tenant_id, claims.session_id);
        }
        if !lease.is_some_and(|lease| lease.is_live(now)) {
            self.waiting.lines.forget(&claims.tenant_id);
        }
        Ok(())
    }

    /// The visit's place in line as its patient sees it.
    pub(crate) async fn place_in_line(&self, session: &VirtualSession) -> Result<Option<Place>, AppError> {
        let visit = session.parts();
        Ok(self.lines(&visit.tenant_id).await?.place(visit.id, self.clock.now()))
    }
}
