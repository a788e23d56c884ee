//! Links that fit, with a sentence, into one short message in Dari or Pashto.

use sha2::{Digest, Sha256};
use vcare_domain::{Locale, Refusal};

use crate::app::App;
use crate::error::{AppError, JoinTokenFault};
use crate::ports::{JoinTokenClaims, ShortLink};
use crate::sessions::join_token::language_query;
use crate::waiting::token_refusal;

/// So many characters a code has: 62^22 is a little more than 2^130.
pub const CODE_LENGTH: usize = 22;
const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The code of a token. The same token and salt make the same code, so that the same wish is answered alike; it can be
/// found neither with the database alone, which holds no token, nor with the tenant's key alone, which holds no salt.
fn code(token: &str, salt: &str) -> String {
    let hash =
        Sha256::new().chain_update(b"vcare short link ").chain_update(salt).chain_update(b" ").chain_update(token);
    let hash: [u8; 32] = hash.finalize().into();
    // Two halves of 128 bits give eleven characters each: 62^11 is a little more than 2^65.
    let halves = [&hash[..16], &hash[16..]];
    let digits = halves.into_iter().flat_map(|half| {
        let mut rest = half.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        std::iter::repeat_with(move || {
            let digit = usize::try_from(rest % 62).unwrap_or(0);
            rest /= 62;
            char::from(BASE_62[digit])
        })
        .take(CODE_LENGTH / 2)
    });
    digits.collect()
}

fn hash_of(code: &str) -> [u8; 32] {
    Sha256::digest(code).into()
}

impl App {
    /// Keeps what a token's short code stands for, and answers the link. Outside of the transaction that issued the token:
    /// who dies in between has answered nobody, and is asked again.
    pub(crate) async fn keep_short_link(
        &self,
        token: &str,
        salt: &str,
        claims: &JoinTokenClaims,
        language: Option<Locale>,
    ) -> Result<String, AppError> {
        let code = code(token, salt);
        let link = ShortLink {
            tenant_id: claims.tenant_id.clone(),
            session_id: claims.session_id,
            participant_id: claims.participant_id,
            version: claims.version,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
        };
        self.store.keep_short_link(hash_of(&code), &link).await?;
        let base = self.settings.public_base_url.trim_end_matches('/');
        Ok(format!("{base}/v{}#{code}", language_query(language)))
    }

    /// What a short code stands for, whether or not its time is over.
    pub(crate) async fn short_link_of(&self, code: &str) -> Result<ShortLink, AppError> {
        if code.len() != CODE_LENGTH || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(JoinTokenFault::Invalid.into());
        }
        let link = self.store.short_link(hash_of(code)).await?.ok_or(JoinTokenFault::Invalid)?;
        // From here on the request is known to be the tenant's, and its span says so.
        tracing::Span::current().record("tenant_id", link.tenant_id.as_str());
        Ok(link)
    }

    /// The join token that a short code stands for, signed anew. A secret. The token itself says whether the visit is over.
    ///
    /// # Errors
    /// [`AppError::JoinToken`] for a code that nobody issued, that has expired, or whose token was superseded;
    /// [`AppError::Secrets`], [`AppError::Store`].
    pub async fn resolve_short_link(&self, code: &str) -> Result<String, AppError> {
        let link = self.short_link_of(code).await?;
        let session = self.store.session(&link.tenant_id, link.session_id).await?.ok_or(JoinTokenFault::Invalid)?;
        if !session.link_is_open(link.participant_id, link.expires_at, self.clock.now()) {
            return Err(JoinTokenFault::Expired.into());
        }
        match session.admits_token(link.participant_id, link.version) {
            Ok(_) | Err(Refusal::InvalidTransition { .. }) => {}
            Err(refusal) => return Err(token_refusal(refusal)),
        }
        let participant = session.parts().participant(link.participant_id).ok_or(JoinTokenFault::Invalid)?;
        let claims = JoinTokenClaims {
            role: participant.role,
            tenant_id: link.tenant_id,
            session_id: link.session_id,
            participant_id: link.participant_id,
            version: link.version,
            issued_at: link.issued_at,
            expires_at: link.expires_at,
        };
        Ok(self.join_tokens.sign(&claims).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_has_22_plain_characters_and_is_another_one_for_another_token_or_salt() {
        let codes: BTreeSet<String> =
            (0..100).flat_map(|n| [code("a.b.c", &n.to_string()), code(&format!("a.b.{n}"), "salt")]).collect();
        assert_eq!(codes.len(), 200);
        for code in &codes {
            assert!(code.len() == CODE_LENGTH && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
        }
        assert_eq!(code("a.b.c", "salt"), code("a.b.c", "salt"));
    }
}
