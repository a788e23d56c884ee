//! A local folder or an S3-compatible store.

use std::fmt;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    BackoffConfig, Certificate, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
    StaticCredentialProvider,
};
use tokio::sync::OnceCell;
use vcare_app::ports::{AttachmentStore, StorageError};
use vcare_domain::StorageKey;

/// How long one call to a store in the network may take, attempts included.
const DEADLINE: Duration = Duration::from_secs(20);

/// How much [`ObjectStorage::try_storing`] stores: more than there is by chance in a block that was begun.
const TRIED_BYTES: usize = 65_536;

/// A text that is not printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// An S3-compatible store.
#[derive(Debug, Clone)]
pub struct S3Config {
    /// The bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Where it is, for stores that are not AWS': the bucket is the path's first part then.
    pub endpoint: Option<String>,
    /// Certificate authorities to trust beside the system's, as PEM.
    pub extra_roots_pem: Option<String>,
    /// Key id and secret; the machine's own identity when absent.
    pub credentials: Option<(String, Secret)>,
}

/// A storage that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("the storage is not configured well: {0}")]
pub struct InvalidStorage(String);

/// Keeps bytes under random names, `{first two digits}/{folder}/{key}`.
pub struct ObjectStorage {
    kind: &'static str,
    place: Place,
}

enum Place {
    /// Made when it is first used: a process that gets no attachments needs no folder.
    Folder {
        root: PathBuf,
        store: OnceCell<LocalFileSystem>,
    },
    Remote(Arc<dyn ObjectStore>),
}

impl ObjectStorage {
    /// A folder on this machine. Everything written is on the disk before it is answered.
    #[must_use]
    pub fn folder(root: impl Into<PathBuf>) -> Self {
        Self { kind: "folder", place: Place::Folder { root: root.into(), store: OnceCell::new() } }
    }

    /// An S3-compatible store. Asks nobody yet.
    ///
    /// # Errors
    /// [`InvalidStorage`].
    pub fn s3(config: &S3Config) -> Result<Self, InvalidStorage> {
        let mut options = ClientOptions::new().with_timeout(DEADLINE).with_connect_timeout(Duration::from_secs(3));
        if let Some(pem) = &config.extra_roots_pem {
            let roots =
                Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| InvalidStorage(error.to_string()))?;
            options = roots.into_iter().fold(options, ClientOptions::with_root_certificate);
        }
        let mut builder = AmazonS3Builder::new().with_bucket_name(&config.bucket).with_region(&config.region);
        if let Some(endpoint) = &config.endpoint {
            options = options.with_allow_http(endpoint.starts_with("http://"));
            builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
        }
        if let Some((id, secret)) = &config.credentials {
            let credential = AwsCredential { key_id: id.clone(), secret_key: secret.0.clone(), token: None };
            builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(credential)));
        }
        let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: 2, retry_timeout: DEADLINE };
        let store = builder
            .with_client_options(options)
            .with_retry(retry)
            .build()
            .map_err(|error| InvalidStorage(error.to_string()))?;
        Ok(Self { kind: "s3", place: Place::Remote(Arc::new(store)) })
    }

    /// Whether bytes can be stored, by storing some and erasing them. A folder that was never used is not made for that.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn try_storing(&self) -> Result<(), StorageError> {
        if let Place::Folder { root, .. } = &self.place
            && !tokio::fs::try_exists(root).await.map_err(unavailable)?
        {
            return Ok(());
        }
        // Always under the same name, which no attachment has: what a process leaves behind that dies here, the next one erases.
        let name = StorageKey::from_random([0; 16]);
        let stored = self.put(&name, &name, Bytes::from_static(&[0; TRIED_BYTES])).await;
        // Also after a failure: a part may be there.
        stored.and(self.erase(&name, &name).await)
    }

    async fn store(&self) -> Result<&dyn ObjectStore, StorageError> {
        match &self.place {
            Place::Remote(store) => Ok(&**store),
            Place::Folder { root, store } => {
                let made = store.get_or_try_init(|| async { open_folder(root).await.map_err(unavailable) });
                made.await.map(|store| store as &dyn ObjectStore)
            }
        }
    }

    async fn measured<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let begun = Instant::now();
        let done = work.await;
        let outcome = match &done {
            Ok(_) => "ok",
            Err(StorageError::Missing) => "missing",
            Err(StorageError::Unavailable(_)) => "unavailable",
        };
        metrics::histogram!(
            "vcare_storage_duration_seconds",
            "storage" => self.kind, "operation" => operation, "outcome" => outcome
        )
        .record(begun.elapsed().as_secs_f64());
        done
    }
}

/// Makes the folder, for its owner alone.
async fn open_folder(root: &FilePath) -> Result<LocalFileSystem, Box<dyn std::error::Error + Send + Sync>> {
    use std::os::unix::fs::DirBuilderExt;
    let root = root.to_owned();
    let made = tokio::task::spawn_blocking(move || {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&root)?;
        Ok::<_, std::io::Error>(root)
    });
    let store = LocalFileSystem::new_with_prefix(made.await??)?;
    // An empty folder stays until nothing more can come: who stores a chunk while the last one is erased must find it.
    Ok(store.with_fsync(true))
}

fn folder_path(folder: &StorageKey) -> Path {
    let name = folder.as_str();
    Path::from_iter([name.get(..2).unwrap_or_default(), name])
}

fn path(folder: &StorageKey, key: &StorageKey) -> Path {
    folder_path(folder).join(key.as_str())
}

fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StorageError {
    StorageError::Unavailable(error.into())
}

fn storage_error(error: Error) -> StorageError {
    match error {
        Error::NotFound { .. } => StorageError::Missing,
        other => unavailable(other),
    }
}

#[async_trait]
impl AttachmentStore for ObjectStorage {
    async fn put(&self, folder: &StorageKey, key: &StorageKey, bytes: Bytes) -> Result<(), StorageError> {
        let put = async {
            let options = PutOptions { mode: PutMode::Overwrite, ..PutOptions::default() };
            self.store().await?.put_opts(&path(folder, key), bytes.into(), options).await.map_err(storage_error)?;
            Ok(())
        };
        self.measured("put", put).await
    }

    async fn get(&self, folder: &StorageKey, key: &StorageKey) -> Result<Bytes, StorageError> {
        let get = async {
            let found = self.store().await?.get(&path(folder, key)).await.map_err(storage_error)?;
            found.bytes().await.map_err(storage_error)
        };
        self.measured("get", get).await
    }

    async fn read(&self, folder: &StorageKey, key: &StorageKey, bytes: Range<u32>) -> Result<Bytes, StorageError> {
        let read = async {
            let wanted = u64::from(bytes.start)..u64::from(bytes.end);
            let found = self.store().await?.get_range(&path(folder, key), wanted).await.map_err(storage_error)?;
            // A store answers what there is of a range: less than was asked for means that bytes are missing.
            if found.len() == bytes.len() { Ok(found) } else { Err(StorageError::Missing) }
        };
        self.measured("read", read).await
    }

    async fn keys(&self, folder: &StorageKey) -> Result<Vec<StorageKey>, StorageError> {
        let list = async {
            let found: Vec<_> =
                self.store().await?.list(Some(&folder_path(folder))).try_collect().await.map_err(storage_error)?;
            // Nothing else is ever written there.
            let names = found.iter().filter_map(|object| object.location.filename());
            Ok(names.filter_map(|name| StorageKey::parse(name).ok()).collect())
        };
        self.measured("list", list).await
    }

    async fn erase(&self, folder: &StorageKey, key: &StorageKey) -> Result<(), StorageError> {
        let erase = async {
            match self.store().await?.delete(&path(folder, key)).await.map_err(storage_error) {
                Err(StorageError::Missing) => Ok(()),
                other => other,
            }
        };
        self.measured("erase", erase).await
    }

    async fn close(&self, folder: &StorageKey) -> Result<(), StorageError> {
        let Place::Folder { root, .. } = &self.place else { return Ok(()) };
        let path = root.join(folder_path(folder).as_ref());
        match tokio::fs::remove_dir(path).await {
            // Something came in after all, or it is gone: whoever looks next sees to it.
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                Err(unavailable(error))
            }
            _ => Ok(()),
        }
    }
}
