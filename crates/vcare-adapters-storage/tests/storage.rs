//! The folder, and what a scanner's daemon says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vcare_adapters_storage::{Clamd, ClamdConfig, ObjectStorage, S3Config, Secret};
use vcare_app::ports::{AttachmentStore, MalwareScanner, ScanError, ScanVerdict, StorageError};
use vcare_domain::StorageKey;
use vcare_testkit::{ClamdMood, EICAR, KmsKind, KmsServer};

fn key(byte: u8) -> StorageKey {
    StorageKey::from_random([byte; 16])
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[tokio::test]
async fn what_is_put_in_a_folder_is_got_until_it_is_erased() {
    let root = folder("put-and-get");
    let storage = ObjectStorage::folder(&root);
    storage.try_storing().await.unwrap();
    assert!(!root.exists(), "nothing is made before it is needed");
    keeps(&storage).await;
    assert!(!root.join("04").join(key(4).as_str()).exists(), "an empty folder is not left behind");
    // Another process finds the same.
    assert_eq!(ObjectStorage::folder(&root).get(&key(1), &key(3)).await.unwrap(), "second");
    assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
}

/// An S3-compatible store, with a bucket in it.
#[tokio::test]
async fn what_is_put_in_a_bucket_is_got_until_it_is_erased() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut server = KmsServer::start(KmsKind::Ministack).await.unwrap();
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let mut maker = TcpStream::connect(&address).await.unwrap();
    let make =
        format!("PUT /attachments HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    maker.write_all(make.as_bytes()).await.unwrap();
    let mut made = String::new();
    maker.read_to_string(&mut made).await.unwrap();
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    let config = S3Config {
        bucket: "attachments".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(server.url()),
        extra_roots_pem: None,
        credentials: Some(("test".to_owned(), Secret::new("hunter2"))),
    };
    assert!(!format!("{config:?}").contains("hunter2"));
    let storage = ObjectStorage::s3(&config).unwrap();
    keeps(&storage).await;
    server.kill();
    let put = storage.put(&key(1), &key(5), Bytes::from_static(b"lost")).await;
    assert!(matches!(put, Err(StorageError::Unavailable(_))), "{put:?}");
}

async fn keeps(storage: &ObjectStorage) {
    assert_eq!(storage.keys(&key(1)).await.unwrap(), []);
    storage.put(&key(1), &key(2), Bytes::from_static(b"first")).await.unwrap();
    storage.put(&key(1), &key(3), Bytes::from_static(b"second")).await.unwrap();
    storage.put(&key(4), &key(2), Bytes::from_static(b"elsewhere")).await.unwrap();
    assert_eq!(storage.get(&key(1), &key(2)).await.unwrap(), "first");
    assert_eq!(storage.read(&key(1), &key(2), 1..3).await.unwrap(), "ir");
    // What is shorter than it was said to be is not answered as if it were whole.
    assert!(storage.read(&key(1), &key(2), 3..6).await.is_err());
    assert!(matches!(storage.read(&key(1), &key(9), 0..1).await, Err(StorageError::Missing)));
    let mut keys = storage.keys(&key(1)).await.unwrap();
    keys.sort();
    assert_eq!(keys, [key(2), key(3)]);
    storage.erase(&key(1), &key(2)).await.unwrap();
    storage.erase(&key(1), &key(2)).await.unwrap();
    assert!(matches!(storage.get(&key(1), &key(2)).await, Err(StorageError::Missing)));
    assert_eq!(storage.keys(&key(1)).await.unwrap(), [key(3)]);
    for _ in 0..2 {
        storage.close(&key(1)).await.unwrap();
        assert_eq!(storage.keys(&key(1)).await.unwrap(), [key(3)], "only an empty folder is closed");
    }
    storage.erase(&key(4), &key(2)).await.unwrap();
    storage.close(&key(4)).await.unwrap();
    storage.close(&key(4)).await.unwrap();
    storage.try_storing().await.unwrap();
    assert_eq!(storage.keys(&key(0)).await.unwrap(), [], "what was tried is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stores_the_next_chunk_while_the_last_one_is_erased_is_not_refused() {
    let storage = Arc::new(ObjectStorage::folder(folder("erased-meanwhile")));
    for round in 0..200_u8 {
        let one = |name: u8| {
            let storage = Arc::clone(&storage);
            tokio::spawn(async move {
                storage.put(&key(round % 3), &key(name), Bytes::from_static(b"chunk")).await?;
                storage.erase(&key(round % 3), &key(name)).await
            })
        };
        for done in join_all([one(1), one(2), one(3)]).await {
            done.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_unavailable_until_it_can() {
    let root = folder("in-the-way");
    std::fs::write(&root, "").unwrap();
    let storage = ObjectStorage::folder(root.join("attachments"));
    let put = storage.put(&key(1), &key(2), Bytes::new()).await;
    assert!(matches!(put, Err(StorageError::Unavailable(_))), "{put:?}");
    std::fs::remove_file(&root).unwrap();
    storage.put(&key(1), &key(2), Bytes::from_static(b"now")).await.unwrap();
}

#[tokio::test]
async fn a_daemon_says_clean_infected_or_nothing_that_counts() {
    let daemon = vcare_testkit::Clamd::start().await.unwrap();
    let config = ClamdConfig { address: daemon.address().to_string(), deadline: Duration::from_millis(500) };
    let scanner = Clamd::new(config);
    let long = Bytes::from(vec![7; 3_000_000]);
    assert_eq!(scanner.scan(&Bytes::new()).await, Ok(ScanVerdict::Clean));
    assert_eq!(scanner.scan(&long).await, Ok(ScanVerdict::Clean));
    let infected = [&long, EICAR.concat().as_bytes()].concat();
    assert_eq!(scanner.scan(&Bytes::from(infected)).await, Ok(ScanVerdict::Infected));
    for (mood, fault) in [
        (ClamdMood::Down, "cut_off"),
        (ClamdMood::Wrong, "malformed"),
        (ClamdMood::TooLong, "malformed"),
        (ClamdMood::Silent, "timed_out"),
    ] {
        daemon.be(mood);
        assert_eq!(scanner.scan(&Bytes::from_static(b"x")).await, Err(ScanError { fault }), "{mood:?}");
    }
    let address = daemon.address();
    drop(daemon);
    let config = ClamdConfig { address: address.to_string(), deadline: Duration::from_millis(500) };
    assert_eq!(Clamd::new(config).scan(&Bytes::new()).await, Err(ScanError { fault: "unreachable" }));
}
