//! Join tokens.

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{ParticipantId, ParticipantRole, SessionId, TenantId};

use super::SecretsError;
use crate::error::AppError;

/// What a join token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinTokenClaims {
    /// Whose visit.
    pub tenant_id: TenantId,
    /// Which visit.
    pub session_id: SessionId,
    /// Whose part in it.
    pub participant_id: ParticipantId,
    /// What they are.
    pub role: ParticipantRole,
    /// Only the participant's newest version opens.
    pub version: u32,
    /// When it was issued; whole seconds.
    pub issued_at: OffsetDateTime,
    /// Until when it opens at least; whole seconds.
    pub expires_at: OffsetDateTime,
}

/// Signs and checks join tokens (HS256, key per tenant).
#[async_trait]
pub trait JoinTokens: Send + Sync {
    /// Signs a token with the tenant's current key. The same claims give the same token until the key is rotated; after
    /// that, another one that opens the same.
    async fn sign(&self, claims: &JoinTokenClaims) -> Result<String, SecretsError>;
    /// Checks signature and shape. Whether its time is over is for the visit to say: [`vcare_domain::VirtualSession::link_is_open`].
    /// Every version of the tenant's key that was not retired is taken. [`AppError::JoinToken`] or [`AppError::Secrets`].
    async fn verify(&self, token: &str) -> Result<JoinTokenClaims, AppError>;
}
