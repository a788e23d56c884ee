//! The video backends.

use std::sync::Arc;

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use vcare_domain::{
    DisplayName, LinkUse, ParticipantId, ParticipantRole, Room, RoomName, Schedule, TenantConfig, VideoBackend,
};

use crate::actor::TraceContext;
use crate::ports::{NeighbourError, SecretsError};

/// A room to be reserved.
#[derive(Debug, Clone, Copy)]
pub struct RoomWish<'a> {
    /// Its name.
    pub name: &'a RoomName,
    /// When the visit is planned.
    pub schedule: &'a Schedule,
    /// How the request that wants it is traced.
    pub trace: &'a TraceContext,
}

/// A room that was reserved and not given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedRoom {
    /// The room.
    pub room: Room,
    /// When it was reserved.
    pub planned_at: OffsetDateTime,
}

/// Somebody's right to open a room. Made only for people who were let in.
#[derive(Debug, Clone)]
pub struct VideoGrant<'a> {
    /// The room.
    pub room: &'a Room,
    /// Who; the only thing the backend learns of them.
    pub participant_id: ParticipantId,
    /// What they are; only a provider moderates.
    pub role: ParticipantRole,
    /// What they are called.
    pub name: Option<&'a DisplayName>,
    /// Recording was consented to.
    pub recording_enabled: bool,
    /// What the links carry that matter to them; `None` when none was probed.
    pub link: Option<LinkUse>,
    /// Now.
    pub issued_at: OffsetDateTime,
    /// The visit's end plus grace: a reconnect on a poor link must still pass.
    pub expires_at: OffsetDateTime,
    /// How the request is traced.
    pub trace: &'a TraceContext,
}

/// Why a video backend did not do it.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// The tenant has not set it up.
    #[error("the video backend is not set up for this tenant")]
    NotConfigured,
    /// It did not answer, or refused.
    #[error(transparent)]
    Unavailable(#[from] NeighbourError),
    /// The tenant's quota at the provider is used up for now.
    #[error("the video provider's quota is used up")]
    QuotaExceeded {
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It answers, and has no such endpoint: whoever runs it must set that up.
    #[error("the video server has no such endpoint")]
    NoEndpoint(#[source] NeighbourError),
    /// Its keys cannot be reached.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// What came of closing a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomClosing {
    /// Nobody is in it: they were sent out, it was closed already, or never open.
    Closed,
    /// Nothing was asked: the deployment does not say where rooms are closed. It ends with its time.
    LeftOpen,
}

/// How the connection to a tenant's video backend is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionReport {
    /// How long the whole test took.
    pub latency: Duration,
    /// What was tried, in order; a failed check ends the test.
    pub checks: Vec<ConnectionCheck>,
}

impl ConnectionReport {
    /// Whether everything that was tried went well.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.checks.iter().all(|check| check.problem.is_none())
    }
}

/// One thing that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionCheck {
    /// What was tried, as a fixed word.
    pub check: &'static str,
    /// What is wrong; `None` when it went well.
    pub problem: Option<ConnectionProblem>,
}

/// What is wrong with a connection: which setting to look at, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionProblem {
    /// The setting that is probably wrong; `None` when the backend itself is.
    pub setting: Option<&'static str>,
    /// What happened, for a person, without anything the backend said.
    pub message: &'static str,
}

/// A video backend.
#[async_trait]
pub trait VideoProvider: Send + Sync {
    /// Whether the tenant's backend is up, asked within a short deadline.
    async fn health(&self, config: &TenantConfig, trace: &TraceContext) -> Result<(), VideoError>;
    /// Reserves a room.
    async fn create_room(&self, config: &TenantConfig, wish: &RoomWish<'_>) -> Result<Room, VideoError>;
    /// The address that opens the room for that person. A secret: it holds a token.
    async fn join_url(&self, config: &TenantConfig, grant: &VideoGrant<'_>) -> Result<String, VideoError>;
    /// Sends everybody out of the room and closes it.
    async fn close_room(
        &self,
        config: &TenantConfig,
        room: &Room,
        trace: &TraceContext,
    ) -> Result<RoomClosing, VideoError>;
    /// Gives back a room that was reserved for a visit which did not come to be. Nobody was ever in it.
    async fn release_room(&self, config: &TenantConfig, room: &Room, trace: &TraceContext) -> Result<(), VideoError>;
    /// The rooms that this deployment reserved for the tenant, and that nobody closed or gave back. None for a backend at
    /// which reserving a room is choosing its name.
    async fn reserved_rooms(
        &self,
        config: &TenantConfig,
        trace: &TraceContext,
    ) -> Result<Vec<ReservedRoom>, VideoError>;
    /// Tries everything that a visit will need, and says what is wrong.
    async fn test_connection(&self, config: &TenantConfig, trace: &TraceContext) -> ConnectionReport;
}

/// The video backends, by name.
#[derive(Clone)]
pub struct VideoBackends {
    /// The tenants' Jitsi servers.
    pub jitsi: Arc<dyn VideoProvider>,
    /// The tenants' Zoom accounts.
    pub zoom: Arc<dyn VideoProvider>,
}

impl VideoBackends {
    /// The backend of that name. A visit keeps the one it was created with, whatever its tenant uses by now.
    #[must_use]
    pub fn of(&self, backend: VideoBackend) -> &dyn VideoProvider {
        match backend {
            VideoBackend::Jitsi => &*self.jitsi,
            VideoBackend::Zoom => &*self.zoom,
        }
    }
}
