//! Links to attachments: each opens what it says, under its tenant's key alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_adapters_kms::{KeyKeeper, LocalKeyring, SealedAttachmentLinks, Vault, VaultConfig};
use vcare_app::ports::{AttachmentLink, AttachmentLinks, KeyPurpose};
use vcare_domain::{TenantId, UploadId, UserId};
use vcare_testkit::{HandClock, SecretShelf};
use zeroize::Zeroizing;

fn keyring(byte: u8) -> LocalKeyring {
    LocalKeyring::from_master(&Zeroizing::new([byte; 32])).unwrap()
}

fn links(byte: u8) -> SealedAttachmentLinks {
    let rows = Arc::new(SecretShelf::default());
    SealedAttachmentLinks::new(Arc::new(Vault::new(
        Arc::new(keyring(byte)),
        Arc::clone(&rows) as _,
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

fn viewer() -> UserId {
    UserId::parse("dr-amin").unwrap()
}

#[tokio::test]
async fn a_seal_opens_its_own_link_alone_and_says_who_it_was_made_for() {
    let links = links(7);
    let seal = links.seal(&link(), &viewer()).await.unwrap();
    assert!(seal.starts_with("1."), "{seal}");
    assert!(!seal.contains("amin"), "the account is not to be read in a link: {seal}");
    assert_eq!(links.open(&link(), &seal).await.unwrap(), Some(viewer()));
    for other in [
        AttachmentLink { tenant_id: TenantId::parse("herat").unwrap(), ..link() },
        AttachmentLink { upload: UploadId::from_uuid(Uuid::from_u128(8)), ..link() },
        AttachmentLink { expires_at: link().expires_at + Duration::SECOND, ..link() },
    ] {
        assert_eq!(links.open(&other, &seal).await.unwrap(), None, "{other:?}");
    }
    let sealed = seal.strip_prefix("1.").unwrap();
    for forged in
        ["", ".", "1.", sealed, &format!("01.{sealed}"), &format!("0.{sealed}"), &format!("2.{sealed}"), "1.AAAA"]
    {
        assert_eq!(links.open(&link(), forged).await.unwrap(), None, "{forged}");
    }
    assert_eq!(self::links(8).open(&link(), &seal).await.unwrap(), None, "another deployment's");
}

#[tokio::test]
async fn two_links_for_the_same_person_look_like_links_for_two() {
    let links = links(7);
    let (one, two) = (links.seal(&link(), &viewer()).await.unwrap(), links.seal(&link(), &viewer()).await.unwrap());
    assert_ne!(one, two);
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
