//! The master key in a file on this machine.

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use ring::hmac;
use vcare_app::ports::SecretsError;
use vcare_domain::TenantId;
use zeroize::Zeroizing;

use crate::key_file::{self, IfMissing, KeyFileError};
use crate::mac::{DerivedKey, Purpose, TenantMac};

/// A master key held in memory, for one machine: who can read the key file can sign for every tenant.
pub struct LocalKeyring {
    key: hmac::Key,
}

impl LocalKeyring {
    /// Reads the key file: 32 bytes as 64 hex digits, readable by its owner alone.
    ///
    /// # Errors
    /// [`KeyFileError`] says what is wrong with the file.
    pub fn open(path: &Path, if_missing: IfMissing) -> Result<Self, KeyFileError> {
        key_file::read(path, if_missing).map(|key| Self::from_master(&key))
    }

    /// A keyring over a key from elsewhere.
    #[must_use]
    pub fn from_master(key: &Zeroizing<[u8; 32]>) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key[..]) }
    }
}

impl fmt::Debug for LocalKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalKeyring(…)")
    }
}

#[async_trait]
impl TenantMac for LocalKeyring {
    async fn derive(&self, purpose: Purpose, tenant: &TenantId) -> Result<DerivedKey, SecretsError> {
        let tag = hmac::sign(&self.key, &purpose.label(tenant));
        let mut key = DerivedKey::default();
        key.copy_from_slice(tag.as_ref());
        Ok(key)
    }
}
