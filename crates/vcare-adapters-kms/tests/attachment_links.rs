//! Links to attachments: each opens what it says, under its tenant's key alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_adapters_kms::{HmacAttachmentLinks, KeyKeeper, LocalKeyring, Vault, VaultConfig};
use vcare_app::ports::{AttachmentLink, AttachmentLinks, KeyPurpose};
use vcare_domain::{TenantId, UploadId};
use vcare_testkit::{HandClock, SecretShelf};
use zeroize::Zeroizing;

fn keyring(byte: u8) -> LocalKeyring {
    LocalKeyring::from_master(&Zeroizing::new([byte; 32])).unwrap()
}

fn links(byte: u8) -> HmacAttachmentLinks {
    let rows = Arc::new(SecretShelf::default());
    HmacAttachmentLinks::new(Arc::new(Vault::new(
        Arc::new(keyring(byte)),
        rows,
        HandClock::new(),
        VaultConfig::default(),
    )))
}

fn link() -> AttachmentLink {
    AttachmentLink {
        tenant_id: TenantId::parse("kabul").unwrap(),
        upload: UploadId::from_uuid(Uuid::from_u128(7)),
        expires_at: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
    }
}

#[tokio::test]
async fn a_signature_is_good_for_its_own_link_alone() {
    let links = links(7);
    let signature = links.sign(&link()).await.unwrap();
    assert!(signature.starts_with("1."), "{signature}");
    assert!(links.is_signed(&link(), &signature).await.unwrap());
    for other in [
        AttachmentLink { tenant_id: TenantId::parse("herat").unwrap(), ..link() },
        AttachmentLink { upload: UploadId::from_uuid(Uuid::from_u128(8)), ..link() },
        AttachmentLink { expires_at: link().expires_at + Duration::SECOND, ..link() },
    ] {
        assert!(!links.is_signed(&other, &signature).await.unwrap(), "{other:?}");
    }
    let mac = signature.strip_prefix("1.").unwrap();
    for forged in ["", ".", "1.", mac, &format!("01.{mac}"), &format!("0.{mac}"), &format!("2.{mac}"), "1.AAAA"] {
        assert!(!links.is_signed(&link(), forged).await.unwrap(), "{forged}");
    }
    assert!(!self::links(8).is_signed(&link(), &signature).await.unwrap(), "another deployment's");
}

#[tokio::test]
async fn the_key_of_links_is_no_other_key() {
    let tenant = link().tenant_id;
    let keyring = keyring(7);
    let mut keys = Vec::new();
    for purpose in KeyPurpose::ALL {
        keys.push(*keyring.derive(purpose, 1, &tenant).await.unwrap());
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), KeyPurpose::ALL.len());
}
