//! Join tokens: HS256, a key per tenant.

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_app::ports::{JoinTokenClaims, JoinTokens, SecretsError};
use vcare_app::{AppError, JoinTokenFault};
use vcare_domain::TenantId;
use vcare_jose::{hs256, peek_unverified_claims};

use crate::join_claims::{ClaimedTenant, Wire};
use crate::mac::Purpose;
use crate::tenant_keys::TenantKeys;

/// The longest join token that is looked at. Ours have about 400 bytes, whatever their claims.
pub const MAX_JOIN_TOKEN_BYTES: usize = 2048;

/// Signs and checks join tokens with the tenants' derived join keys.
#[derive(Debug)]
pub struct Hs256JoinTokens {
    keys: Arc<TenantKeys>,
}

impl Hs256JoinTokens {
    /// Join tokens under those keys.
    #[must_use]
    pub fn new(keys: Arc<TenantKeys>) -> Self {
        Self { keys }
    }
}

#[async_trait]
impl JoinTokens for Hs256JoinTokens {
    async fn sign(&self, claims: &JoinTokenClaims) -> Result<String, SecretsError> {
        let key = self.keys.key(Purpose::JoinKey, &claims.tenant_id).await?;
        self.keys.keep(Purpose::JoinKey, &claims.tenant_id, Arc::clone(&key));
        hs256::sign(&key[..], &Wire::of(claims)).map_err(|fault| SecretsError(Box::new(fault)))
    }

    async fn verify(&self, token: &str, now: OffsetDateTime) -> Result<JoinTokenClaims, AppError> {
        if token.len() > MAX_JOIN_TOKEN_BYTES {
            return Err(JoinTokenFault::Invalid.into());
        }
        let claimed: ClaimedTenant = peek_unverified_claims(token).map_err(|_| JoinTokenFault::Invalid)?;
        let tenant = TenantId::parse(claimed.tenant_id).map_err(|_| JoinTokenFault::Invalid)?;
        let key = self.keys.key(Purpose::JoinKey, &tenant).await?;
        let wire: Wire = hs256::verify(&key[..], token).map_err(|_| JoinTokenFault::Invalid)?;
        self.keys.keep(Purpose::JoinKey, &tenant, key);
        let claims = wire.claims().ok_or(JoinTokenFault::Invalid)?;
        if now >= claims.expires_at { Err(JoinTokenFault::Expired.into()) } else { Ok(claims) }
    }
}
