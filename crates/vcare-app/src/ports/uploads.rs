//! Uploads: their rows, their bytes, and who looks at those before anybody else does.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use time::OffsetDateTime;
use vcare_domain::{
    AsyncVisit, ClientMutationId, LeaseToken, MediaType, PatientId, RejectReason, StorageKey, TenantId, Upload,
    UploadId, UploadKind, UploadParts, UploadSlot, UserId,
};

use crate::ports::{RecordCipher, SecretsError, StoreError};

/// The uploads, inside a transaction. What is found is locked until it ends.
#[async_trait]
pub trait Uploads: Send {
    /// The upload of that id, unless it was discarded.
    async fn find(&mut self, id: UploadId) -> Result<Option<Upload>, StoreError>;
    /// The upload of that id in whatever state, if the lease still holds it.
    async fn find_held(&mut self, id: UploadId, lease: LeaseToken) -> Result<Option<Upload>, StoreError>;
    /// The account's upload in a slot of a patient's draft, unless it was discarded.
    async fn in_slot(
        &mut self,
        owner: &UserId,
        patient: &PatientId,
        slot: &UploadSlot,
    ) -> Result<Option<Upload>, StoreError>;
    /// The uploads of a patient that were not discarded.
    async fn of_patient(&mut self, patient: &PatientId) -> Result<Vec<Upload>, StoreError>;
    /// How many uploads an account has created since then. Until the transaction ends, nobody else counts for that account: two
    /// who count and then create cannot pass a limit together.
    async fn created_since(&mut self, owner: &UserId, since: OffsetDateTime) -> Result<u64, StoreError>;
    /// The visit that was submitted from that draft of the patient's.
    async fn visit_of(
        &mut self,
        patient: &PatientId,
        draft: &ClientMutationId,
    ) -> Result<Option<AsyncVisit>, StoreError>;
    /// Writes a new one. [`StoreError::Conflict`] when the slot was taken meanwhile.
    async fn insert(&mut self, upload: &Upload) -> Result<(), StoreError>;
    /// Writes what changed of one that was found.
    async fn save(&mut self, upload: &Upload) -> Result<(), StoreError>;
    /// Forgets one that was found.
    async fn forget(&mut self, id: UploadId) -> Result<(), StoreError>;
}

/// Reads of uploads that need no transaction.
#[async_trait]
pub trait UploadReads: Send + Sync {
    /// The upload of that id, unless it was discarded.
    async fn upload(&self, tenant: &TenantId, id: UploadId) -> Result<Option<Upload>, StoreError>;
    /// The upload of that id, in whatever state: for who works on it.
    async fn held_upload(&self, tenant: &TenantId, id: UploadId) -> Result<Option<Upload>, StoreError>;
    /// What encrypts an upload's bytes; `None` for one of a version that did not encrypt. [`StoreError::SubjectErased`] when
    /// its key was deleted.
    async fn upload_cipher(&self, upload: &UploadParts) -> Result<Option<Arc<dyn RecordCipher>>, StoreError>;
    /// The uploads for one draft of a patient's, by index, but for those discarded.
    async fn uploads_of(
        &self,
        tenant: &TenantId,
        patient: &PatientId,
        draft: &ClientMutationId,
    ) -> Result<Vec<Upload>, StoreError>;
}

/// An upload that this process is to look at, and nobody else until the lease runs out.
#[derive(Debug, Clone)]
pub struct LeasedUpload {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which.
    pub id: UploadId,
    /// The proof of holding it.
    pub lease: LeaseToken,
}

/// The uploads of all tenants that somebody must look at.
#[async_trait]
pub trait UploadQueue: Send + Sync {
    /// Takes the upload that is due longest and holds it until `until`. A check that is begun is counted.
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<LeasedUpload>, StoreError>;
    /// How many wait to be checked, and since when the oldest does.
    async fn unchecked(&self) -> Result<(u64, Option<OffsetDateTime>), StoreError>;
}

/// Why bytes cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is nothing by that name.
    #[error("the storage has nothing by that name")]
    Missing,
    /// The storage cannot be reached, is full, or refuses.
    #[error("the storage is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// Where the bytes of uploads are. A name is a folder and a key in it, both of them random.
#[async_trait]
pub trait AttachmentStore: Send + Sync {
    /// Stores bytes under a new name. When this answers, they outlive a power cut.
    async fn put(&self, folder: &StorageKey, key: &StorageKey, bytes: Bytes) -> Result<(), StorageError>;
    /// Reads them.
    async fn get(&self, folder: &StorageKey, key: &StorageKey) -> Result<Bytes, StorageError>;
    /// Reads these of them, counted from 0: all that were asked for, or an error.
    async fn read(&self, folder: &StorageKey, key: &StorageKey, bytes: Range<u32>) -> Result<Bytes, StorageError>;
    /// What there is in a folder.
    async fn keys(&self, folder: &StorageKey) -> Result<Vec<StorageKey>, StorageError>;
    /// Erases. Nothing by that name is as good.
    async fn erase(&self, folder: &StorageKey, key: &StorageKey) -> Result<(), StorageError>;
    /// Nothing more will be put in a folder that is empty.
    async fn close(&self, folder: &StorageKey) -> Result<(), StorageError>;
}

/// What a scanner says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanVerdict {
    /// It found nothing.
    Clean,
    /// It found something.
    Infected,
}

/// The scanner did not say. Holds nothing of what was scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the malware scanner gave no verdict: {fault}")]
pub struct ScanError {
    /// What went wrong, as a fixed word.
    pub fault: &'static str,
}

/// The deployment's malware scanner.
#[async_trait]
pub trait MalwareScanner: Send + Sync {
    /// Whether there is something in these bytes.
    async fn scan(&self, bytes: &Bytes) -> Result<ScanVerdict, ScanError>;
}

/// What may be shown of an upload.
#[derive(Clone)]
pub struct Showable {
    /// What it is, by its content.
    pub media_type: MediaType,
    /// The bytes, written anew.
    pub bytes: Bytes,
}

impl fmt::Debug for Showable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Showable({}, {} bytes)", self.media_type.as_str(), self.bytes.len())
    }
}

/// Why nothing may be shown of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// Its content is not what is taken.
    #[error("the content is not taken: {}", .0.as_str())]
    Rejected(RejectReason),
    /// Looking at it failed: a fault of ours.
    #[error("looking at the content failed")]
    Failed,
}

/// What the first bytes of an upload say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// It may be something that is taken. The whole decides.
    Possible,
    /// So few bytes that they say nothing yet.
    TooShort,
    /// It is nothing that is taken, but of this format, where that has a name.
    Never(Option<&'static str>),
}

/// Looks at content and makes of it what may be shown.
#[async_trait]
pub trait ContentInspector: Send + Sync {
    /// What the first bytes say, before the others are sent.
    fn recognise(&self, first: &[u8]) -> Recognised;

    /// Decides from the content alone what it is, and writes it anew without what does not belong to it.
    async fn inspect(&self, kind: UploadKind, bytes: Bytes) -> Result<Showable, InspectError>;
}

/// What a link to an attachment says. It opens without signing in, for a few minutes, in the name of the viewer it was made
/// for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentLink {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which upload's content.
    pub upload: UploadId,
    /// Until when, in whole seconds.
    pub expires_at: OffsetDateTime,
}

/// Seals the viewer of a link to an attachment together with the link, and opens the seal again.
#[async_trait]
pub trait AttachmentLinks: Send + Sync {
    /// The seal of a link. It holds the viewer, encrypted.
    async fn seal(&self, link: &AttachmentLink, viewer: &UserId) -> Result<String, SecretsError>;
    /// The viewer that this link was made for; `None` when the seal is not ours or not this link's. Does not check the time.
    async fn open(&self, link: &AttachmentLink, seal: &str) -> Result<Option<UserId>, SecretsError>;
}
