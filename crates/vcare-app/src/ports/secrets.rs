//! Keys, secrets, and the join tokens signed with them.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{ParticipantId, ParticipantRole, SessionId, TenantId};
use zeroize::Zeroizing;

use crate::error::AppError;

/// The key store cannot be reached or refuses.
#[derive(Debug, thiserror::Error)]
#[error("the key store is unavailable")]
pub struct SecretsError(#[source] pub Box<dyn Error + Send + Sync>);

/// Bytes or text that must not be printed; wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Wraps secret bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes, read on purpose.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The tenants' secrets that other adapters need.
#[async_trait]
pub trait TenantSecrets: Send + Sync {
    /// The secret that the tenant's Prosody shares with us: printable text, whose bytes are the HMAC key.
    async fn jitsi_secret(&self, tenant: &TenantId) -> Result<Secret, SecretsError>;
}

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
    /// When it stops opening; whole seconds.
    pub expires_at: OffsetDateTime,
}

/// Signs and checks join tokens (HS256, key per tenant).
#[async_trait]
pub trait JoinTokens: Send + Sync {
    /// Signs a token. The same claims give the same token.
    async fn sign(&self, claims: &JoinTokenClaims) -> Result<String, SecretsError>;
    /// Checks signature, shape and time. [`AppError::JoinToken`] or [`AppError::Secrets`].
    async fn verify(&self, token: &str, now: OffsetDateTime) -> Result<JoinTokenClaims, AppError>;
}
