//! An RSA key made for the run, and tokens signed with it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub struct RsaKey {
    pair: RsaKeyPair,
    pub n: Vec<u8>,
    pub e: Vec<u8>,
}

impl RsaKey {
    /// The one key of this run: drawing one takes a second.
    pub fn get() -> &'static Self {
        static KEY: OnceLock<RsaKey> = OnceLock::new();
        KEY.get_or_init(|| {
            let key = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
            let der = key.to_pkcs1_der().unwrap();
            let pair = RsaKeyPair::from_der(der.as_bytes()).unwrap();
            Self { pair, n: key.n().to_bytes_be(), e: key.e().to_bytes_be() }
        })
    }

    pub fn jwk(&self, kid: &str) -> Value {
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": b64(&self.n), "e": b64(&self.e)})
    }

    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", b64(signature))
    }
}

/// A token of that header, with a right HS256 signature whatever the header says.
pub fn hmac_token(key: &[u8], header: &str, claims: &str) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
    let tag = ring::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", b64(tag))
}
