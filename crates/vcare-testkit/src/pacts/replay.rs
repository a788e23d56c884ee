//! A provider is asked what a pact says, and its answers are looked at.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, Url, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Map, Value};

use super::interaction::{Interaction, Request};
use super::matching::Answered;

const PATIENCE: Duration = Duration::from_secs(30);

/// Asks a provider.
#[derive(Debug, Clone)]
pub struct Replayer {
    client: Client,
    base: Url,
}

impl Replayer {
    /// Asks the provider at that address, which pacts' paths stand right below; `ca_pem` vouches for it where it has TLS.
    ///
    /// # Errors
    /// When the address or the authority is none.
    pub fn new(base: &str, ca_pem: Option<&str>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.unwrap_or_default().as_bytes()) {
            roots.add(certificate?)?;
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { client, base: Url::parse(base).context("no base address")? })
    }

    /// Asks, with what the states provide, and answers what is wrong with the answer.
    ///
    /// # Errors
    /// When there is no answer, or the states do not provide what is needed.
    pub async fn replay(&self, interaction: &Interaction, provided: &Map<String, Value>) -> Result<Vec<String>> {
        let answered = self.ask(&interaction.request.filled(provided)?).await?;
        let mut wrong = interaction.response.mismatches(&answered);
        if !wrong.is_empty() {
            wrong.push(format!("it answered {}: {}", answered.status, String::from_utf8_lossy(&answered.body)));
        }
        Ok(wrong)
    }

    async fn ask(&self, request: &Request) -> Result<Answered> {
        let mut url = self.base.clone();
        url.set_path(&request.path);
        ensure!(url.path() == request.path, "{} is not percent-encoded", request.path);
        let asked = request.as_asked();
        if !asked.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&asked.query);
        }
        let mut call = self.client.request(Method::from_bytes(asked.method.as_bytes())?, url).body(asked.body);
        for (name, value) in &asked.headers {
            call = call.header(name, value);
        }
        let answer = call.send().await?;
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(Answered {
            status: answer.status().as_u16(),
            headers: answer.headers().iter().map(header).collect(),
            body: answer.bytes().await?.to_vec(),
        })
    }
}
