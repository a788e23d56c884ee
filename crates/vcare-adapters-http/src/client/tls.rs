//! TLS on rustls and ring.

use std::sync::{Arc, Once};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::ClientError;

/// Makes ring the process-wide provider of rustls, which several libraries panic without. May be called any number of
/// times; [`HttpClient::new`](super::HttpClient::new) does it by itself.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Somebody was before us: then there is one, which is what counts.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// The system's certificate authorities and the extra ones, HTTP/2 before HTTP/1.1.
pub(super) fn client_config(extra_roots_pem: &[String]) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    let (trusted, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for (number, pem) in (1..).zip(extra_roots_pem) {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| ClientError::ExtraRoot { number })?;
            roots.add(certificate).map_err(|_| ClientError::ExtraRoot { number })?;
        }
        if roots.len() == before {
            return Err(ClientError::ExtraRoot { number });
        }
    }
    if trusted == 0 {
        tracing::warn!(extra = extra_roots_pem.len(), "the system has no certificate authorities");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Setup(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extra_authority_that_is_none_is_named_by_its_number() {
        let (_, good) = authority();
        for bad in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let refused = client_config(&[good.clone(), bad.to_owned()]).unwrap_err();
            assert!(matches!(refused, ClientError::ExtraRoot { number: 2 }), "{refused}");
        }
        assert!(client_config(&[good]).is_ok());
    }

    fn authority() -> (rcgen::KeyPair, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        (key, pem)
    }
}
