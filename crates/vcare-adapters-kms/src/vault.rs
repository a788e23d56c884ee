//! The tenants' keys and secrets: derived or opened when they are needed, and remembered for a while.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use time::Duration;
use tracing::Instrument;
use tracing::field::Empty;
use vcare_app::ports::{
    Clock, KeyPurpose, KeyVersions, SealedSecret, SealedSecrets, Secret, SecretName, SecretStore, SecretsError,
    StoredSecrets, TenantNames, TenantSecrets,
};
use vcare_app::spans::{TRACES_ONLY, ended};
use vcare_domain::TenantId;
use zeroize::Zeroizing;

use crate::cache::{Cache, Remembering};
use crate::internal_tokens;
use crate::keeper::{DerivedKey, KeeperFault, KeyKeeper, SealContext};
use crate::tenants::KnownTenants;

/// How long keys and secrets are remembered.
#[derive(Debug, Clone, Copy)]
pub struct VaultConfig {
    /// So long a derived key or an opened secret is used without asking. Default 5 min.
    pub ttl: Duration,
    /// So much longer while the key store is down. Default 1 h.
    pub stale: Duration,
    /// So long it is taken for granted which secrets and key versions a tenant has: a rotation is seen everywhere after it
    /// at the latest. Default 30 s.
    pub versions_ttl: Duration,
}

impl Default for VaultConfig {
    fn default() -> Self {
        Self { ttl: Duration::minutes(5), stale: Duration::HOUR, versions_ttl: Duration::seconds(30) }
    }
}

/// The least time between two looks that tokens of an unknown version ask for: anybody can send those.
const LOOK_AGAIN_AFTER: Duration = Duration::SECOND;

/// How many of each are remembered.
const CAPACITY: usize = 4096;

/// The tenants' keys and secrets, over a keeper of master keys and what the database keeps.
pub struct Vault {
    pub(crate) keeper: Arc<dyn KeyKeeper>,
    rows: Arc<dyn SealedSecrets>,
    tenants: KnownTenants,
    stored: Cache<TenantId, Arc<StoredSecrets>>,
    /// When a token of an unknown version was last a reason to look again.
    looked_again: Cache<TenantId, ()>,
    derived: Cache<(TenantId, KeyPurpose, u32), Arc<DerivedKey>>,
    /// By the digest of what was opened, too: a secret that was removed and set again begins at version 1 again.
    opened: Cache<(TenantId, SecretName, [u8; 32]), Secret>,
}

impl Vault {
    /// A vault. Asks nobody yet.
    #[must_use]
    pub fn new(
        keeper: Arc<dyn KeyKeeper>,
        rows: Arc<dyn SealedSecrets>,
        tenants: Arc<dyn TenantNames>,
        clock: Arc<dyn Clock>,
        config: VaultConfig,
    ) -> Self {
        let keys = |name| Remembering {
            ttl: config.ttl,
            stale: config.stale,
            rest: Duration::SECOND,
            capacity: CAPACITY,
            name,
        };
        // What a tenant has is never guessed at, and asked for again at once: without the database there is no request to
        // answer either.
        let rows_for =
            |ttl, name| Remembering { ttl, stale: Duration::ZERO, rest: Duration::ZERO, capacity: CAPACITY, name };
        let clock = || Arc::clone(&clock);
        Self {
            keeper,
            tenants: KnownTenants::new(tenants, clock()),
            rows,
            stored: Cache::new(rows_for(config.versions_ttl, "versions"), clock()),
            looked_again: Cache::new(rows_for(LOOK_AGAIN_AFTER, "looks"), clock()),
            derived: Cache::new(keys("derived"), clock()),
            opened: Cache::new(keys("opened"), clock()),
        }
    }

    /// What there is of a tenant. Of tenants without settings nothing is remembered: a stranger's token may name any
    /// tenant, and must not put out what real ones need.
    async fn stored(&self, tenant: &TenantId) -> Result<Arc<StoredSecrets>, KeeperFault> {
        let ask = async {
            let stored = self.rows.secrets_of(tenant).await;
            stored.map(Arc::new).map_err(|error| KeeperFault::NotRead(Arc::new(error)))
        };
        let stored = self.stored.get(tenant, ask).await?;
        if !stored.configured {
            self.stored.forget(|other| other == tenant);
        }
        Ok(stored)
    }

    /// The versions of a derived key, and whether the tenant has settings.
    pub(crate) async fn versions(
        &self,
        purpose: KeyPurpose,
        tenant: &TenantId,
    ) -> Result<(KeyVersions, bool), KeeperFault> {
        let stored = self.stored(tenant).await?;
        Ok((stored.versions(purpose), stored.configured))
    }

    /// The same, read anew if that was not done a moment ago: another process may have rotated the key.
    async fn newer_versions(&self, purpose: KeyPurpose, tenant: &TenantId) -> Result<(KeyVersions, bool), KeeperFault> {
        let look = async {
            self.stored.forget(|other| other == tenant);
            Ok(())
        };
        self.looked_again.get(tenant, look).await?;
        self.versions(purpose, tenant).await
    }

    /// A derived key that somebody else names the version of: `None` for a version that is not in use, and for a tenant
    /// without settings. That is found out before a key is derived, and for tenants that there are not without asking the
    /// database for each: a stranger must not make us ask anybody for what nobody has.
    pub(crate) async fn key_in_use(
        &self,
        purpose: KeyPurpose,
        version: u32,
        tenant: &TenantId,
    ) -> Result<Option<Arc<DerivedKey>>, KeeperFault> {
        if !self.tenants.include(tenant).await? {
            return Ok(None);
        }
        let (mut versions, mut configured) = self.versions(purpose, tenant).await?;
        if configured && version > versions.current {
            (versions, configured) = self.newer_versions(purpose, tenant).await?;
        }
        if configured && versions.take(version) { self.key(purpose, version, tenant).await.map(Some) } else { Ok(None) }
    }

    /// A derived key.
    pub(crate) async fn key(
        &self,
        purpose: KeyPurpose,
        version: u32,
        tenant: &TenantId,
    ) -> Result<Arc<DerivedKey>, KeeperFault> {
        let ask = measured("derive", self.keeper.derive(purpose, version, tenant));
        self.derived.get(&(tenant.clone(), purpose, version), async { ask.await.map(Arc::new) }).await
    }

    async fn opened(&self, tenant: &TenantId, name: SecretName, sealed: &SealedSecret) -> Result<Secret, KeeperFault> {
        let context = SealContext { tenant, name: name.into(), version: sealed.version };
        let mut which = digest::Context::new(&digest::SHA256);
        for part in [&context.bytes()[..], sealed.key_id.as_bytes(), &sealed.bytes] {
            which.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(which.finish().as_ref());
        let ask = async {
            let value = measured("open", self.keeper.open(context, &sealed.key_id, &sealed.bytes)).await;
            if let Err(KeeperFault::NotOpenable) = &value {
                tracing::error!(
                    tenant_id = tenant.as_str(),
                    secret = name.as_str(),
                    version = sealed.version,
                    key_id = sealed.key_id,
                    "a sealed secret does not open where it is"
                );
            }
            let value = Secret::new(std::mem::take(&mut *value?));
            // Whoever sealed something else under this name did not come by us.
            name.check(&value).map_err(|_| KeeperFault::Malformed)?;
            Ok(value)
        };
        self.opened.get(&(tenant.clone(), name, digest), ask).await
    }

    async fn managed(&self, tenant: &TenantId, version: u32) -> Result<Secret, KeeperFault> {
        let key = self.key(KeyPurpose::JitsiSecret, version, tenant).await?;
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(&key[..]));
        Ok(Secret::new(text.as_bytes()))
    }
}

pub(crate) async fn measured<T>(
    operation: &'static str,
    ask: impl Future<Output = Result<T, KeeperFault>>,
) -> Result<T, KeeperFault> {
    let span = tracing::info_span!(
        target: TRACES_ONLY,
        "kms_call",
        kms.operation = operation,
        otel.kind = "client",
        otel.status_code = Empty,
        call.outcome = Empty,
    );
    let begun = Instant::now();
    let asked = ask.instrument(span.clone()).await;
    let outcome = asked.as_ref().err().map_or("ok", KeeperFault::outcome);
    ended(&span, outcome, asked.is_ok());
    metrics::counter!("vcare_kms_requests_total", "operation" => operation, "outcome" => outcome).increment(1);
    metrics::histogram!("vcare_kms_request_duration_seconds", "operation" => operation)
        .record(begun.elapsed().as_secs_f64());
    asked
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

#[async_trait]
impl TenantSecrets for Vault {
    async fn brought(&self, tenant: &TenantId, name: SecretName) -> Result<Option<Secret>, SecretsError> {
        let stored = self.stored(tenant).await?;
        match stored.brought(name) {
            Some(brought) => Ok(Some(self.opened(tenant, name, &brought.sealed).await?)),
            None => Ok(None),
        }
    }

    /// What the tenant brought; else 43 characters of base64url: Prosody takes the secret from an environment variable, and
    /// uses the text's bytes.
    async fn jitsi_secret(&self, tenant: &TenantId) -> Result<Secret, SecretsError> {
        let stored = self.stored(tenant).await?;
        match stored.brought(SecretName::JitsiJwtSecret) {
            Some(brought) => Ok(self.opened(tenant, brought.name, &brought.sealed).await?),
            None => Ok(self.managed(tenant, stored.versions(KeyPurpose::JitsiSecret).current).await?),
        }
    }
}

#[async_trait]
impl SecretStore for Vault {
    async fn seal(
        &self,
        tenant: &TenantId,
        name: SecretName,
        version: u32,
        value: &Secret,
    ) -> Result<SealedSecret, SecretsError> {
        let context = SealContext { tenant, name: name.into(), version };
        let sealed = measured("seal", self.keeper.seal(context, value.expose())).await?;
        Ok(SealedSecret { key_id: sealed.key_id, version, bytes: sealed.bytes })
    }

    async fn open(&self, tenant: &TenantId, name: SecretName, sealed: &SealedSecret) -> Result<Secret, SecretsError> {
        Ok(self.opened(tenant, name, sealed).await?)
    }

    async fn managed_jitsi_secret(&self, tenant: &TenantId, version: u32) -> Result<Secret, SecretsError> {
        Ok(self.managed(tenant, version).await?)
    }

    async fn internal_token(&self, tenant: &TenantId, version: u32) -> Result<Secret, SecretsError> {
        let key = self.key(KeyPurpose::InternalToken, version, tenant).await?;
        Ok(internal_tokens::written(tenant, version, &key))
    }

    fn forget(&self, tenant: &TenantId) {
        self.stored.forget(|other| other == tenant);
        self.tenants.changed();
    }
}
