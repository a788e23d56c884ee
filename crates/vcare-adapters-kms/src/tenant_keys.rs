//! Derived keys, remembered.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vcare_app::ports::{Secret, SecretName, SecretsError, TenantSecrets};
use vcare_domain::TenantId;
use zeroize::Zeroizing;

use crate::mac::{DerivedKey, Purpose, TenantMac};

type Slot = (Purpose, TenantId);

/// The tenants' derived keys, kept in memory so that not every request asks the keeper of the master key. Holds a
/// bounded number: what is put out is derived again when it is needed.
pub struct TenantKeys {
    mac: Arc<dyn TenantMac>,
    kept: RwLock<HashMap<Slot, Arc<DerivedKey>>>,
    capacity: usize,
}

impl TenantKeys {
    /// How many keys are kept: two a tenant.
    pub const CAPACITY: usize = 2048;

    /// Keys derived by `mac`.
    #[must_use]
    pub fn new(mac: Arc<dyn TenantMac>) -> Self {
        Self::with_capacity(mac, Self::CAPACITY)
    }

    pub(crate) fn with_capacity(mac: Arc<dyn TenantMac>, capacity: usize) -> Self {
        Self { mac, kept: RwLock::default(), capacity }
    }

    /// The key, kept or derived. One that was derived is not kept before somebody calls [`Self::keep`]: a stranger's token
    /// may name any tenant, and must not put out the keys of real ones.
    pub(crate) async fn key(&self, purpose: Purpose, tenant: &TenantId) -> Result<Arc<DerivedKey>, SecretsError> {
        let kept = {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            kept.get(&(purpose, tenant.clone())).map(Arc::clone)
        };
        match kept {
            Some(key) => Ok(key),
            None => self.mac.derive(purpose, tenant).await.map(Arc::new),
        }
    }

    /// Keeps a key that proved to be of use.
    pub(crate) fn keep(&self, purpose: Purpose, tenant: &TenantId, key: Arc<DerivedKey>) {
        let slot = (purpose, tenant.clone());
        if self.kept.read().unwrap_or_else(PoisonError::into_inner).contains_key(&slot) {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.capacity
            && let Some(any) = kept.keys().next().cloned()
        {
            kept.remove(&any);
        }
        kept.insert(slot, key);
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantKeys(…)")
    }
}

#[async_trait]
impl TenantSecrets for TenantKeys {
    /// None: derived keys are all there are here.
    async fn brought(&self, _: &TenantId, _: SecretName) -> Result<Option<Secret>, SecretsError> {
        Ok(None)
    }

    /// 43 characters of base64url: Prosody takes the secret from an environment variable, and uses the text's bytes.
    async fn jitsi_secret(&self, tenant: &TenantId) -> Result<Secret, SecretsError> {
        let key = self.key(Purpose::JitsiSecret, tenant).await?;
        self.keep(Purpose::JitsiSecret, tenant, Arc::clone(&key));
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(&key[..]));
        Ok(Secret::new(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl TenantMac for Counting {
        async fn derive(&self, _: Purpose, tenant: &TenantId) -> Result<DerivedKey, SecretsError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Zeroizing::new([tenant.as_str().len() as u8; 32]))
        }
    }

    fn tenant(n: usize) -> TenantId {
        TenantId::parse(format!("t{n}")).unwrap()
    }

    #[tokio::test]
    async fn a_secret_is_derived_once() {
        let mac = Arc::new(Counting::default());
        let keys = TenantKeys::new(Arc::clone(&mac) as Arc<dyn TenantMac>);
        for _ in 0..3 {
            keys.jitsi_secret(&tenant(1)).await.unwrap();
        }
        assert_eq!(mac.0.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn no_more_keys_are_kept_than_there_is_room_for() {
        let keys = TenantKeys::with_capacity(Arc::new(Counting::default()), 4);
        for n in 0..20 {
            keys.jitsi_secret(&tenant(n)).await.unwrap();
        }
        assert_eq!(keys.kept.read().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn a_key_that_was_only_looked_at_is_not_kept() {
        let keys = TenantKeys::with_capacity(Arc::new(Counting::default()), 4);
        keys.key(Purpose::JoinKey, &tenant(1)).await.unwrap();
        assert!(keys.kept.read().unwrap().is_empty());
    }
}
