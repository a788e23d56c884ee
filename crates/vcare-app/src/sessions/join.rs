//! A patient (or guest) comes by link.

use time::{Duration, OffsetDateTime};
use vcare_domain::{
    DeviceId, DisplayName, Entry, Locale, Outcome, Participant, ParticipantId, ParticipantRole, Place, SessionStatus,
    Version, VirtualSession,
};

use crate::actor::TraceContext;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::JoinTokenClaims;
use crate::waiting::{clinic_tag, token_refusal};

/// Where somebody who came is led.
pub struct Joined {
    /// Waiting room, or straight in.
    pub entry: Entry,
    /// The waiting room's page or the video room. A secret: it holds a token.
    pub url: String,
    /// The visit's state as the token was checked.
    pub status_before: SessionStatus,
    /// The planned start: it may move.
    pub scheduled_start: OffsetDateTime,
    /// When the patient said that they come, if later than planned.
    pub expected_at: Option<OffsetDateTime>,
    /// When the waiting room is said to open.
    pub opens_at: OffsetDateTime,
    /// The zone in which people speak of the visit.
    pub time_zone: String,
    /// The visit's version.
    pub version: Version,
    /// The patient's place in line; `None` for who does not wait in one.
    pub place: Option<Place>,
    /// The language of the person; where nobody gave it, of the tenant.
    pub locale: Locale,
    /// The tag of what the page shows of the clinic.
    pub clinic: String,
    /// What the provider is called.
    pub provider_name: Option<DisplayName>,
    /// Now: phones have wrong clocks.
    pub server_time: OffsetDateTime,
}

/// The device that somebody comes with.
#[derive(Debug, Clone, Default)]
pub struct Device {
    /// Its name; without one it is nobody's rival.
    pub id: Option<DeviceId>,
    /// The person wants this one, whichever they were on before.
    pub take_over: bool,
}

fn participant(session: &VirtualSession, id: ParticipantId) -> Result<&Participant, AppError> {
    session.parts().participant(id).ok_or(AppError::NotFound(Resource::Participant))
}

impl App {
    /// Lets the holder of a join token come: into the waiting room, or into the visit when they were let in. The same link
    /// works for every reload. Another device asks before it takes over.
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Refused`] once the visit is over, [`AppError::OnAnotherDevice`],
    /// [`AppError::Blocked`] without a video backend, [`AppError::Secrets`], [`AppError::Store`].
    pub async fn join_by_token(&self, token: &str, device: &Device, trace: TraceContext) -> Result<Joined, AppError> {
        let claims = self.claims(token).await?;
        self.join_claimed(token, &claims, device, trace).await
    }

    /// The same for a token that was checked.
    #[tracing::instrument(name = "join_by_token", skip_all, fields(tenant_id = %claims.tenant_id, session_id = %claims.session_id))]
    async fn join_claimed(
        &self,
        token: &str,
        claims: &JoinTokenClaims,
        device: &Device,
        trace: TraceContext,
    ) -> Result<Joined, AppError> {
        let (seen, lease) = self.named_by(claims).await?;
        let config = self.video_config(&claims.tenant_id).await?;
        let (status_before, resume) = (seen.status(), config.patience().resume);
        seen.opens_to(claims.participant_id, claims.version, resume, self.clock.now()).map_err(token_refusal)?;
        // Before anything changes: of two devices that come at once, one is asked.
        self.keep_there(claims, lease.as_ref(), device.id.as_ref(), device.take_over).await?;
        let session = self.come(claims, seen, resume, trace.clone()).await?;
        let id = claims.participant_id;
        let person = participant(&session, id)?;
        let entry = session.entry(id);
        let (url, place) = match entry {
            Entry::WaitingRoom if person.role == ParticipantRole::Patient => {
                (self.waiting_room_url(token, person.language), self.place_in_line(&session).await?)
            }
            Entry::WaitingRoom => (self.waiting_room_url(token, person.language), None),
            Entry::DirectJoin => {
                let url = self.video_url(&config, &session, person, &trace).await?;
                // From here on the page is left for the video room: that it falls silent means nothing.
                self.store.release(&claims.tenant_id, claims.session_id, id, self.clock.now()).await?;
                (url, None)
            }
        };
        let provider_name = self.names_of(&[&session]).await.of_provider(session.parts()).cloned();
        let schedule = &session.parts().schedule;
        Ok(Joined {
            entry,
            url,
            status_before,
            scheduled_start: schedule.start(),
            expected_at: session.expected_arrival(id),
            opens_at: schedule.start() - config.grace_before(),
            time_zone: schedule.time_zone().to_string(),
            version: session.version(),
            place,
            locale: person.language.unwrap_or(config.locale()),
            clinic: clinic_tag(&config),
            provider_name,
            server_time: self.clock.now(),
        })
    }

    /// Decides on what was read first: most joins are reloads, and those need no transaction.
    async fn come(
        &self,
        claims: &JoinTokenClaims,
        mut seen: VirtualSession,
        resume: Duration,
        trace: TraceContext,
    ) -> Result<VirtualSession, AppError> {
        let (id, version, now) = (claims.participant_id, claims.version, self.clock.now());
        if seen.join(id, version, resume, now).map_err(token_refusal)? == Outcome::AlreadyApplied {
            return Ok(seen);
        }
        let join = |session: &mut VirtualSession| session.join(id, version, resume, now);
        Ok(self.change_by_link("join_by_token", claims, join, trace).await?.session)
    }
}
