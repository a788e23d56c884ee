//! Names of people in visits.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::error::Error;
use std::sync::Arc;

use uuid::Uuid;
use vcare_adapters_kms::{KeeperFault, KeyKeeper, LocalKeyring, Vault, VaultConfig};
use vcare_app::ports::{DisplayNames, KeyPurpose, KeyVersions, SecretsError, StoredKey};
use vcare_domain::{DisplayName, SealedName, SessionId, TenantId};
use vcare_testkit::{HandClock, SecretShelf};
use zeroize::Zeroizing;

fn vault_over(byte: u8, rows: &Arc<SecretShelf>) -> Vault {
    let keyring = LocalKeyring::from_master(&Zeroizing::new([byte; 32])).unwrap();
    Vault::new(
        Arc::new(keyring) as Arc<dyn KeyKeeper>,
        Arc::clone(rows) as _,
        Arc::clone(rows) as _,
        HandClock::new(),
        VaultConfig::default(),
    )
}

fn shelf() -> Arc<SecretShelf> {
    Arc::new(SecretShelf::default())
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn visit(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}

fn is_not_openable(opened: Result<DisplayName, SecretsError>) -> bool {
    let error = opened.unwrap_err();
    matches!(error.source().and_then(|cause| cause.downcast_ref()), Some(KeeperFault::NotOpenable))
}

#[tokio::test]
async fn a_name_opens_as_it_was_sealed_and_is_not_read_from_its_seal() {
    let kabul = tenant("hosp-kabul");
    let vault = vault_over(7, &shelf());
    for text in ["Parwana Noori", "داکتر پروانه نوری", &"د".repeat(100)] {
        let name = DisplayName::parse(text).unwrap();
        let sealed = vault.seal_name(&kabul, visit(1), &name).await.unwrap();
        assert!(!sealed.bytes.windows(4).any(|window| text.as_bytes().starts_with(window)));
        assert_eq!(vault.open_name(&kabul, visit(1), &sealed).await.unwrap(), name);
        let again = vault.seal_name(&kabul, visit(1), &name).await.unwrap();
        assert_ne!(again.bytes, sealed.bytes, "the same name is not known by its seal");
    }
}

#[tokio::test]
async fn it_opens_for_no_other_tenant_no_other_visit_and_under_no_other_key() {
    let (kabul, herat) = (tenant("hosp-kabul"), tenant("hosp-herat"));
    let rows = shelf();
    let own = vault_over(7, &rows);
    let name = DisplayName::parse("Parwana Noori").unwrap();
    let sealed = own.seal_name(&kabul, visit(1), &name).await.unwrap();
    assert!(is_not_openable(own.open_name(&herat, visit(1), &sealed).await));
    assert!(is_not_openable(own.open_name(&kabul, visit(2), &sealed).await));
    assert!(is_not_openable(vault_over(8, &rows).open_name(&kabul, visit(1), &sealed).await));
    for at in 0..sealed.bytes.len() {
        let mut bytes = sealed.bytes.clone();
        bytes[at] ^= 1;
        assert!(is_not_openable(own.open_name(&kabul, visit(1), &SealedName { bytes, ..sealed.clone() }).await));
    }
    for bytes in [Vec::new(), vec![0; 11], vec![0; 28]] {
        assert!(is_not_openable(own.open_name(&kabul, visit(1), &SealedName { key_version: 1, bytes }).await));
    }
}

#[tokio::test]
async fn names_of_an_older_key_are_shown_until_it_is_retired() {
    let kabul = tenant("hosp-kabul");
    let rows = shelf();
    let name = DisplayName::parse("Parwana Noori").unwrap();
    let sealed = vault_over(7, &rows).seal_name(&kabul, visit(1), &name).await.unwrap();
    let at = |current, oldest| {
        rows.change(&kabul, |stored| {
            stored.keys = vec![StoredKey {
                purpose: KeyPurpose::DisplayName,
                versions: KeyVersions { current, oldest },
                since: time::OffsetDateTime::UNIX_EPOCH,
            }];
        });
    };
    at(2, 1);
    let rotated = vault_over(7, &rows);
    assert_eq!(rotated.open_name(&kabul, visit(1), &sealed).await.unwrap(), name);
    assert_eq!(rotated.seal_name(&kabul, visit(1), &name).await.unwrap().key_version, 2);
    at(2, 2);
    assert!(is_not_openable(vault_over(7, &rows).open_name(&kabul, visit(1), &sealed).await));
}
