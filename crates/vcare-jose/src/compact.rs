//! The compact form: `header.claims.signature`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::fault::Fault;

/// The longest token that is looked at; a longer one is refused before anything of it is decoded.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// What we read of a header before the signature is checked. Nothing in it chooses how to check.
#[derive(Deserialize)]
pub(crate) struct Header {
    pub alg: String,
    #[serde(default)]
    pub typ: Option<String>,
    #[serde(default)]
    pub kid: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

/// The three parts, still encoded.
pub(crate) struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
}

impl<'a> Parts<'a> {
    /// Cuts a token into exactly three parts, none of them empty.
    pub fn of(token: &'a str) -> Result<Self, Fault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Fault::Malformed);
        }
        let mut parts = token.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(header), Some(claims), Some(signature), None)
                if !header.is_empty() && !claims.is_empty() && !signature.is_empty() =>
            {
                Ok(Self { header, claims })
            }
            // `alg: none` comes with an empty signature: say what it is, so that it shows in the metrics.
            (Some(header), Some(_), Some(""), None) if names_no_algorithm(header) => Err(Fault::WrongAlgorithm),
            _ => Err(Fault::Malformed),
        }
    }

    /// The header. One with `crit` asks for extensions to be understood: we understand none (RFC 7515 §4.1.11).
    pub fn header(&self) -> Result<Header, Fault> {
        let header: Header = decode(self.header)?;
        if header.crit.is_some() { Err(Fault::Malformed) } else { Ok(header) }
    }

    /// The claims, without regard to the signature.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        decode(self.claims)
    }
}

fn names_no_algorithm(header: &str) -> bool {
    decode::<Header>(header).is_ok_and(|header| header.alg.eq_ignore_ascii_case("none"))
}

fn decode<T: DeserializeOwned>(part: &str) -> Result<T, Fault> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Fault::Malformed)
}

/// Reads the claims of a token that **anybody may have written**: the signature is not looked at. Only to choose the key
/// to verify with; nothing may be decided on what it answers.
///
/// # Errors
/// [`Fault::Malformed`].
pub fn peek_unverified_claims<T: DeserializeOwned>(token: &str) -> Result<T, Fault> {
    Parts::of(token)?.claims()
}

/// Reads which key a token says it was signed with, under the same reserve.
///
/// # Errors
/// [`Fault::Malformed`].
pub fn peek_unverified_kid(token: &str) -> Result<Option<String>, Fault> {
    Ok(Parts::of(token)?.header()?.kid)
}
