//! A certificate authority for this run, and a certificate of this machine's by it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::Duration;

use crate::machine;

/// Browsers take no certificate that lasts longer.
const LIFETIME: Duration = Duration::days(397);

pub(super) struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Somebody may tell a browser to trust it, so it can vouch for this machine only, and its key is never written down.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = params(Vec::new(), "vcare stand-ins: an authority for one run")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![
                GeneralSubtree::DnsName("localhost".to_owned()),
                GeneralSubtree::IpAddress(CidrSubnet::V4(Ipv4Addr::LOCALHOST.octets(), [255; 4])),
            ],
            excluded_subtrees: Vec::new(),
        });
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }

    /// TLS for `localhost` and 127.0.0.1.
    pub fn server_config(&self) -> Result<ServerConfig> {
        let key = KeyPair::generate()?;
        let mut params = params(vec!["localhost".to_owned(), "127.0.0.1".to_owned()], "localhost")?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // The provider is named: a process may have none, or another.
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(config)
    }
}

fn params(names: Vec<String>, common_name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    // An hour ago: another machine's clock may be behind, a container's often is.
    params.not_before = machine::now() - Duration::HOUR;
    params.not_after = params.not_before + LIFETIME;
    Ok(params)
}
