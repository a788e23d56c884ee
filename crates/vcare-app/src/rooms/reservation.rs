//! Prosody asks before a room opens: it opens only while the visit's state says so.

use std::fmt;

use time::OffsetDateTime;
use vcare_domain::{ConferenceName, RoomClosed, SessionId, TenantConfig, TenantId, VirtualSession};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::{ServedTenants, StoreError};

/// How we name a conference towards Prosody: the visit and its tenant, `vsn_….tenant`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConferenceId {
    /// The visit.
    pub session_id: SessionId,
    /// Its tenant.
    pub tenant_id: TenantId,
}

impl ConferenceId {
    /// Reads an id of ours; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (session, tenant) = text.split_once('.')?;
        Some(Self { session_id: session.parse().ok()?, tenant_id: TenantId::parse(tenant).ok()? })
    }
}

impl fmt::Display for ConferenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session_id, self.tenant_id)
    }
}

/// A room that may be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conference {
    /// How we name it.
    pub id: ConferenceId,
    /// How Prosody names it.
    pub name: ConferenceName,
    /// For how many more seconds; at least 1.
    pub seconds_left: u32,
    /// The most people in it.
    pub max_occupants: u8,
}

/// Why a room stays closed.
#[derive(Debug, thiserror::Error)]
pub enum ConferenceRefused {
    /// There is no such room, or it is another tenant's.
    #[error("there is no such room")]
    Unknown,
    /// The visit does not allow it.
    #[error("{closed}")]
    Closed {
        /// Why.
        closed: RoomClosed,
        /// The zone in which the clinic tells the time.
        time_zone: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Whether the room of that name may open now, for a server that acts for its tenant.
    ///
    /// # Errors
    /// [`ConferenceRefused`].
    #[tracing::instrument(skip_all)]
    pub async fn reserve_conference(
        &self,
        server: &ServedTenants,
        name: &ConferenceName,
    ) -> Result<Conference, ConferenceRefused> {
        let (tenant, session) = self.served_room(server, name).await?.ok_or(ConferenceRefused::Unknown)?;
        let opened = self.open_conference(&tenant, session).await;
        let outcome = if opened.is_ok() { "opened" } else { "refused" };
        metrics::counter!("vcare_room_reservations_total", "outcome" => outcome).increment(1);
        opened
    }

    /// A conference by our id, for a server that acts for its tenant.
    ///
    /// # Errors
    /// [`ConferenceRefused`].
    #[tracing::instrument(skip_all)]
    pub async fn conference(&self, server: &ServedTenants, id: &ConferenceId) -> Result<Conference, ConferenceRefused> {
        if !server.include(&id.tenant_id) {
            return Err(ConferenceRefused::Unknown);
        }
        self.open_conference(&id.tenant_id, id.session_id).await
    }

    async fn open_conference(&self, tenant: &TenantId, id: SessionId) -> Result<Conference, ConferenceRefused> {
        let found = self.store.session_and_config(tenant, id).await?.ok_or(ConferenceRefused::Unknown)?;
        let (session, Some(config)) = found else { return Err(ConferenceRefused::Unknown) };
        self.opening(&session, &config, self.clock.now())
    }

    fn opening(
        &self,
        session: &VirtualSession,
        config: &TenantConfig,
        now: OffsetDateTime,
    ) -> Result<Conference, ConferenceRefused> {
        let visit = session.parts();
        let opening =
            session.room_opening(config.grace_before(), self.settings.video_token_grace, now).map_err(|closed| {
                ConferenceRefused::Closed { closed, time_zone: visit.schedule.time_zone().to_string() }
            })?;
        Ok(Conference {
            id: ConferenceId { session_id: visit.id, tenant_id: visit.tenant_id.clone() },
            name: ConferenceName {
                tenant: config.jitsi().and_then(|jitsi| jitsi.tenant.clone()),
                room: visit.room.name.clone(),
            },
            seconds_left: u32::try_from(opening.left.whole_seconds()).unwrap_or(u32::MAX).max(1),
            max_occupants: config.max_participants(),
        })
    }

    /// Prosody closed the room: whoever was in it is not any more.
    ///
    /// # Errors
    /// [`AppError::NotFound`], also for a server that does not act for the room's tenant; [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %id.tenant_id, session_id = %id.session_id))]
    pub async fn conference_closed(
        &self,
        server: &ServedTenants,
        id: &ConferenceId,
        trace: TraceContext,
    ) -> Result<(), AppError> {
        if !server.include(&id.tenant_id) {
            return Err(AppError::NotFound(Resource::Session));
        }
        let scope = Scope { tenant_id: id.tenant_id.clone(), actor: ActorRef::System("jitsi"), trace };
        self.room_emptied(&scope, id.session_id, self.clock.now()).await
    }
}
