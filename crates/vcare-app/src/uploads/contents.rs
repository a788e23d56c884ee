//! The bytes of one upload in the storage, encrypted with its key.
//!
//! An object is a mark of eight bytes and then segments of 64 KiB, each encrypted by itself, so that a part is read without the
//! rest. A segment is bound to its object, its place in it, and whether it is the last: none can be moved, left out or cut off.
//! Objects without the mark are of a version that did not encrypt; what begins with it by accident is one in 2^64.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use vcare_domain::StorageKey;

use crate::ports::{AttachmentStore, RecordCipher, StorageError};

/// What an encrypted object begins with.
const MARK: &[u8; 8] = b"vcareAE1";
const MARK_BYTES: u32 = 8;
/// The bytes of a segment before it is encrypted.
pub(super) const SEGMENT: u32 = 64 * 1024;
/// What encryption adds to a segment: a nonce and a tag.
const OVERHEAD: u32 = 12 + 16;

/// Where the bytes of one upload are.
#[derive(Clone)]
pub(super) struct Contents {
    pub store: Arc<dyn AttachmentStore>,
    pub folder: StorageKey,
    /// `None` for an upload of a version that did not encrypt.
    pub cipher: Option<Arc<dyn RecordCipher>>,
}

impl Contents {
    /// Stores bytes under a new name.
    pub async fn put(&self, key: &StorageKey, bytes: Bytes) -> Result<(), StorageError> {
        let bytes = match &self.cipher {
            Some(cipher) => self.encrypted(&**cipher, key, &bytes)?,
            None => bytes,
        };
        self.store.put(&self.folder, key, bytes).await
    }

    /// Reads all that was stored under a name.
    pub async fn get(&self, key: &StorageKey) -> Result<Bytes, StorageError> {
        let stored = self.store.get(&self.folder, key).await?;
        match (&self.cipher, stored.strip_prefix(MARK)) {
            (Some(cipher), Some(segments)) => self.decrypted(&**cipher, key, segments),
            // Its key was deleted.
            (None, Some(_)) => Err(StorageError::Missing),
            (_, None) => Ok(stored),
        }
    }

    /// Reads some of the `size` bytes that were stored under a name, from `wanted.start` to the end of its segment at most, and
    /// not past `wanted.end`.
    pub async fn read(&self, key: &StorageKey, size: u32, wanted: Range<u32>) -> Result<Bytes, StorageError> {
        let (index, within) = (wanted.start / SEGMENT, wanted.start % SEGMENT);
        let end = wanted.end.min((index + 1).saturating_mul(SEGMENT)).min(size);
        if !self.is_encrypted(key).await? {
            return self.store.read(&self.folder, key, wanted.start..end).await;
        }
        // Its key was deleted.
        let cipher = self.cipher.as_ref().ok_or(StorageError::Missing)?;
        let last = (index + 1).saturating_mul(SEGMENT) >= size;
        let plain = if last { size - index * SEGMENT } else { SEGMENT };
        let start = MARK_BYTES + index * (SEGMENT + OVERHEAD);
        let stored = self.store.read(&self.folder, key, start..start + plain + OVERHEAD).await?;
        let segment = self.segment(&**cipher, key, index, last, &stored)?;
        Ok(segment.slice(within as usize..(end - index * SEGMENT) as usize))
    }

    async fn is_encrypted(&self, key: &StorageKey) -> Result<bool, StorageError> {
        match self.store.read(&self.folder, key, 0..MARK_BYTES).await {
            Ok(begins) => Ok(begins == MARK[..]),
            // Shorter than a mark, or not there: reading it tells.
            Err(StorageError::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn encrypted(&self, cipher: &dyn RecordCipher, key: &StorageKey, bytes: &[u8]) -> Result<Bytes, StorageError> {
        let count = bytes.len().div_ceil(SEGMENT as usize).max(1);
        let mut object = BytesMut::with_capacity(MARK.len() + bytes.len() + count * OVERHEAD as usize);
        object.extend_from_slice(MARK);
        let mut rest = bytes;
        for index in 0..count {
            let (segment, left) = rest.split_at(rest.len().min(SEGMENT as usize));
            rest = left;
            let name = self.name_of(key, u32::try_from(index).unwrap_or(u32::MAX), left.is_empty());
            object.extend_from_slice(&cipher.seal(&name, segment).map_err(closed)?);
        }
        Ok(object.freeze())
    }

    fn decrypted(&self, cipher: &dyn RecordCipher, key: &StorageKey, stored: &[u8]) -> Result<Bytes, StorageError> {
        let mut whole = BytesMut::with_capacity(stored.len());
        let mut segments = stored.chunks((SEGMENT + OVERHEAD) as usize).enumerate().peekable();
        while let Some((index, segment)) = segments.next() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            whole.extend_from_slice(&self.segment(cipher, key, index, segments.peek().is_none(), segment)?);
        }
        Ok(whole.freeze())
    }

    fn segment(
        &self,
        cipher: &dyn RecordCipher,
        key: &StorageKey,
        index: u32,
        last: bool,
        stored: &[u8],
    ) -> Result<Bytes, StorageError> {
        let opened = cipher.open(&self.name_of(key, index, last), stored).map_err(closed)?;
        Ok(Bytes::copy_from_slice(opened.expose()))
    }

    fn name_of(&self, key: &StorageKey, index: u32, last: bool) -> String {
        let end = if last { "/last" } else { "" };
        format!("attachment/{}/{}/{index}{end}", self.folder.as_str(), key.as_str())
    }
}

/// Bytes that do not decrypt are as good as lost, and what was lost is said of their storage.
fn closed(error: crate::ports::SecretsError) -> StorageError {
    StorageError::Unavailable(Box::new(error))
}
