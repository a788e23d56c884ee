//! Access tokens of an identity provider, verified with the keys it publishes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::compact::Parts;
use crate::fault::Fault;
use crate::provider;

/// The shortest modulus, in bits.
pub const MIN_MODULUS_BITS: usize = 2048;

/// One key of a JWKS document, as published. Members that we do not use are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct Jwk {
    /// The key's type.
    pub kty: String,
    /// The key's id.
    #[serde(default)]
    pub kid: Option<String>,
    /// What it is for.
    #[serde(default, rename = "use")]
    pub public_use: Option<String>,
    /// With which algorithm.
    #[serde(default)]
    pub alg: Option<String>,
    /// The modulus, base64url.
    #[serde(default)]
    pub n: Option<String>,
    /// The exponent, base64url.
    #[serde(default)]
    pub e: Option<String>,
}

impl Jwk {
    /// The key, when it is an RSA key with an id, of at least [`MIN_MODULUS_BITS`], that is not meant for anything but
    /// RS256 signatures. Providers publish encryption keys in the same list.
    fn usable(&self) -> Option<(String, DecodingKey)> {
        let meant = |member: &Option<String>, value| member.as_deref().is_none_or(|given| given == value);
        if self.kty != "RSA" || !meant(&self.public_use, "sig") || !meant(&self.alg, "RS256") {
            return None;
        }
        let kid = self.kid.clone().filter(|kid| !kid.is_empty())?;
        let number = |member: &Option<String>| {
            let bytes = URL_SAFE_NO_PAD.decode(member.as_deref()?).ok()?;
            // Some providers put a sign byte in front; ring refuses it.
            let start = bytes.iter().position(|byte| *byte != 0)?;
            Some(bytes[start..].to_vec())
        };
        let (n, e) = (number(&self.n)?, number(&self.e)?);
        let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
        (bits >= MIN_MODULUS_BITS).then(|| (kid, DecodingKey::from_rsa_raw_components(&n, &e)))
    }
}

/// The usable keys of a JWKS document.
#[derive(Clone, Default)]
pub struct KeySet(Vec<(String, DecodingKey)>);

impl KeySet {
    /// Reads a JWKS document, `{"keys":[…]}`. Keys that cannot be used are passed over: they are somebody else's.
    ///
    /// # Errors
    /// [`Fault::Malformed`] when it is no such document.
    pub fn from_json(json: &[u8]) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        let document: Document = serde_json::from_slice(json).map_err(|_| Fault::Malformed)?;
        let keys = document.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Ok(keys.collect())
    }

    /// Whether there is a key by that id.
    #[must_use]
    pub fn contains(&self, kid: &str) -> bool {
        self.keys(kid).next().is_some()
    }

    /// How many keys can be used.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn keys<'a>(&'a self, kid: &'a str) -> impl Iterator<Item = &'a DecodingKey> {
        self.0.iter().filter(move |(id, _)| id == kid).map(|(_, key)| key)
    }
}

impl FromIterator<Jwk> for KeySet {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        Self(keys.into_iter().filter_map(|key| key.usable()).collect())
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(kid, _)| kid)).finish()
    }
}

/// Verifies an access token with the provider's keys and reads its claims into `T`. Looks at no claim: issuer, audience
/// and times (see [`check_times`](crate::check_times)) are the caller's to check.
///
/// # Errors
/// [`Fault::UnknownKey`] with the key's id, for which newer keys may be fetched; [`Fault::Malformed`] (also for a token
/// that names no key), [`Fault::WrongAlgorithm`], [`Fault::WrongType`], [`Fault::BadSignature`].
pub fn verify<T: DeserializeOwned>(token: &str, keys: &KeySet) -> Result<T, Fault> {
    let header = Parts::of(token)?.header()?;
    if header.alg != "RS256" {
        return Err(Fault::WrongAlgorithm);
    }
    let typ = header.typ.unwrap_or_default();
    if !typ.eq_ignore_ascii_case("JWT") && !typ.eq_ignore_ascii_case("at+jwt") {
        return Err(Fault::WrongType);
    }
    let kid = header.kid.ok_or(Fault::Malformed)?;
    let mut outcome = Err(Fault::UnknownKey { kid: kid.clone() });
    // Two keys of one id are a provider's mistake that must not lock everybody out.
    for key in keys.keys(&kid) {
        outcome = provider::decode(token, key, Algorithm::RS256);
        if !matches!(outcome, Err(Fault::BadSignature)) {
            break;
        }
    }
    outcome
}
