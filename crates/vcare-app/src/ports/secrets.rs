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

/// A secret that a tenant brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretName {
    /// The key (client id) of the tenant's server-to-server app at Zoom.
    ZoomApiKey,
    /// The secret (client secret) of that app.
    ZoomApiSecret,
}

impl SecretName {
    /// Every secret that can be brought.
    pub const ALL: [Self; 2] = [Self::ZoomApiKey, Self::ZoomApiSecret];

    /// The secret's name in requests, answers and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ZoomApiKey => "zoomApiKey",
            Self::ZoomApiSecret => "zoomApiSecret",
        }
    }

    /// The secret of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|secret| secret.as_str() == name)
    }
}

/// The tenants' secrets that other adapters need.
#[async_trait]
pub trait TenantSecrets: Send + Sync {
    /// A secret that the tenant brought; `None` when it did not.
    async fn brought(&self, tenant: &TenantId, name: SecretName) -> Result<Option<Secret>, SecretsError>;
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
