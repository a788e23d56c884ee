//! The key file of the local keyring.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Barrier;

use uuid::Uuid;
use vcare_adapters_kms::{IfMissing, KeyFileError, KeyKeeper, LocalKeyring};
use vcare_app::ports::KeyPurpose;
use vcare_domain::TenantId;

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    #[expect(clippy::disallowed_methods, reason = "a name that no other test has")]
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("vcare-keys-{}", Uuid::now_v7()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join("master.key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn derived(path: &Path, if_missing: IfMissing) -> [u8; 32] {
    let keyring = LocalKeyring::open(path, if_missing).unwrap();
    *keyring.derive(KeyPurpose::JoinKey, 1, &TenantId::parse("t1").unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_key_file_gives_the_key_that_is_in_it() {
    let folder = Folder::new();
    let path = folder.file(&"07".repeat(32), 0o600);
    let inline = LocalKeyring::from_master(&zeroize::Zeroizing::new([7; 32])).unwrap();
    let expected = *inline.derive(KeyPurpose::JoinKey, 1, &TenantId::parse("t1").unwrap()).await.unwrap();
    assert_eq!(derived(&path, IfMissing::Refuse).await, expected);
}

#[test]
fn a_file_that_others_can_use_is_refused_by_its_mode() {
    let folder = Folder::new();
    for mode in [0o640, 0o604, 0o620, 0o644, 0o610, 0o666] {
        let path = folder.file(&"07".repeat(32), mode);
        let refused = LocalKeyring::open(&path, IfMissing::Create).unwrap_err();
        assert!(matches!(refused, KeyFileError::TooOpen { mode: found } if found == mode), "{mode:o}");
        assert!(refused.to_string().contains(&format!("{mode:03o}")) && refused.to_string().contains("600"));
    }
    for mode in [0o600, 0o400] {
        let path = folder.file(&"07".repeat(32), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(LocalKeyring::open(&path, IfMissing::Refuse).is_ok(), "{mode:o}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_file_that_holds_no_key_is_refused_and_not_replaced() {
    let folder = Folder::new();
    for text in ["", "07", &"0g".repeat(32), &"07".repeat(33), &"07".repeat(4096)] {
        let path = folder.file(text, 0o600);
        let refused = LocalKeyring::open(&path, IfMissing::Create).unwrap_err();
        assert!(matches!(refused, KeyFileError::Malformed), "{} characters", text.len());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(folder.0.join("binary.key"), [0xFF; 64]).unwrap();
    fs::set_permissions(folder.0.join("binary.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let refused = LocalKeyring::open(&folder.0.join("binary.key"), IfMissing::Refuse).unwrap_err();
    assert!(matches!(refused, KeyFileError::Malformed));
}

#[test]
fn a_folder_is_no_key_file() {
    let folder = Folder::new();
    assert!(matches!(LocalKeyring::open(&folder.0, IfMissing::Refuse), Err(KeyFileError::NotAFile)));
}

#[test]
fn a_missing_file_is_refused_and_stays_missing() {
    let folder = Folder::new();
    let path = folder.0.join("master.key");
    assert!(matches!(LocalKeyring::open(&path, IfMissing::Refuse), Err(KeyFileError::Missing)));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_created_file_is_its_owners_alone_and_is_the_same_key_ever_after() {
    let folder = Folder::new();
    let path = folder.0.join("master.key");
    let first = derived(&path, IfMissing::Create).await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(derived(&path, IfMissing::Create).await, first);
    assert_eq!(derived(&path, IfMissing::Refuse).await, first);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "the draft is gone");
}

#[tokio::test]
async fn processes_that_start_at_once_end_up_with_one_key() {
    let folder = Folder::new();
    let path = folder.0.join("master.key");
    let start = Barrier::new(8);
    let keyrings: Vec<LocalKeyring> = std::thread::scope(|scope| {
        let open = || {
            start.wait();
            LocalKeyring::open(&path, IfMissing::Create).unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut keys = Vec::new();
    for keyring in &keyrings {
        keys.push(*keyring.derive(KeyPurpose::JoinKey, 1, &TenantId::parse("t1").unwrap()).await.unwrap());
    }
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn a_keyring_prints_nothing() {
    let keyring = LocalKeyring::from_master(&zeroize::Zeroizing::new([7; 32])).unwrap();
    assert_eq!(format!("{keyring:?}"), "LocalKeyring(…)");
}
