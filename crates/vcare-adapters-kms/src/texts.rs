//! Texts that are kept for a while, each under a key of its own, which the keeper of the master keys seals: a text may be
//! longer than what a keeper takes.

use async_trait::async_trait;
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use vcare_app::ports::{DraftTexts, SecretsError};
use vcare_domain::{AiDraftId, SealedText, SummaryText, TenantId};
use zeroize::Zeroizing;

use crate::keeper::{KeeperFault, SealContext, SealedThing};
use crate::sealing;
use crate::vault::{Vault, measured};

/// The first byte of what is sealed: how it was.
const ENVELOPE_V1: u8 = 1;
/// Of the length of the sealed key, which stands before it.
const LENGTH_BYTES: usize = 2;

const fn context(tenant: &TenantId, draft: AiDraftId) -> SealContext<'_> {
    SealContext { tenant, name: SealedThing::DraftKey(draft), version: 1 }
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, KeeperFault> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| KeeperFault::NotOpenable)?;
    Ok(LessSafeKey::new(key))
}

impl Vault {
    /// Version byte, length of the sealed key, the sealed key, the sealed text. The text is bound to its tenant and draft as
    /// the key is.
    async fn seal_envelope(&self, context: SealContext<'_>, text: &[u8]) -> Result<SealedText, KeeperFault> {
        let random = SystemRandom::new();
        let mut key = Zeroizing::new([0; 32]);
        random.fill(&mut key[..]).map_err(|_| KeeperFault::Unavailable { code: "no random numbers".to_owned() })?;
        let sealed_key = measured("seal", self.keeper.seal(context, &key[..])).await?;
        let length = u16::try_from(sealed_key.bytes.len()).map_err(|_| KeeperFault::Malformed)?;
        let text = sealing::seal(&cipher(&key[..])?, &random, &context.bytes(), text)?;
        let bytes = [&[ENVELOPE_V1], &length.to_be_bytes()[..], &sealed_key.bytes, &text].concat();
        Ok(SealedText { key_id: sealed_key.key_id, bytes })
    }

    async fn open_envelope(
        &self,
        context: SealContext<'_>,
        sealed: &SealedText,
    ) -> Result<Zeroizing<Vec<u8>>, KeeperFault> {
        let body = sealed.bytes.strip_prefix(&[ENVELOPE_V1]).ok_or(KeeperFault::NotOpenable)?;
        let (length, rest) = body.split_at_checked(LENGTH_BYTES).ok_or(KeeperFault::NotOpenable)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let (key, text) = rest.split_at_checked(length).ok_or(KeeperFault::NotOpenable)?;
        let key = measured("open", self.keeper.open(context, &sealed.key_id, key)).await?;
        sealing::open(&cipher(&key)?, &context.bytes(), text)
    }
}

#[async_trait]
impl DraftTexts for Vault {
    async fn seal_text(
        &self,
        tenant: &TenantId,
        draft: AiDraftId,
        text: &SummaryText,
    ) -> Result<SealedText, SecretsError> {
        Ok(self.seal_envelope(context(tenant, draft), text.as_str().as_bytes()).await?)
    }

    async fn open_text(
        &self,
        tenant: &TenantId,
        draft: AiDraftId,
        sealed: &SealedText,
    ) -> Result<SummaryText, SecretsError> {
        let opened = self.open_envelope(context(tenant, draft), sealed).await;
        if let Err(KeeperFault::NotOpenable) = &opened {
            tracing::error!(
                tenant_id = tenant.as_str(),
                draft_id = %draft,
                key_id = sealed.key_id,
                "a sealed draft does not open where it is"
            );
        }
        let text = std::str::from_utf8(&opened?).ok().and_then(|text| SummaryText::parse(text).ok());
        Ok(text.ok_or(KeeperFault::Malformed)?)
    }
}
