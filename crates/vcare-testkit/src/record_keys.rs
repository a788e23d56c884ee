//! Record keys for tests of a store without the keeper of the master keys.

use std::sync::Arc;

use async_trait::async_trait;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use vcare_app::ports::{RecordCipher, RecordId, RecordKeys, Secret, SecretsError, WrappedKey, WrappedKeys};
use vcare_domain::{PatientId, TenantId};

/// AES-256-GCM under keys that are wrapped by one that never changes.
#[derive(Debug, Default, Clone, Copy)]
pub struct TestRecordKeys;

#[derive(Debug, thiserror::Error)]
#[error("does not open")]
struct Closed;

const MASTER: [u8; 32] = [7; 32];

fn closed<E>(_: E) -> SecretsError {
    SecretsError(Box::new(Closed))
}

fn seal(key: &[u8], context: &str, value: &[u8]) -> Result<Vec<u8>, SecretsError> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(closed)?);
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(closed)?;
    let mut bytes = value.to_vec();
    let bound = Aad::from(context.as_bytes());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut bytes).map_err(closed)?;
    Ok([&nonce[..], &bytes].concat())
}

fn open(key: &[u8], context: &str, sealed: &[u8]) -> Result<Vec<u8>, SecretsError> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(closed)?);
    let (nonce, value) = sealed.split_at_checked(NONCE_LEN).ok_or(()).map_err(closed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(closed)?;
    let mut bytes = value.to_vec();
    Ok(key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut bytes).map_err(closed)?.to_vec())
}

fn random_key() -> Result<[u8; 32], SecretsError> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).map_err(closed)?;
    Ok(key)
}

fn of_patient(tenant: &TenantId, patient: &PatientId) -> String {
    format!("{tenant}/{}", patient.as_str())
}

fn of_record(record: RecordId<'_>) -> String {
    format!("{}/{}", of_patient(record.tenant, record.patient), record.record)
}

struct OneRecord {
    key: [u8; 32],
    context: String,
}

impl RecordCipher for OneRecord {
    fn seal(&self, what: &str, value: &[u8]) -> Result<Vec<u8>, SecretsError> {
        seal(&self.key, &format!("{}/{what}", self.context), value)
    }

    fn open(&self, what: &str, sealed: &[u8]) -> Result<Secret, SecretsError> {
        open(&self.key, &format!("{}/{what}", self.context), sealed).map(Secret::new)
    }

    fn mac(&self, what: &str, value: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.key));
        context.update(what.as_bytes());
        context.update(value);
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

#[async_trait]
impl RecordKeys for TestRecordKeys {
    async fn new_patient_key(&self, tenant: &TenantId, patient: &PatientId) -> Result<WrappedKey, SecretsError> {
        Ok(WrappedKey { version: 1, bytes: seal(&MASTER, &of_patient(tenant, patient), &random_key()?)? })
    }

    async fn new_record_key(
        &self,
        record: RecordId<'_>,
        patient_key: &WrappedKey,
    ) -> Result<(Vec<u8>, Arc<dyn RecordCipher>), SecretsError> {
        let wrapping = open(&MASTER, &of_patient(record.tenant, record.patient), &patient_key.bytes)?;
        let (key, context) = (random_key()?, of_record(record));
        Ok((seal(&wrapping, &context, &key)?, Arc::new(OneRecord { key, context })))
    }

    async fn record_cipher(
        &self,
        record: RecordId<'_>,
        keys: &WrappedKeys,
    ) -> Result<Arc<dyn RecordCipher>, SecretsError> {
        let wrapping = open(&MASTER, &of_patient(record.tenant, record.patient), &keys.patient.bytes)?;
        let context = of_record(record);
        let key = open(&wrapping, &context, &keys.record)?.try_into().map_err(closed)?;
        Ok(Arc::new(OneRecord { key, context }))
    }
}
