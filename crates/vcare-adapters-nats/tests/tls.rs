//! A NATS server that takes only TLS.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use support::{assert_published, connected, event, server_with};
use vcare_adapters_nats::NatsConfig;
use vcare_app::ports::EventPublisher;

fn file(name: &str, content: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    std::fs::write(&file, content).unwrap();
    file
}

#[tokio::test]
async fn an_authority_of_the_deployment_is_trusted_beside_the_systems() {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = file("nats-ca.pem", &params.self_signed(&authority_key).unwrap().pem());
    let (issuer, key) = (Issuer::new(params, authority_key), KeyPair::generate().unwrap());
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let (certificate, key) = (file("nats.crt", &certificate.pem()), file("nats.key", &key.serialize_pem()));
    let settings = format!("tls {{ cert_file: \"{}\", key_file: \"{}\" }}", certificate.display(), key.display());
    let server = server_with(&settings).await;
    let mut config = NatsConfig::new([format!("tls://localhost:{}", server.port())]);
    config.trusted_ca_file = Some(authority);
    let publisher = connected(&config).await;
    assert_published(&publisher.publish(&[event(1, "a")]).await);
}
