//! TLS towards the database, on rustls and ring. `sslmode` decides what is verified.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::address::{InvalidAddress, SslMode};

/// Where certificates are, each with the setting that names it.
pub(crate) struct TlsFiles {
    /// The authorities that are trusted; the system's when absent.
    pub(crate) ca: Option<(&'static str, PathBuf)>,
    /// Our own certificate and its key.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

/// What makes TLS connections in that mode, which is not [`SslMode::Disable`].
pub(crate) fn connector(mode: SslMode, files: &TlsFiles) -> Result<MakeRustlsConnect, InvalidAddress> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(mode, files, &provider)?;
    let unsupported = |error: Error| InvalidAddress::Option(error.to_string());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unsupported)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match &files.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates("sslcert", certificate)?;
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| file("sslkey", key, error))?;
            builder.with_client_auth_cert(chain, secret).map_err(|error| file("sslkey", key, error))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn verifier(
    mode: SslMode,
    files: &TlsFiles,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, InvalidAddress> {
    // As libpq: who names an authority wants it asked.
    let mode = match mode {
        SslMode::Require if files.ca.is_some() => SslMode::VerifyCa,
        mode => mode,
    };
    if matches!(mode, SslMode::Disable | SslMode::Prefer | SslMode::Require) {
        return Ok(Arc::new(Lenient { known: None, provider: provider.clone() }));
    }
    let mut roots = RootCertStore::empty();
    match &files.ca {
        Some((setting, path)) => {
            for certificate in certificates(setting, path)? {
                roots.add(certificate).map_err(|error| file(setting, path, error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let known = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| InvalidAddress::Option(format!("no certificate authority is known: {error}")))?;
    Ok(match mode {
        SslMode::VerifyFull => known,
        _ => Arc::new(Lenient { known: Some(known), provider: provider.clone() }),
    })
}

fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, InvalidAddress> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| file(setting, path, error))?;
    let read: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| file(setting, path, error))?;
    if read.is_empty() { Err(file(setting, path, "holds no certificate")) } else { Ok(read) }
}

fn file(setting: &'static str, file: &Path, cause: impl ToString) -> InvalidAddress {
    InvalidAddress::File { setting, file: file.to_owned(), cause: cause.to_string() }
}

/// Ignores the name in a certificate and, when no authority is given, who signed it. The server must still prove that it has the
/// certificate's key.
#[derive(Debug)]
struct Lenient {
    known: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(known) = &self.known else { return Ok(ServerCertVerified::assertion()) };
        match known.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is looked at last: the rest is in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
