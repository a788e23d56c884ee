//! An OpenID Connect issuer: it signs access tokens as Keycloak does, and wrong ones as nobody should.

mod forgery;
mod key;
mod token;

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Result;
use serde_json::{Value, json};

pub use forgery::Flaw;
pub use key::SigningKey;
pub use token::TokenSpec;

/// The audience of the service's access tokens.
pub const AUDIENCE: &str = "virtual-care-service";

/// The realm that the stand-ins play.
pub(crate) const REALM: &str = "ghasi";

/// An issuer and its keys.
#[derive(Debug)]
pub struct Issuer {
    url: String,
    /// The newest last; all of them are published.
    keys: RwLock<Vec<Arc<SigningKey>>>,
}

impl Issuer {
    /// An issuer of that address, which stands in its tokens as `iss`.
    #[must_use]
    pub fn new(url: impl Into<String>, key: SigningKey) -> Self {
        Self { url: url.into(), keys: RwLock::new(vec![Arc::new(key)]) }
    }

    /// The one that the stand-ins at that address play, with the same key: its tokens are good there.
    #[must_use]
    pub fn of_standins(base_url: &str, key: SigningKey) -> Self {
        Self::new(format!("{base_url}/realms/{REALM}"), key)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Signs an access token: RS256, `typ` `JWT`, with the newest key.
    #[must_use]
    pub fn token(&self, spec: &TokenSpec) -> String {
        self.key().sign(&json!({"typ": "JWT"}), &spec.claims(&self.url))
    }

    /// A token that must be refused, for one reason only.
    #[must_use]
    pub fn flawed_token(&self, flaw: Flaw, spec: &TokenSpec) -> String {
        forgery::flawed(self, flaw, spec)
    }

    /// Signs with a new key from now on. The older ones stay published, as a provider's do until their tokens are over.
    ///
    /// # Errors
    /// When no key can be drawn.
    pub fn rotate(&self) -> Result<()> {
        let key = Arc::new(SigningKey::draw()?);
        self.keys.write().unwrap_or_else(PoisonError::into_inner).push(key);
        Ok(())
    }

    /// Publishes only the newest key: tokens of the older ones are void.
    pub fn retire_old_keys(&self) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let older = keys.len() - 1;
        keys.drain(..older);
    }

    /// The newest key.
    #[must_use]
    pub fn key(&self) -> Arc<SigningKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        // There is always one; it could only be missing by index arithmetic gone wrong.
        Arc::clone(&keys[keys.len() - 1])
    }

    /// The JWKS document. As at a real provider, an encryption key stands among the signing keys.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut published: Vec<Value> = keys.iter().rev().map(|key| key.jwk()).collect();
        let mut encryption = keys[0].jwk();
        encryption["kid"] = json!("encryption");
        encryption["use"] = json!("enc");
        encryption["alg"] = json!("RSA-OAEP");
        published.push(encryption);
        json!({ "keys": published })
    }

    /// Where the JWKS document is.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        format!("{}/protocol/openid-connect/certs", self.url)
    }

    /// The discovery document.
    #[must_use]
    pub fn discovery(&self) -> Value {
        let endpoint = |name: &str| format!("{}/protocol/openid-connect/{name}", self.url);
        json!({
            "issuer": self.url,
            "jwks_uri": self.jwks_url(),
            "authorization_endpoint": endpoint("auth"),
            "token_endpoint": endpoint("token"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        })
    }
}
