//! Names of people in visits: AES-256-GCM, a key per tenant and version. The key is remembered as all derived keys are, so that
//! a list of visits asks the key store once, and names are still there for a while when it is down.

use async_trait::async_trait;
use ring::rand::SystemRandom;
use vcare_app::ports::{DisplayNames, KeyPurpose, SecretsError};
use vcare_domain::{DisplayName, SealedName, SessionId, TenantId};

use crate::keeper::{KeeperFault, behind_lengths};
use crate::sealing;
use crate::vault::Vault;

/// What the cipher is for.
const CIPHER: &[u8] = b"vcare/display-name/cipher/v1";

/// What a sealed name is bound to: bytes that no other visit has.
fn context(tenant: &TenantId, session: SessionId) -> Vec<u8> {
    behind_lengths(&["vcare/display-name/v1", tenant.as_str(), &session.to_string()])
}

#[async_trait]
impl DisplayNames for Vault {
    async fn seal_name(
        &self,
        tenant: &TenantId,
        session: SessionId,
        name: &DisplayName,
    ) -> Result<SealedName, SecretsError> {
        let (versions, _) = self.versions(KeyPurpose::DisplayName, tenant).await?;
        let key = self.key(KeyPurpose::DisplayName, versions.current, tenant).await?;
        let context = context(tenant, session);
        let bytes = sealing::seal(
            &sealing::derived_cipher(&key, CIPHER)?,
            &SystemRandom::new(),
            &context,
            name.as_str().as_bytes(),
        )?;
        Ok(SealedName { key_version: versions.current, bytes })
    }

    async fn open_name(
        &self,
        tenant: &TenantId,
        session: SessionId,
        sealed: &SealedName,
    ) -> Result<DisplayName, SecretsError> {
        let key = self.key_in_use(KeyPurpose::DisplayName, sealed.key_version, tenant).await?;
        // A version that was retired opens nothing, on purpose.
        let key = key.ok_or(KeeperFault::NotOpenable)?;
        let opened = sealing::open(&sealing::derived_cipher(&key, CIPHER)?, &context(tenant, session), &sealed.bytes)?;
        let name = std::str::from_utf8(&opened).ok().and_then(|name| DisplayName::parse(name).ok());
        Ok(name.ok_or(KeeperFault::Malformed)?)
    }
}
