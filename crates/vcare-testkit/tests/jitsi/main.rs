//! Jitsi's stand-in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod pages;
mod reservations;
mod rooms;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod tokens;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use support::standins;
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use vcare_app::ports::{Secret, SecretName, SecretsError, TenantSecrets};
use vcare_domain::TenantId;
use vcare_testkit::standins::jitsi::Settings;
use vcare_testkit::{HandClock, Standins};

fn trusting(authorities: RootCertStore) -> TlsConnector {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authorities)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

fn its_authority(standins: &Standins) -> RootCertStore {
    let mut authorities = RootCertStore::empty();
    authorities.add(CertificateDer::from_pem_slice(standins.ca_pem().as_bytes()).unwrap()).unwrap();
    authorities
}

async fn connected(standins: &Standins) -> TlsStream<TcpStream> {
    let (_, port) = standins.jitsi_url().rsplit_once(':').unwrap();
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    trusting(its_authority(standins)).connect(name, stream).await.unwrap()
}

struct OneSecret;

#[async_trait]
impl TenantSecrets for OneSecret {
    async fn brought(&self, _: &TenantId, _: SecretName) -> Result<Option<Secret>, SecretsError> {
        Ok(None)
    }

    async fn jitsi_secret(&self, _: &TenantId) -> Result<Secret, SecretsError> {
        Ok(Secret::new(SECRET))
    }
}

/// Prosody's secret, unless a test says otherwise.
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_795_464_000;

fn signed(secret: &str, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// A clinician's claims that real Jitsi took.
fn claims() -> Value {
    json!({
        "aud": "vcare", "iss": "vcare", "sub": "acme", "room": "acme-k3j9x2qa", "nbf": NOW - 30, "iat": NOW, "exp": NOW + 600,
        "context": {
            "user": {"id": "dr-9", "name": "Dr Nine", "moderator": true},
            "group": "acme",
            "features": {"recording": true, "transcription": false, "livestreaming": false},
        },
    })
}

/// A token of those claims, some of them changed; null takes one out.
fn token(changes: Value) -> String {
    signed(SECRET, &json!({"typ": "JWT", "alg": "HS256"}), &changed(changes))
}

fn changed(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// Prosody as our deployment sets it up, at a time that stands.
async fn prosody() -> Standins {
    let standins = standins().await;
    let clock = HandClock::at(OffsetDateTime::from_unix_timestamp(NOW).unwrap());
    standins.jitsi().configure(Settings { clock, ..Settings::default() });
    standins
}
