//! Join tokens: HS256, a key per tenant and version.

use std::sync::Arc;

use async_trait::async_trait;
use vcare_app::ports::{JoinTokenClaims, JoinTokens, KeyPurpose, SecretsError};
use vcare_app::{AppError, JoinTokenFault};
use vcare_domain::TenantId;
use vcare_jose::{hs256, peek_unverified_claims, peek_unverified_kid};

use crate::join_claims::{ClaimedTenant, Wire};
use crate::keeper::KeeperFault;
use crate::vault::Vault;

/// The longest join token that is looked at. Ours have about 400 bytes, whatever their claims.
pub const MAX_JOIN_TOKEN_BYTES: usize = 2048;

/// Signs and checks join tokens with the tenants' derived join keys. A key's version stands in the header as `kid`; the
/// first one has none, as in the tokens that were signed before keys had versions.
#[derive(Debug)]
pub struct Hs256JoinTokens {
    vault: Arc<Vault>,
}

impl Hs256JoinTokens {
    /// Join tokens under the keys of that vault.
    #[must_use]
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }
}

/// The version that a token names, written as we write it.
fn version(kid: Option<&str>) -> Option<u32> {
    match kid {
        None => Some(1),
        Some(kid) => kid.parse().ok().filter(|version: &u32| *version > 1 && version.to_string() == kid),
    }
}

fn unavailable(fault: KeeperFault) -> AppError {
    SecretsError::from(fault).into()
}

#[async_trait]
impl JoinTokens for Hs256JoinTokens {
    async fn sign(&self, claims: &JoinTokenClaims) -> Result<String, SecretsError> {
        let (versions, _) = self.vault.versions(KeyPurpose::JoinKey, &claims.tenant_id).await?;
        let key = self.vault.key(KeyPurpose::JoinKey, versions.current, &claims.tenant_id).await?;
        let kid = (versions.current > 1).then(|| versions.current.to_string());
        hs256::sign_as(&key[..], kid.as_deref(), &Wire::of(claims)).map_err(|fault| SecretsError(Box::new(fault)))
    }

    async fn verify(&self, token: &str) -> Result<JoinTokenClaims, AppError> {
        if token.len() > MAX_JOIN_TOKEN_BYTES {
            return Err(JoinTokenFault::Invalid.into());
        }
        let claimed: ClaimedTenant = peek_unverified_claims(token).map_err(|_| JoinTokenFault::Invalid)?;
        let tenant = TenantId::parse(claimed.tenant_id).map_err(|_| JoinTokenFault::Invalid)?;
        let kid = peek_unverified_kid(token).map_err(|_| JoinTokenFault::Invalid)?;
        let version = version(kid.as_deref()).ok_or(JoinTokenFault::Invalid)?;

        let key = self.vault.key_in_use(KeyPurpose::JoinKey, version, &tenant).await.map_err(unavailable)?;
        let key = key.ok_or(JoinTokenFault::Invalid)?;
        let wire: Wire = hs256::verify(&key[..], token).map_err(|_| JoinTokenFault::Invalid)?;
        Ok(wire.claims().ok_or(JoinTokenFault::Invalid)?)
    }
}
