//! Tokens that must be refused.

use std::sync::OnceLock;

use ring::hmac;
use serde_json::{Value, json};
use time::Duration;

use super::key::encode;
use super::{Issuer, SigningKey, TokenSpec};
use crate::machine;

/// The one thing that is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// `alg: none`, with no signature.
    AlgNone,
    /// HS256 with the public key as the secret.
    HmacWithPublicKey,
    /// For another audience.
    WrongAudience,
    /// From another issuer, though with this one's key.
    WrongIssuer,
    /// Over.
    Expired,
    /// Not valid yet.
    NotYetValid,
    /// Signed with a stranger's key under this issuer's key id.
    ForeignKey,
    /// Signed with a stranger's key under its own id.
    UnknownKey,
    /// Its claims were changed after it was signed.
    Altered,
    /// An ID token, not an access token.
    IdToken,
    /// It names no tenant.
    NoTenant,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::AlgNone,
        Self::HmacWithPublicKey,
        Self::WrongAudience,
        Self::WrongIssuer,
        Self::Expired,
        Self::NotYetValid,
        Self::ForeignKey,
        Self::UnknownKey,
        Self::Altered,
        Self::IdToken,
        Self::NoTenant,
    ];
}

pub(super) fn flawed(issuer: &Issuer, flaw: Flaw, spec: &TokenSpec) -> String {
    let key = issuer.key();
    let now = spec.issued_at.unwrap_or_else(machine::now);
    let claims = spec.claims(issuer.url());
    let with = |name: &str, value: Value| issuer.token(&spec.clone().claim(name, value));
    match flaw {
        Flaw::AlgNone => {
            let header = json!({"typ": "JWT", "alg": "none", "kid": key.id()});
            format!("{}.{}.", encode(header.to_string()), encode(claims.to_string()))
        }
        Flaw::HmacWithPublicKey => {
            let header = json!({"typ": "JWT", "alg": "HS256", "kid": key.id()});
            let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
            let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_pem().as_bytes());
            format!("{message}.{}", encode(hmac::sign(&secret, message.as_bytes())))
        }
        Flaw::WrongAudience => with("aud", json!("account")),
        Flaw::WrongIssuer => with("iss", json!("https://elsewhere.example/realms/ghasi")),
        // An hour: more than any leeway.
        Flaw::Expired => issuer.token(&spec.clone().issued_at(now - Duration::HOUR - spec.lifetime)),
        Flaw::NotYetValid => issuer.token(&spec.clone().issued_at(now + Duration::HOUR)),
        Flaw::ForeignKey => {
            stranger().map_or_else(String::new, |other| other.sign(&json!({"typ": "JWT", "kid": key.id()}), &claims))
        }
        Flaw::UnknownKey => stranger().map_or_else(String::new, |other| other.sign(&json!({"typ": "JWT"}), &claims)),
        Flaw::Altered => {
            let token = issuer.token(spec);
            let mut parts: Vec<&str> = token.split('.').collect();
            let mut altered = claims;
            altered["realm_access"]["roles"] = json!(["platform_admin"]);
            let altered = encode(altered.to_string());
            parts[1] = &altered;
            parts.join(".")
        }
        Flaw::IdToken => with("typ", json!("ID")),
        Flaw::NoTenant => with("tenantId", Value::Null),
    }
}

/// A key of nobody's; drawing one takes a while.
fn stranger() -> Option<&'static SigningKey> {
    static STRANGER: OnceLock<Option<SigningKey>> = OnceLock::new();
    STRANGER.get_or_init(|| SigningKey::draw().ok()).as_ref()
}
