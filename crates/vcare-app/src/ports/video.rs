//! The video backend.

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{ParticipantId, ParticipantRole, Room, RoomName, TenantConfig};

use crate::actor::TraceContext;
use crate::ports::{NeighbourError, SecretsError};

/// Somebody's right to open a room. Made only for people who were let in.
#[derive(Debug, Clone)]
pub struct VideoGrant<'a> {
    /// The room.
    pub room: &'a Room,
    /// Who; the only thing the backend learns of them.
    pub participant_id: ParticipantId,
    /// What they are; only a provider moderates.
    pub role: ParticipantRole,
    /// Recording was consented to.
    pub recording_enabled: bool,
    /// Now.
    pub issued_at: OffsetDateTime,
    /// The visit's end plus grace: a reconnect on a poor link must still pass.
    pub expires_at: OffsetDateTime,
}

/// A video backend.
#[async_trait]
pub trait VideoProvider: Send + Sync {
    /// Whether the tenant's backend is up, asked within a short deadline.
    async fn health(&self, config: &TenantConfig, trace: &TraceContext) -> Result<(), NeighbourError>;
    /// Reserves the room under that name.
    async fn create_room(&self, config: &TenantConfig, name: RoomName) -> Result<Room, NeighbourError>;
    /// The address that opens the room for that person. A secret: it holds a token.
    async fn join_url(&self, config: &TenantConfig, grant: &VideoGrant<'_>) -> Result<String, SecretsError>;
}
