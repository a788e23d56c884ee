//! An RSA key that signs tokens.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

use crate::machine::new_id;

/// An RSA key of 2048 bits. Its id is its thumbprint (RFC 7638).
pub struct SigningKey {
    private: RsaPrivateKey,
    /// The same for ring, which signs many times faster.
    pair: RsaKeyPair,
    id: String,
}

impl SigningKey {
    /// Draws one.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn draw() -> Result<Self> {
        Self::of(RsaPrivateKey::new(&mut OsRng, 2048)?)
    }

    /// The key in that file (PKCS#8, PEM); when there is no such file, draws one and writes it there for its owner only. Of
    /// several that do so at once, all end up with the same key.
    ///
    /// # Errors
    /// When the file can be neither read nor written, or holds something else.
    pub fn load_or_draw(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(pem) => {
                let key = RsaPrivateKey::from_pkcs8_pem(&pem);
                Self::of(key.with_context(|| format!("{} holds no RSA key", path.display()))?)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Beside its place and linked there: nobody reads half a key.
                let draft = path.with_extension(format!("new-{}", new_id().simple()));
                Self::draw()?.save(&draft)?;
                let linked = fs::hard_link(&draft, path);
                fs::remove_file(&draft)?;
                match linked {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                        Err(error).with_context(|| format!("{} cannot be written", path.display()))
                    }
                    _ => Self::load_or_draw(path),
                }
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Writes it to a new file (PKCS#8, PEM) for its owner only.
    ///
    /// # Errors
    /// When there is one already, or it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let pem = self.private.to_pkcs8_pem(LineEnding::LF)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        file.write_all(pem.as_bytes())?;
        Ok(file.sync_all()?)
    }

    fn of(private: RsaPrivateKey) -> Result<Self> {
        let der = private.to_pkcs8_der()?;
        let pair = RsaKeyPair::from_pkcs8(der.as_bytes()).map_err(|error| anyhow!("the RSA key is no use: {error}"))?;
        let thumbprint = format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            encode(private.e().to_bytes_be()),
            encode(private.n().to_bytes_be())
        );
        let id = encode(digest(&SHA256, thumbprint.as_bytes()));
        Ok(Self { private, pair, id })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its public half, as published.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let (n, e) = (encode(self.private.n().to_bytes_be()), encode(self.private.e().to_bytes_be()));
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": n, "e": e})
    }

    /// Its public half, as PEM: what a confused verifier might take for a shared secret.
    pub(super) fn public_pem(&self) -> String {
        self.private.to_public_key().to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    /// A token under this key. `alg` and `kid` are put into the header unless it has its own.
    #[must_use]
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let mut whole = json!({"alg": "RS256", "kid": self.id});
        if let (Some(whole), Some(header)) = (whole.as_object_mut(), header.as_object()) {
            whole.extend(header.clone());
        }
        let message = format!("{}.{}", encode(whole.to_string()), encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        // Fails only when the machine has no randomness; such a token verifies nowhere.
        let _ = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature);
        format!("{message}.{}", encode(signature))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
