//! Tokens signed and verified with one shared key.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::compact::Parts;
use crate::fault::Fault;
use crate::provider;

/// The shortest key, in bytes: as long as the hash.
pub const MIN_KEY_BYTES: usize = 32;

/// Signs `claims` (anything that serialises to a JSON object). The header is exactly `{"typ":"JWT","alg":"HS256"}`; the
/// same key and claims give the same token.
///
/// # Errors
/// [`Fault::WeakKey`] for a key below [`MIN_KEY_BYTES`], [`Fault::Malformed`] when the claims do not serialise.
pub fn sign(key: &[u8], claims: &impl Serialize) -> Result<String, Fault> {
    sign_as(key, None, claims)
}

/// The same; the header names the key by `kid`.
///
/// # Errors
/// As [`sign`].
pub fn sign_as(key: &[u8], kid: Option<&str>, claims: &impl Serialize) -> Result<String, Fault> {
    provider::install();
    if key.len() < MIN_KEY_BYTES {
        return Err(Fault::WeakKey);
    }
    let mut header = Header::new(Algorithm::HS256);
    header.kid = kid.map(ToOwned::to_owned);
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key)).map_err(|_| Fault::Malformed)
}

/// Verifies a token that [`sign`] made with the same key, and reads its claims into `T`. Compares in constant time, and
/// looks at no times: see [`check_times`](crate::check_times).
///
/// # Errors
/// [`Fault::Malformed`], [`Fault::WrongAlgorithm`], [`Fault::WrongType`], [`Fault::BadSignature`]; [`Fault::WeakKey`]
/// for a key below [`MIN_KEY_BYTES`].
pub fn verify<T: DeserializeOwned>(key: &[u8], token: &str) -> Result<T, Fault> {
    if key.len() < MIN_KEY_BYTES {
        return Err(Fault::WeakKey);
    }
    let header = Parts::of(token)?.header()?;
    if header.alg != "HS256" {
        return Err(Fault::WrongAlgorithm);
    }
    if header.typ.as_deref() != Some("JWT") {
        return Err(Fault::WrongType);
    }
    provider::decode(token, &DecodingKey::from_secret(key), Algorithm::HS256)
}
