//! The keys of patients and of the records about them.

use std::sync::Arc;

use async_trait::async_trait;
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use vcare_app::ports::{KeyPurpose, RecordCipher, RecordId, RecordKeys, Secret, SecretsError, WrappedKey, WrappedKeys};
use vcare_domain::{PatientId, TenantId};
use zeroize::Zeroizing;

use crate::keeper::{KeeperFault, behind_lengths};
use crate::sealing;
use crate::vault::Vault;

/// What the tenant's key is used for: it wraps patients' keys and nothing else.
const TENANT_CIPHER: &[u8] = b"vcare/personal-data/cipher/v1";
/// What a record's key signs with.
const RECORD_MAC: &[u8] = b"vcare/record/mac/v1";

/// A key of a patient or a record, wiped when it is dropped.
type RandomKey = Zeroizing<[u8; 32]>;

fn random_key(random: &SystemRandom) -> Result<RandomKey, KeeperFault> {
    let mut key = RandomKey::default();
    random.fill(&mut key[..]).map_err(|_| KeeperFault::Unavailable { code: "no random numbers".to_owned() })?;
    Ok(key)
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, KeeperFault> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| KeeperFault::NotOpenable)?;
    Ok(LessSafeKey::new(key))
}

/// What a patient's wrapped key is bound to.
fn patient_context(tenant: &TenantId, patient: &PatientId) -> Vec<u8> {
    behind_lengths(&["vcare/patient-key/v1", tenant.as_str(), patient.as_str()])
}

/// What a record's wrapped key, or one of its values, is bound to.
fn record_context(record: RecordId<'_>, what: &str) -> Vec<u8> {
    let id = record.record.to_string();
    behind_lengths(&["vcare/record/v1", record.tenant.as_str(), record.patient.as_str(), &id, what])
}

/// The value's name under which a record's own key is wrapped.
const KEY: &str = "key";

/// One record's key, ready for use.
struct OneRecord {
    cipher: LessSafeKey,
    mac: hmac::Key,
    random: SystemRandom,
    /// What its values are bound to, before their names.
    tenant: TenantId,
    patient: PatientId,
    record: uuid::Uuid,
}

impl OneRecord {
    fn new(record: RecordId<'_>, key: &[u8]) -> Result<Self, KeeperFault> {
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), RECORD_MAC);
        Ok(Self {
            cipher: cipher(key)?,
            mac: hmac::Key::new(hmac::HMAC_SHA256, mac.as_ref()),
            random: SystemRandom::new(),
            tenant: record.tenant.clone(),
            patient: record.patient.clone(),
            record: record.record,
        })
    }

    fn context(&self, what: &str) -> Vec<u8> {
        record_context(RecordId { tenant: &self.tenant, patient: &self.patient, record: self.record }, what)
    }
}

impl RecordCipher for OneRecord {
    fn seal(&self, what: &str, value: &[u8]) -> Result<Vec<u8>, SecretsError> {
        Ok(sealing::seal(&self.cipher, &self.random, &self.context(what), value)?)
    }

    fn open(&self, what: &str, sealed: &[u8]) -> Result<Secret, SecretsError> {
        let mut value = sealing::open(&self.cipher, &self.context(what), sealed)?;
        Ok(Secret::new(std::mem::take(&mut *value)))
    }

    fn mac(&self, what: &str, value: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(&behind_lengths(&[what]));
        context.update(value);
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

impl Vault {
    /// The tenant's key, in that version, to wrap patients' keys with.
    async fn tenant_cipher(&self, version: u32, tenant: &TenantId) -> Result<LessSafeKey, KeeperFault> {
        let key = self.key(KeyPurpose::PersonalData, version, tenant).await?;
        sealing::derived_cipher(&key, TENANT_CIPHER)
    }

    async fn patient_cipher(
        &self,
        tenant: &TenantId,
        patient: &PatientId,
        key: &WrappedKey,
    ) -> Result<LessSafeKey, KeeperFault> {
        let wrapping = self.tenant_cipher(key.version, tenant).await?;
        let key = sealing::open(&wrapping, &patient_context(tenant, patient), &key.bytes)?;
        cipher(&key)
    }
}

#[async_trait]
impl RecordKeys for Vault {
    async fn new_patient_key(&self, tenant: &TenantId, patient: &PatientId) -> Result<WrappedKey, SecretsError> {
        let (versions, _) = self.versions(KeyPurpose::PersonalData, tenant).await?;
        let wrapping = self.tenant_cipher(versions.current, tenant).await?;
        let random = SystemRandom::new();
        let key = random_key(&random)?;
        let bytes = sealing::seal(&wrapping, &random, &patient_context(tenant, patient), &key[..])?;
        Ok(WrappedKey { version: versions.current, bytes })
    }

    async fn new_record_key(
        &self,
        record: RecordId<'_>,
        patient_key: &WrappedKey,
    ) -> Result<(Vec<u8>, Arc<dyn RecordCipher>), SecretsError> {
        let wrapping = self.patient_cipher(record.tenant, record.patient, patient_key).await?;
        let random = SystemRandom::new();
        let key = random_key(&random)?;
        let wrapped = sealing::seal(&wrapping, &random, &record_context(record, KEY), &key[..])?;
        Ok((wrapped, Arc::new(OneRecord::new(record, &key[..])?)))
    }

    async fn record_cipher(
        &self,
        record: RecordId<'_>,
        keys: &WrappedKeys,
    ) -> Result<Arc<dyn RecordCipher>, SecretsError> {
        let wrapping = self.patient_cipher(record.tenant, record.patient, &keys.patient).await?;
        let key = sealing::open(&wrapping, &record_context(record, KEY), &keys.record)?;
        Ok(Arc::new(OneRecord::new(record, &key)?))
    }
}
