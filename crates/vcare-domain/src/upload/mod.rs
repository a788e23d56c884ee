//! An upload: a photo or a voice note on its way in, over days and cut lines, and what became of it.
//!
//! Where the bytes are is not its matter, but which of them count is: a chunk that is not among [`UploadParts::chunks`]
//! was never received. [`UploadParts::due_at`] says when somebody must look at it next, and [`Upload::task`] what for.

mod checking;
mod kinds;
mod place;
mod receiving;
#[cfg(test)]
mod tests;

use time::{Duration, OffsetDateTime};

pub use kinds::{Content, InvalidKey, MediaType, RejectReason, StorageKey, UploadKind, UploadRefusal, Uploader};
pub use place::UploadPlace;

use crate::ids::{ClientMutationId, LeaseToken, UploadId};
use crate::text::{PatientId, TenantId, UserId};

/// The longest attachment, in bytes: 10 MiB.
pub const MAX_UPLOAD_BYTES: u32 = 10 * 1024 * 1024;
/// The longest preview, in bytes: 16 KiB.
pub const MAX_PREVIEW_BYTES: u32 = 16 * 1024;
/// So long after its last byte an unfinished upload is kept.
pub const UNFINISHED_FOR: Duration = Duration::days(7);
/// So long a finished upload waits for its visit.
pub const UNCLAIMED_FOR: Duration = Duration::days(30);
/// So long after it was discarded a row stays, so that bytes which were under way then are found and erased.
const ERASING_FOR: Duration = Duration::minutes(10);
/// So many checks may be begun and end without a result, with the process, before the content is held to be the cause.
const MAX_CHECKS: u32 = 5;

/// Which attachment of which draft: the same slot is the same upload, however often the app is opened anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadSlot {
    /// The draft's id, drawn by the phone.
    pub client_mutation_id: ClientMutationId,
    /// Which attachment, from 0.
    pub index: u8,
    /// The attachment, or a small picture of it.
    pub kind: UploadKind,
}

/// How an upload stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadState {
    /// Bytes are missing. `writer` is the request that may bring the next ones.
    Receiving {
        /// Nobody has begun to bring any when absent.
        writer: Option<LeaseToken>,
    },
    /// All bytes are there; nobody has looked at them.
    Checking,
    /// May be shown.
    Ready(Content),
    /// Will never be shown.
    Rejected(RejectReason),
    /// Given up or taken back; to be forgotten with its bytes.
    Discarded {
        /// When.
        at: OffsetDateTime,
    },
}

/// All that an upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadParts {
    /// Its id.
    pub id: UploadId,
    /// Whose patient's it is.
    pub tenant_id: TenantId,
    /// The account that created it; nobody else may touch it.
    pub owner_id: UserId,
    /// That account's relation to the patient; `None` for uploads that began before this was stored.
    pub uploader: Option<Uploader>,
    /// The patient whose visit may take it.
    pub patient_id: PatientId,
    /// Its place.
    pub slot: UploadSlot,
    /// How many bytes it will have.
    pub length: u32,
    /// How many are there for good.
    pub offset: u32,
    /// Where its bytes are: a name that tells nothing.
    pub folder: StorageKey,
    /// The chunks received, in their order.
    pub chunks: Vec<StorageKey>,
    /// How it stands.
    pub state: UploadState,
    /// When it is given up, as long as bytes are missing.
    pub expires_at: OffsetDateTime,
    /// When somebody must look at it next; never when absent.
    pub due_at: Option<OffsetDateTime>,
    /// How many checks were begun.
    pub checks: u32,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

/// What a new upload is made of.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// Its id.
    pub id: UploadId,
    /// Whose patient's it is.
    pub tenant_id: TenantId,
    /// Who creates it.
    pub owner_id: UserId,
    /// Their relation to the patient.
    pub uploader: Uploader,
    /// Whose visit may take it.
    pub patient_id: PatientId,
    /// Its place.
    pub slot: UploadSlot,
    /// How many bytes it will have.
    pub length: u32,
    /// Where its bytes go.
    pub folder: StorageKey,
    /// Now.
    pub at: OffsetDateTime,
}

/// What is to be done with an upload that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadTask {
    /// Nothing, or not yet.
    Nothing,
    /// Its time is over: discard it.
    Expire,
    /// Look at its bytes.
    Check,
    /// Erase the bytes that are not shown.
    Tidy,
    /// See whether a visit has taken it; discard it otherwise.
    Claim,
    /// Erase all its bytes, and forget it when that is due.
    Erase,
}

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    parts: UploadParts,
}

impl Upload {
    /// Begins an upload.
    ///
    /// # Errors
    /// [`UploadRefusal::TooLong`] for more than [`MAX_UPLOAD_BYTES`], or [`MAX_PREVIEW_BYTES`] of a preview.
    pub fn begin(new: NewUpload) -> Result<Self, UploadRefusal> {
        let NewUpload { id, tenant_id, owner_id, uploader, patient_id, slot, length, folder, at } = new;
        let max = slot.kind.max_bytes();
        if length > max {
            return Err(UploadRefusal::TooLong { max });
        }
        let expires_at = at + UNFINISHED_FOR;
        let parts = UploadParts {
            id,
            tenant_id,
            owner_id,
            uploader: Some(uploader),
            patient_id,
            slot,
            length,
            offset: 0,
            folder,
            chunks: Vec::new(),
            state: UploadState::Receiving { writer: None },
            expires_at,
            due_at: Some(expires_at),
            checks: 0,
            created_at: at,
            updated_at: at,
        };
        Ok(Self { parts })
    }

    /// An upload as it was stored.
    #[must_use]
    pub const fn restore(parts: UploadParts) -> Self {
        Self { parts }
    }

    /// All that it is.
    #[must_use]
    pub const fn parts(&self) -> &UploadParts {
        &self.parts
    }

    /// What is to be done with it now.
    #[must_use]
    pub fn task(&self, now: OffsetDateTime) -> UploadTask {
        let parts = &self.parts;
        match &parts.state {
            UploadState::Receiving { .. } if now >= parts.expires_at => UploadTask::Expire,
            UploadState::Receiving { .. } => UploadTask::Nothing,
            UploadState::Checking => UploadTask::Check,
            UploadState::Ready(_) | UploadState::Rejected(_) if !parts.chunks.is_empty() => UploadTask::Tidy,
            UploadState::Ready(_) | UploadState::Rejected(_) if now >= parts.updated_at + UNCLAIMED_FOR => {
                UploadTask::Claim
            }
            UploadState::Ready(_) | UploadState::Rejected(_) => UploadTask::Nothing,
            UploadState::Discarded { .. } => UploadTask::Erase,
        }
    }

    /// Whether its time is over and bytes are missing still.
    #[must_use]
    pub fn has_expired(&self, now: OffsetDateTime) -> bool {
        matches!(self.parts.state, UploadState::Receiving { .. }) && now >= self.parts.expires_at
    }

    fn touch(&mut self, at: OffsetDateTime) {
        self.parts.updated_at = self.parts.updated_at.max(at);
    }
}
