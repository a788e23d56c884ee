//! AES-256-GCM: a nonce that is drawn, what was sealed, and its tag.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::keeper::KeeperFault;

/// A cipher whose key is derived once more from a key of the vault, so that the vault's key is used for nothing but deriving.
/// `label`: what the cipher is for, and for nothing else.
pub(crate) fn derived_cipher(key: &[u8; 32], label: &[u8]) -> Result<LessSafeKey, KeeperFault> {
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), label);
    let unbound = UnboundKey::new(&AES_256_GCM, derived.as_ref()).map_err(|_| KeeperFault::Malformed)?;
    Ok(LessSafeKey::new(unbound))
}

/// Seals a value that is bound to `context`: nonce, ciphertext, tag. For keys under which few values are sealed: then no two
/// drawn nonces meet.
pub(crate) fn seal(
    key: &LessSafeKey,
    random: &SystemRandom,
    context: &[u8],
    value: &[u8],
) -> Result<Vec<u8>, KeeperFault> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce).map_err(|_| KeeperFault::Unavailable { code: "no random numbers".to_owned() })?;
    // Wiped: until it is sealed it is the value.
    let mut text = Zeroizing::new(Vec::with_capacity(value.len() + AES_256_GCM.tag_len()));
    text.extend_from_slice(value);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut TextOf(&mut text))
        .map_err(|_| KeeperFault::Malformed)?;
    Ok([&nonce[..], &text[..]].concat())
}

/// Opens what was sealed for that context.
pub(crate) fn open(key: &LessSafeKey, context: &[u8], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeeperFault> {
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(KeeperFault::NotOpenable)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeeperFault::NotOpenable)?;
    let mut text = Zeroizing::new(sealed.to_vec());
    let length = key.open_in_place(nonce, Aad::from(context), &mut text).map_err(|_| KeeperFault::NotOpenable)?.len();
    text.truncate(length);
    Ok(text)
}

/// Lets the cipher append to a buffer that is wiped.
struct TextOf<'a>(&'a mut Vec<u8>);

impl AsMut<[u8]> for TextOf<'_> {
    fn as_mut(&mut self) -> &mut [u8] {
        self.0
    }
}

impl<'b> Extend<&'b u8> for TextOf<'_> {
    fn extend<T: IntoIterator<Item = &'b u8>>(&mut self, bytes: T) {
        self.0.extend(bytes);
    }
}
