//! Master keys in AWS KMS: `GenerateMac` derives, `Encrypt` and `Decrypt` seal and open.

mod faults;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Credentials;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::MacAlgorithmSpec;
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use vcare_app::ports::{KeyPurpose, Secret};
use vcare_domain::TenantId;
use zeroize::Zeroizing;

use crate::keeper::{DerivedKey, KeeperFault, KeyKeeper, MAX_VALUE_BYTES, SealContext, Sealed, check_length, label};
use faults::fault;

/// How often a call is tried within its deadline.
const ATTEMPTS: u32 = 3;
/// The longest that is taken for a sealed value: what is sealed has at most 4 KiB.
const MAX_SEALED_BYTES: usize = 8192;
/// An ARN at most.
const MAX_KEY_ID_BYTES: usize = 2048;

/// Which keys, where, and how long they are waited for.
#[derive(Debug, Clone)]
pub struct AwsKmsConfig {
    /// The key that seals: symmetric, for encryption. Its id, ARN or alias.
    pub key_id: String,
    /// The key that derives: `HMAC_256`. Its id, ARN or alias.
    pub mac_key_id: String,
    /// The region of both.
    pub region: String,
    /// Where KMS is, if not where AWS has it.
    pub endpoint_url: Option<String>,
    /// Certificate authorities to trust beside the system's, as PEM.
    pub extra_roots_pem: Option<String>,
    /// How long a call may take, its further attempts included. Default 2 s.
    pub deadline: Duration,
    /// How long one attempt may take. Default 800 ms.
    pub attempt_deadline: Duration,
}

impl AwsKmsConfig {
    /// The defaults, for those keys.
    #[must_use]
    pub fn new(key_id: impl Into<String>, mac_key_id: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            key_id: key_id.into(),
            mac_key_id: mac_key_id.into(),
            region: region.into(),
            endpoint_url: None,
            extra_roots_pem: None,
            deadline: Duration::from_secs(2),
            attempt_deadline: Duration::from_millis(800),
        }
    }
}

/// Whose rights are used.
#[derive(Debug, Clone)]
pub enum AwsIdentity {
    /// What the process is told by its surroundings: variables, a profile, a web identity, the container, the machine.
    Surroundings,
    /// An access key.
    AccessKey {
        /// Its id.
        id: String,
        /// Its secret.
        secret: Secret,
    },
}

/// Certificate authorities that the SDK does not take.
#[derive(Debug, thiserror::Error)]
#[error("the certificate authorities for KMS cannot be used")]
pub struct InvalidRoots(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The system's authorities and, if there are any, these.
fn trusted(extra_pem: Option<&str>) -> Result<TlsContext, InvalidRoots> {
    let system = TrustStore::default().with_native_roots(true);
    let store = match extra_pem {
        None => system,
        Some(pem) => system.with_pem_certificate(pem),
    };
    TlsContext::builder().with_trust_store(store).build().map_err(|error| InvalidRoots(error.into()))
}

/// AWS KMS, or something that speaks like it.
///
/// What is sealed or opened passes through the buffers of the SDK's HTTP client, which are freed and not wiped.
pub struct AwsKms {
    client: Client,
    key_id: String,
    mac_key_id: String,
}

impl AwsKms {
    /// A client of those keys. Calls nobody yet.
    ///
    /// # Errors
    /// [`InvalidRoots`].
    pub async fn new(config: &AwsKmsConfig, identity: AwsIdentity) -> Result<Self, InvalidRoots> {
        // The SDK's own client would bring a second TLS stack, and aws-lc.
        let http = HttpClientBuilder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(trusted(config.extra_roots_pem.as_deref())?)
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(config.deadline)
            .operation_attempt_timeout(config.attempt_deadline)
            .connect_timeout(config.attempt_deadline)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_millis(400));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .region(Region::new(config.region.clone()))
            .timeout_config(timeouts)
            .retry_config(retries);
        if let Some(url) = &config.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let AwsIdentity::AccessKey { id, secret } = identity {
            let secret = String::from_utf8_lossy(secret.expose()).into_owned();
            loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "vcare"));
        }
        // A future of 16 KiB, once: it must not be part of everybody's who waits for this one.
        let client = Client::new(&Box::pin(loader.load()).await);
        Ok(Self { client, key_id: config.key_id.clone(), mac_key_id: config.mac_key_id.clone() })
    }
}

impl fmt::Debug for AwsKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsKms").field("key_id", &self.key_id).field("mac_key_id", &self.mac_key_id).finish()
    }
}

#[async_trait]
impl KeyKeeper for AwsKms {
    async fn derive(&self, purpose: KeyPurpose, version: u32, tenant: &TenantId) -> Result<DerivedKey, KeeperFault> {
        let answer = self
            .client
            .generate_mac()
            .key_id(&self.mac_key_id)
            .mac_algorithm(MacAlgorithmSpec::HmacSha256)
            .message(Blob::new(label(purpose, version, tenant)))
            .send()
            .await
            .map_err(|error| fault(&error))?;
        let mac = Zeroizing::new(answer.mac.ok_or(KeeperFault::Malformed)?.into_inner());
        let mut key = DerivedKey::default();
        if mac.len() != key.len() {
            return Err(KeeperFault::Malformed);
        }
        key.copy_from_slice(&mac);
        Ok(key)
    }

    async fn seal(&self, context: SealContext<'_>, value: &[u8]) -> Result<Sealed, KeeperFault> {
        check_length(value)?;
        let mut call = self.client.encrypt().key_id(&self.key_id).plaintext(Blob::new(value));
        for (name, value) in context.pairs() {
            call = call.encryption_context(name, value);
        }
        let answer = call.send().await.map_err(|error| fault(&error))?;
        let (Some(bytes), Some(key_id)) = (answer.ciphertext_blob, answer.key_id) else {
            return Err(KeeperFault::Malformed);
        };
        let bytes = bytes.into_inner();
        let good = (1..=MAX_SEALED_BYTES).contains(&bytes.len()) && (1..=MAX_KEY_ID_BYTES).contains(&key_id.len());
        // What answers with the value itself sealed nothing.
        if good && bytes != value { Ok(Sealed { key_id, bytes }) } else { Err(KeeperFault::Malformed) }
    }

    async fn open(
        &self,
        context: SealContext<'_>,
        key_id: &str,
        bytes: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeeperFault> {
        if bytes.is_empty() || bytes.len() > MAX_SEALED_BYTES {
            return Err(KeeperFault::NotOpenable);
        }
        // With the key that sealed it, which need not be the one that seals now; KMS refuses what another one sealed.
        let mut call = self.client.decrypt().key_id(key_id).ciphertext_blob(Blob::new(bytes));
        for (name, value) in context.pairs() {
            call = call.encryption_context(name, value);
        }
        let answer = call.send().await.map_err(|error| fault(&error))?;
        // Not every server that speaks like KMS looks at the key that it is told.
        if answer.key_id.is_some_and(|opened_with| opened_with != key_id) {
            return Err(KeeperFault::NotOpenable);
        }
        let value = Zeroizing::new(answer.plaintext.ok_or(KeeperFault::Malformed)?.into_inner());
        if (1..=MAX_VALUE_BYTES).contains(&value.len()) { Ok(value) } else { Err(KeeperFault::Malformed) }
    }
}
