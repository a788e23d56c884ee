//! Links to attachments: AES-256-GCM, a key per tenant and version.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use vcare_app::ports::{AttachmentLink, AttachmentLinks, KeyPurpose, SecretsError};
use vcare_domain::UserId;

use crate::keeper::behind_lengths;
use crate::sealing;
use crate::vault::Vault;

/// Seals the viewer of a link with the tenant's derived key, bound to that link. A seal is the key's version, a dot, and the
/// encrypted account as base64url: nobody on the way can read the account or change the link.
#[derive(Debug)]
pub struct SealedAttachmentLinks {
    vault: Arc<Vault>,
    random: SystemRandom,
}

impl SealedAttachmentLinks {
    /// Links under the keys of that vault.
    #[must_use]
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault, random: SystemRandom::new() }
    }
}

/// What the cipher is for.
const CIPHER: &[u8] = b"vcare/attachment/viewer/v2";

/// What a seal is bound to: bytes that no other link has.
fn context(link: &AttachmentLink) -> Vec<u8> {
    let expires = link.expires_at.unix_timestamp().to_string();
    behind_lengths(&["vcare/attachment/v2", link.tenant_id.as_str(), &link.upload.to_string(), &expires])
}

/// The version and the sealed account, written as we write them.
fn parse(seal: &str) -> Option<(u32, Vec<u8>)> {
    let (version, sealed) = seal.split_once('.')?;
    let number: u32 = version.parse().ok().filter(|number: &u32| *number > 0 && number.to_string() == version)?;
    Some((number, URL_SAFE_NO_PAD.decode(sealed).ok()?))
}

#[async_trait]
impl AttachmentLinks for SealedAttachmentLinks {
    async fn seal(&self, link: &AttachmentLink, viewer: &UserId) -> Result<String, SecretsError> {
        let (versions, _) = self.vault.versions(KeyPurpose::AttachmentLink, &link.tenant_id).await?;
        let key = self.vault.key(KeyPurpose::AttachmentLink, versions.current, &link.tenant_id).await?;
        let sealed = sealing::seal(
            &sealing::derived_cipher(&key, CIPHER)?,
            &self.random,
            &context(link),
            viewer.as_str().as_bytes(),
        )?;
        Ok(format!("{}.{}", versions.current, URL_SAFE_NO_PAD.encode(sealed)))
    }

    async fn open(&self, link: &AttachmentLink, seal: &str) -> Result<Option<UserId>, SecretsError> {
        let Some((version, sealed)) = parse(seal) else { return Ok(None) };
        let key = self.vault.key_in_use(KeyPurpose::AttachmentLink, version, &link.tenant_id).await?;
        let Some(key) = key else { return Ok(None) };
        let Ok(opened) = sealing::open(&sealing::derived_cipher(&key, CIPHER)?, &context(link), &sealed) else {
            return Ok(None);
        };
        Ok(std::str::from_utf8(&opened).ok().and_then(|viewer| UserId::parse(viewer).ok()))
    }
}
