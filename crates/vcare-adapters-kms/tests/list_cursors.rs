//! Cursors of lists.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use time::macros::datetime;
use uuid::Uuid;
use vcare_adapters_kms::{KeyKeeper, LocalKeyring, Vault, VaultConfig};
use vcare_app::ports::{CursorScope, KeyPurpose, KeyVersions, ListCursors, PageCursor, StoredKey};
use vcare_domain::TenantId;
use vcare_testkit::{HandClock, SecretShelf};
use zeroize::Zeroizing;

/// A process with the master key of that byte.
fn process(byte: u8, rows: &Arc<SecretShelf>) -> Vault {
    let keyring = LocalKeyring::from_master(&Zeroizing::new([byte; 32])).unwrap();
    Vault::new(
        Arc::new(keyring) as Arc<dyn KeyKeeper>,
        Arc::clone(rows) as _,
        Arc::clone(rows) as _,
        HandClock::new(),
        VaultConfig::default(),
    )
}

fn list(tenant: &str, parts: &[&str]) -> CursorScope {
    let parts = parts.iter().map(|part| (*part).to_owned()).collect();
    CursorScope { tenant_id: TenantId::parse(tenant).unwrap(), parts }
}

fn place() -> PageCursor {
    PageCursor { at: datetime!(2026-03-01 09:30:00.123456 UTC), id: Uuid::from_u128(7) }
}

#[tokio::test]
async fn every_process_reads_what_another_one_wrote_to_the_microsecond() {
    let rows = Arc::new(SecretShelf::default());
    let (one, other) = (process(7, &rows), process(7, &rows));
    let asked = list("hosp-kabul", &["sessions", "dr-1", "asc", "status=waiting"]);
    let cursor = one.cursor(&asked, place()).await.unwrap();
    assert_eq!(other.read_cursor(&asked, &cursor).await.unwrap(), Some(place()));
    assert_eq!(cursor.len(), 80);
    assert!(process(8, &rows).read_cursor(&asked, &cursor).await.unwrap().is_none(), "under another master key");
}

#[tokio::test]
async fn it_opens_for_no_other_list_and_tenant_wherever_one_part_ends_and_the_next_begins() {
    let rows = Arc::new(SecretShelf::default());
    let vault = process(7, &rows);
    let cursor = vault.cursor(&list("hosp-kabul", &["sessions", "ab", "c"]), place()).await.unwrap();
    for (tenant, parts) in [
        ("hosp-herat", &["sessions", "ab", "c"][..]),
        ("hosp-kabul", &["sessions", "a", "bc"]),
        ("hosp-kabul", &["sessions", "ab"]),
        ("hosp-kabul", &["sessions", "ab", "c", ""]),
        ("hosp-kabul", &["async-visits", "ab", "c"]),
        ("hosp-kabul", &[]),
    ] {
        assert!(vault.read_cursor(&list(tenant, parts), &cursor).await.unwrap().is_none(), "{tenant} {parts:?}");
    }
}

#[tokio::test]
async fn a_retired_keys_cursors_do_not_open() {
    let rows = Arc::new(SecretShelf::default());
    let vault = process(7, &rows);
    let asked = list("hosp-kabul", &["sessions"]);
    let cursor = vault.cursor(&asked, place()).await.unwrap();
    let key = |current, oldest| StoredKey {
        purpose: KeyPurpose::ListCursor,
        versions: KeyVersions { current, oldest },
        since: place().at,
    };
    for (kept, opens) in [(key(2, 1), true), (key(2, 2), false)] {
        rows.change(&asked.tenant_id, |stored| stored.keys = vec![kept]);
        let fresh = process(7, &rows);
        assert_eq!(fresh.read_cursor(&asked, &cursor).await.unwrap().is_some(), opens);
    }
}
