//! The keys of patients and records.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use uuid::Uuid;
use vcare_adapters_kms::{LocalKeyring, Vault, VaultConfig};
use vcare_app::ports::{RecordCipher, RecordId, RecordKeys, WrappedKey, WrappedKeys};
use vcare_domain::{PatientId, TenantId};
use vcare_testkit::{HandClock, SecretShelf};
use zeroize::Zeroizing;

fn vault() -> Vault {
    let keyring = LocalKeyring::from_master(&Zeroizing::new([7; 32])).unwrap();
    let rows = Arc::new(SecretShelf::default());
    Vault::new(Arc::new(keyring), Arc::clone(&rows) as _, rows, HandClock::new(), VaultConfig::default())
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn patient(id: &str) -> PatientId {
    PatientId::parse(id).unwrap()
}

/// A record's keys, and what encrypts with them.
async fn keys(vault: &Vault, record: RecordId<'_>) -> (WrappedKeys, Arc<dyn RecordCipher>) {
    let patient = vault.new_patient_key(record.tenant, record.patient).await.unwrap();
    let (wrapped, cipher) = vault.new_record_key(record, &patient).await.unwrap();
    (WrappedKeys { patient, record: wrapped }, cipher)
}

#[tokio::test]
async fn what_was_encrypted_for_a_record_opens_with_its_stored_keys_and_as_nothing_else() {
    let (vault, tenant, patient) = (vault(), tenant("kabul"), patient("pat-1"));
    let record = RecordId { tenant: &tenant, patient: &patient, record: Uuid::from_u128(1) };
    let (wrapped, cipher) = keys(&vault, record).await;
    let sealed = cipher.seal("complaint", b"cough").unwrap();
    assert_ne!(sealed, cipher.seal("complaint", b"cough").unwrap(), "the same twice is not the same bytes");
    let again = vault.record_cipher(record, &wrapped).await.unwrap();
    assert_eq!(again.open("complaint", &sealed).unwrap().expose(), b"cough");
    assert!(again.open("answer", &sealed).is_err(), "another column");
    assert!(again.open("complaint", &sealed[..sealed.len() - 1]).is_err(), "cut");
    assert!(again.open("complaint", b"").is_err(), "nothing");
    assert_eq!((wrapped.patient.bytes.len(), wrapped.record.len()), (60, 60));
}

#[tokio::test]
async fn stored_keys_open_for_no_other_tenant_patient_or_record() {
    let (vault, kabul, one) = (vault(), tenant("kabul"), patient("pat-1"));
    let record = RecordId { tenant: &kabul, patient: &one, record: Uuid::from_u128(1) };
    let (wrapped, _) = keys(&vault, record).await;
    let (herat, two) = (tenant("herat"), patient("pat-2"));
    for other in [
        RecordId { tenant: &herat, ..record },
        RecordId { patient: &two, ..record },
        RecordId { record: Uuid::from_u128(2), ..record },
    ] {
        assert!(vault.record_cipher(other, &wrapped).await.is_err(), "{other:?}");
    }
    let (another, _) = keys(&vault, record).await;
    let mixed = WrappedKeys { patient: another.patient, record: wrapped.record.clone() };
    assert!(vault.record_cipher(record, &mixed).await.is_err(), "without the patient's own key");
    let older = WrappedKey { version: 2, ..wrapped.patient };
    let rotated = WrappedKeys { patient: older, record: wrapped.record };
    assert!(vault.record_cipher(record, &rotated).await.is_err(), "another version of the tenant's key");
}

#[tokio::test]
async fn a_keyed_hash_is_the_same_for_a_record_alone() {
    let (vault, tenant, patient) = (vault(), tenant("kabul"), patient("pat-1"));
    let record = |n| RecordId { tenant: &tenant, patient: &patient, record: Uuid::from_u128(n) };
    let (wrapped, cipher) = keys(&vault, record(1)).await;
    let again = vault.record_cipher(record(1), &wrapped).await.unwrap();
    assert_eq!(cipher.mac("text", b"cough"), again.mac("text", b"cough"));
    assert_ne!(cipher.mac("text", b"cough"), cipher.mac("other", b"cough"));
    let (_, other) = keys(&vault, record(2)).await;
    assert_ne!(cipher.mac("text", b"cough"), other.mac("text", b"cough"));
}
