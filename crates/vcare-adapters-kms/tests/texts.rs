//! Texts under keys of their own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::error::Error;
use std::sync::Arc;

use uuid::Uuid;
use vcare_adapters_kms::{KeeperFault, KeyKeeper, LocalKeyring, Vault, VaultConfig};
use vcare_app::ports::{DraftTexts, SecretsError};
use vcare_domain::{AiDraftId, SealedText, SummaryText, TenantId};
use vcare_testkit::{HandClock, SecretShelf};
use zeroize::Zeroizing;

fn vault(byte: u8) -> Vault {
    let keyring = LocalKeyring::from_master(&Zeroizing::new([byte; 32])).unwrap();
    let (keyring, rows) = (Arc::new(keyring) as Arc<dyn KeyKeeper>, Arc::new(SecretShelf::default()));
    Vault::new(keyring, Arc::clone(&rows) as _, rows, HandClock::new(), VaultConfig::default())
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn draft(n: u128) -> AiDraftId {
    AiDraftId::from_uuid(Uuid::from_u128(n))
}

fn is_not_openable(opened: Result<SummaryText, SecretsError>) -> bool {
    let error = opened.unwrap_err();
    matches!(error.source().and_then(|cause| cause.downcast_ref()), Some(KeeperFault::NotOpenable))
}

#[tokio::test]
async fn a_text_of_any_length_opens_as_it_was_sealed() {
    let (vault, kabul) = (vault(7), tenant("hosp-kabul"));
    for text in ["x".to_owned(), "ټوخی ښه شوی.\n".repeat(1200), "s".repeat(20_000)] {
        let text = SummaryText::parse(text).unwrap();
        let sealed = vault.seal_text(&kabul, draft(1), &text).await.unwrap();
        assert!(sealed.bytes.len() > text.as_str().len() && sealed.bytes.len() < 131_072);
        let words = text.as_str().as_bytes();
        assert!(words.len() < 4 || !sealed.bytes.windows(words.len().min(8)).any(|window| words.starts_with(window)));
        assert_eq!(vault.open_text(&kabul, draft(1), &sealed).await.unwrap(), text);
        let again = vault.seal_text(&kabul, draft(1), &text).await.unwrap();
        assert_ne!(again.bytes, sealed.bytes, "the same text is not known by its seal");
    }
}

#[tokio::test]
async fn it_opens_for_no_other_tenant_no_other_draft_and_under_no_other_key() {
    let (own, kabul) = (vault(7), tenant("hosp-kabul"));
    let text = SummaryText::parse("Cough improving.").unwrap();
    let sealed = own.seal_text(&kabul, draft(1), &text).await.unwrap();
    assert!(is_not_openable(own.open_text(&tenant("hosp-herat"), draft(1), &sealed).await));
    assert!(is_not_openable(own.open_text(&kabul, draft(2), &sealed).await));
    assert!(is_not_openable(vault(8).open_text(&kabul, draft(1), &sealed).await));
    // A key that was sealed for one draft, before the text of another.
    let other = own.seal_text(&kabul, draft(2), &text).await.unwrap();
    let head = 3 + usize::from(u16::from_be_bytes([sealed.bytes[1], sealed.bytes[2]]));
    let spliced = [&sealed.bytes[..head], &other.bytes[head..]].concat();
    let spliced = SealedText { bytes: spliced, ..sealed.clone() };
    assert!(is_not_openable(own.open_text(&kabul, draft(1), &spliced).await));
}

#[tokio::test]
async fn nothing_opens_that_was_cut_or_changed() {
    let (vault, kabul) = (vault(7), tenant("hosp-kabul"));
    let text = SummaryText::parse("Cough improving.").unwrap();
    let sealed = vault.seal_text(&kabul, draft(1), &text).await.unwrap();
    for place in 0..sealed.bytes.len() {
        let mut bytes = sealed.bytes.clone();
        bytes[place] ^= 1;
        let changed = SealedText { bytes, ..sealed.clone() };
        assert!(is_not_openable(vault.open_text(&kabul, draft(1), &changed).await), "byte {place}");
    }
    for length in 0..sealed.bytes.len() {
        let cut = SealedText { bytes: sealed.bytes[..length].to_vec(), ..sealed.clone() };
        assert!(is_not_openable(vault.open_text(&kabul, draft(1), &cut).await), "{length} bytes");
    }
}
