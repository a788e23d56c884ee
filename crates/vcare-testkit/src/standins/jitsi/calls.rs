//! The calls that Prosody's modules make.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method, redirect};
use rustls::{ClientConfig, RootCertStore};

use super::settings::Calls;

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// The address.
    pub url: String,
    /// What was sent.
    pub body: String,
    /// The status of each try, 0 where nobody answered; none of one that timed out.
    pub answers: Vec<u16>,
}

/// What came of a call.
pub(super) enum Heard {
    /// An answer: status and body; status 0 is none.
    Answer(u16, String),
    TimedOut,
}

/// What is said to whom.
pub(super) struct Message<'a> {
    pub method: &'static str,
    pub url: String,
    pub authorization: Option<&'a str>,
    pub content_type: Option<&'static str>,
    pub body: String,
}

/// Calls, and remembers that it did.
#[derive(Debug)]
pub(super) struct Caller {
    http: Client,
    made: Mutex<Vec<Call>>,
}

impl Caller {
    pub fn new() -> Result<Self> {
        // Only plain HTTP is spoken, but without this the library asks the whole process for its cryptography.
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let http = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent("Prosody (0.12.3; Linux)")
            .redirect(redirect::Policy::none())
            .no_proxy()
            // Tests have a runtime each: a connection must not outlive the one it was made on.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { http, made: Mutex::default() })
    }

    pub fn made(&self) -> Vec<Call> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tries until the answer is none that is tried again.
    pub async fn call(&self, calls: Calls, message: Message<'_>) -> Heard {
        let mut answers = Vec::new();
        let heard = loop {
            let heard = self.attempt(calls, &message).await;
            let Heard::Answer(status, _) = heard else { break heard };
            answers.push(status);
            let again = status == 0 || status >= 500;
            if !again || answers.len() > calls.retries {
                break heard;
            }
            tokio::time::sleep(calls.retry_delay).await;
        };
        let Message { method, url, body, .. } = message;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(Call { method, url, body, answers });
        heard
    }

    async fn attempt(&self, calls: Calls, message: &Message<'_>) -> Heard {
        let method = Method::from_bytes(message.method.as_bytes()).unwrap_or_default();
        let mut request = self.http.request(method, &message.url).timeout(calls.timeout).body(message.body.clone());
        if let Some(authorization) = message.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(kind) = message.content_type {
            request = request.header(CONTENT_TYPE, kind);
        }
        let exchange = async {
            let answer = request.send().await?;
            Ok::<_, reqwest::Error>((answer.status().as_u16(), answer.text().await?))
        };
        match exchange.await {
            Ok((status, body)) => Heard::Answer(status, body),
            Err(error) if error.is_timeout() => Heard::TimedOut,
            Err(_) => Heard::Answer(0, String::new()),
        }
    }
}
