//! A certificate authority for this run, and a certificate of this machine's by it.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::Duration;

use crate::machine;

/// Browsers take no certificate that lasts longer.
const LIFETIME: Duration = Duration::days(397);

/// What a listener with TLS shows, and who vouches for it.
pub(crate) struct TlsIdentity {
    /// The authority.
    pub ca_pem: String,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl TlsIdentity {
    /// A new one.
    pub fn draw() -> Result<Self> {
        Authority::new()?.identity()
    }

    /// The one in that folder, drawn when there is none: who trusted its authority trusts it after a crash.
    pub fn load_or_draw(folder: &Path) -> Result<Self> {
        let files = ["jitsi-ca.pem", "jitsi.crt", "jitsi.key"].map(|name| folder.join(name));
        if files.iter().all(|file| file.is_file()) {
            let [ca, certificate, key] = files.map(fs::read);
            let ca_pem = String::from_utf8(ca?).context("jitsi-ca.pem")?;
            return Ok(Self { ca_pem, certificate: certificate?, key: key? });
        }
        let identity = Self::draw()?;
        let parts = [identity.ca_pem.as_bytes(), &identity.certificate, &identity.key];
        for (file, part) in files.iter().zip(parts) {
            fs::write(file, part).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(identity)
    }

    /// TLS for `localhost` and 127.0.0.1.
    pub fn server_config(&self) -> Result<ServerConfig> {
        let certificate = CertificateDer::from(self.certificate.clone());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        // The provider is named: a process may have none, or another.
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        Ok(config)
    }
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Somebody may tell a browser to trust it, so it can vouch for this machine only, and its key is never written down.
    fn new() -> Result<Self> {
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

    fn identity(self) -> Result<TlsIdentity> {
        let key = KeyPair::generate()?;
        let mut params = params(vec!["localhost".to_owned(), "127.0.0.1".to_owned()], "localhost")?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(TlsIdentity { ca_pem: self.pem, certificate: certificate.der().to_vec(), key: key.serialize_der() })
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
