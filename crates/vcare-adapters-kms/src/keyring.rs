//! The master key in a file on this machine.

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac;
use ring::rand::SystemRandom;
use vcare_app::ports::KeyPurpose;
use vcare_domain::TenantId;
use zeroize::Zeroizing;

use crate::keeper::{DerivedKey, KeeperFault, KeyKeeper, SealContext, Sealed, check_length, label};
use crate::key_file::{self, IfMissing, KeyFileError};
use crate::sealing;

/// The first byte of what is sealed: how it was.
const AES_256_GCM_V1: u8 = 1;

/// A master key held in memory, for one machine: who can read the key file can sign for every tenant and open what every
/// tenant brought.
pub struct LocalKeyring {
    master: hmac::Key,
    /// Derived from the master key: what signs does not seal.
    sealing: LessSafeKey,
    key_id: String,
    random: SystemRandom,
}

impl LocalKeyring {
    /// Reads the key file: 32 bytes as 64 hex digits, readable by its owner alone.
    ///
    /// # Errors
    /// [`KeyFileError`] says what is wrong with the file.
    pub fn open(path: &Path, if_missing: IfMissing) -> Result<Self, KeyFileError> {
        Self::from_master(&key_file::read(path, if_missing)?)
    }

    /// A keyring over a key from elsewhere.
    ///
    /// # Errors
    /// Never: [`KeyFileError::Malformed`] would say that the cipher does not take 32 bytes.
    pub fn from_master(key: &Zeroizing<[u8; 32]>) -> Result<Self, KeyFileError> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, &key[..]);
        let sealing = derived(&master, b"vcare/sealing-key/v1");
        let sealing = UnboundKey::new(&AES_256_GCM, &sealing[..]).map_err(|_| KeyFileError::Malformed)?;
        // Says which key file a value needs, and nothing of what is in it.
        let fingerprint = derived(&master, b"vcare/key-id/v1");
        let fingerprint: String = fingerprint[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let key_id = format!("local:{fingerprint}");
        Ok(Self { master, sealing: LessSafeKey::new(sealing), key_id, random: SystemRandom::new() })
    }
}

fn derived(master: &hmac::Key, label: &[u8]) -> DerivedKey {
    let mut key = DerivedKey::default();
    key.copy_from_slice(hmac::sign(master, label).as_ref());
    key
}

impl fmt::Debug for LocalKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalKeyring(…)")
    }
}

#[async_trait]
impl KeyKeeper for LocalKeyring {
    async fn derive(&self, purpose: KeyPurpose, version: u32, tenant: &TenantId) -> Result<DerivedKey, KeeperFault> {
        Ok(derived(&self.master, &label(purpose, version, tenant)))
    }

    /// Version byte, nonce, ciphertext with its tag. Nonces are drawn: a tenant's secret changes a few times a year, far
    /// from the number at which two might meet.
    async fn seal(&self, context: SealContext<'_>, value: &[u8]) -> Result<Sealed, KeeperFault> {
        check_length(value)?;
        let sealed = sealing::seal(&self.sealing, &self.random, &context.bytes(), value)?;
        let bytes = [&[AES_256_GCM_V1], &sealed[..]].concat();
        Ok(Sealed { key_id: self.key_id.clone(), bytes })
    }

    async fn open(
        &self,
        context: SealContext<'_>,
        key_id: &str,
        bytes: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeeperFault> {
        let body = bytes.strip_prefix(&[AES_256_GCM_V1]).ok_or(KeeperFault::NotOpenable)?;
        if key_id != self.key_id {
            return Err(KeeperFault::NotOpenable);
        }
        sealing::open(&self.sealing, &context.bytes(), body)
    }
}
