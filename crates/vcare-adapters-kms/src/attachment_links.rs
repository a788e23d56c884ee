//! Links to attachments: HMAC-SHA256, a key per tenant and version.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use vcare_app::ports::{AttachmentLink, AttachmentLinks, KeyPurpose, SecretsError};

use crate::keeper::behind_lengths;
use crate::vault::Vault;

/// Signs and checks links with the tenants' derived keys. A signature is the key's version, a dot, and the MAC as base64url.
#[derive(Debug)]
pub struct HmacAttachmentLinks {
    vault: Arc<Vault>,
}

impl HmacAttachmentLinks {
    /// Links under the keys of that vault.
    #[must_use]
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }
}

/// What is signed: bytes that no other link has.
fn message(link: &AttachmentLink) -> Vec<u8> {
    let expires = link.expires_at.unix_timestamp().to_string();
    behind_lengths(&["vcare/attachment/v1", link.tenant_id.as_str(), &link.upload.to_string(), &expires])
}

/// The version and the MAC, written as we write them.
fn parse(signature: &str) -> Option<(u32, Vec<u8>)> {
    let (version, mac) = signature.split_once('.')?;
    let number: u32 = version.parse().ok().filter(|number: &u32| *number > 0 && number.to_string() == version)?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok().filter(|mac| mac.len() == 32)?;
    Some((number, mac))
}

#[async_trait]
impl AttachmentLinks for HmacAttachmentLinks {
    async fn sign(&self, link: &AttachmentLink) -> Result<String, SecretsError> {
        let purpose = KeyPurpose::AttachmentLink;
        let (versions, _) = self.vault.versions(purpose, &link.tenant_id).await?;
        let key = self.vault.key(purpose, versions.current, &link.tenant_id).await?;
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key[..]), &message(link));
        Ok(format!("{}.{}", versions.current, URL_SAFE_NO_PAD.encode(mac)))
    }

    async fn is_signed(&self, link: &AttachmentLink, signature: &str) -> Result<bool, SecretsError> {
        let Some((version, mac)) = parse(signature) else { return Ok(false) };
        let key = self.vault.key_in_use(KeyPurpose::AttachmentLink, version, &link.tenant_id).await?;
        let Some(key) = key else { return Ok(false) };
        Ok(hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key[..]), &message(link), &mac).is_ok())
    }
}
