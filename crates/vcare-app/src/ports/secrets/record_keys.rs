//! The keys that what is written about patients is encrypted with.
//!
//! Each visit and each upload has a random key, wrapped by a random key of its patient, wrapped by a key of the tenant that the
//! keeper of the master keys derives. Wrapped keys are kept apart from what they encrypt: to delete one is to erase all that it
//! encrypted, in backups too.

use std::sync::Arc;

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;
use vcare_domain::{PatientId, TenantId};

use super::{Secret, SecretsError};

/// Which record a key belongs to. A wrapped key opens only for the same three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordId<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The patient whom the record is about.
    pub patient: &'a PatientId,
    /// The visit or the upload.
    pub record: Uuid,
}

/// A patient's key, wrapped by the tenant's.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Which version of the tenant's key unwraps it.
    pub version: u32,
    /// The wrapped key: 60 bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({} bytes, version {})", self.bytes.len(), self.version)
    }
}

/// The keys that lead to a record, as they are stored.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKeys {
    /// The patient's.
    pub patient: WrappedKey,
    /// The record's, wrapped by the patient's: 60 bytes.
    pub record: Vec<u8>,
}

impl fmt::Debug for WrappedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKeys({:?}, record {} bytes)", self.patient, self.record.len())
    }
}

/// Encrypts and decrypts what belongs to one record (AES-256-GCM), and signs it (HMAC-SHA256). `what` names the value, such as a
/// column: what was encrypted as one does not open as another.
pub trait RecordCipher: Send + Sync {
    /// Encrypts a value. The same value twice is not the same bytes.
    ///
    /// # Errors
    /// [`SecretsError`] when the machine gives no random numbers.
    fn seal(&self, what: &str, value: &[u8]) -> Result<Vec<u8>, SecretsError>;
    /// Decrypts a value.
    ///
    /// # Errors
    /// [`SecretsError`] when it was not encrypted for this record as `what`, or was changed.
    fn open(&self, what: &str, sealed: &[u8]) -> Result<Secret, SecretsError>;
    /// A keyed hash of a value: it tells nothing about the value to anybody without the record's key.
    fn mac(&self, what: &str, value: &[u8]) -> [u8; 32];
}

/// Draws, wraps and unwraps keys. Asks the keeper of the master keys once for each tenant and not for each record.
#[async_trait]
pub trait RecordKeys: Send + Sync {
    /// A new key for a patient.
    async fn new_patient_key(&self, tenant: &TenantId, patient: &PatientId) -> Result<WrappedKey, SecretsError>;
    /// A new key for a record, wrapped by the key of its patient: the wrapped key, and what encrypts with it.
    async fn new_record_key(
        &self,
        record: RecordId<'_>,
        patient_key: &WrappedKey,
    ) -> Result<(Vec<u8>, Arc<dyn RecordCipher>), SecretsError>;
    /// What encrypts with a record's key.
    async fn record_cipher(
        &self,
        record: RecordId<'_>,
        keys: &WrappedKeys,
    ) -> Result<Arc<dyn RecordCipher>, SecretsError>;
}
