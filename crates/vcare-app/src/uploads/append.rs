//! Bringing bytes.

use std::fmt;

use bytes::Bytes;
use time::OffsetDateTime;
use vcare_domain::{LeaseToken, RejectReason, StorageKey, UploadId, UploadRefusal};

use super::contents::Contents;
use super::owned;
use crate::access::Audited;
use crate::actor::{Caller, Scope};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::ports::Recognised;
use crate::transaction::close;

/// A request that may bring bytes, until another one is let in.
pub struct UploadPen {
    scope: Scope,
    id: UploadId,
    contents: Contents,
    writer: LeaseToken,
    length: u32,
    at: Appended,
}

impl fmt::Debug for UploadPen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadPen").field("id", &self.id).field("at", &self.at).finish_non_exhaustive()
    }
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// So many bytes are there for good.
    pub offset: u32,
    /// When it is given up, as long as bytes are missing.
    pub expires_at: OffsetDateTime,
}

impl UploadPen {
    /// How far the upload is.
    #[must_use]
    pub const fn at(&self) -> Appended {
        self.at
    }

    /// How many bytes are missing.
    #[must_use]
    pub const fn missing(&self) -> u32 {
        self.length - self.at.offset
    }
}

impl App {
    /// Lets the caller bring bytes from `offset` on. Who brought some before is superseded.
    ///
    /// # Errors
    /// [`AppError::Forbidden`]; [`AppError::NotFound`], also for another account's; [`AppError::Upload`] when the upload
    /// is elsewhere or has expired.
    #[tracing::instrument(skip_all)]
    pub async fn open_upload(&self, caller: &Caller, id: UploadId, offset: u32) -> Result<UploadPen, AppError> {
        let work = async {
            let (scope, writer) = (caller.scope(), LeaseToken::from_uuid(self.ids.uuid()));
            let mut tx = self.store.begin("open_upload", &scope).await?;
            let opened = async {
                let mut uploads = tx.uploads();
                let mut upload = owned(uploads.find(id).await?, caller)?;
                upload.open(offset, writer, self.clock.now())?;
                uploads.save(&upload).await?;
                Ok(upload)
            }
            .await;
            let upload = close(tx, opened).await?;
            let parts = upload.parts();
            let at = Appended { offset: parts.offset, expires_at: parts.expires_at };
            let contents = self.contents(&upload).await?;
            Ok(UploadPen { scope, id, contents, writer, length: parts.length, at })
        };
        self.guarded(caller, Permission::AsyncVisitUpload, Audited::upload(id), work).await
    }

    /// Stores bytes, and counts them once they are stored. When this answers, they are never asked for again.
    ///
    /// # Errors
    /// [`AppError::Upload`] when they are too many, another request was let in, or the upload has expired;
    /// [`AppError::NotFound`] when it was taken back; [`AppError::Storage`].
    #[tracing::instrument(skip_all)]
    pub async fn append_to_upload(&self, pen: &mut UploadPen, bytes: Bytes) -> Result<Appended, AppError> {
        let size = u32::try_from(bytes.len()).ok().filter(|size| *size <= pen.missing());
        let size = size.ok_or(UploadRefusal::TooLong { max: pen.length })?;
        if size == 0 {
            return Ok(pen.at);
        }
        let chunk = self.storage_key();
        pen.contents.put(&chunk, bytes).await?;
        match self.count_chunk(pen, &chunk, size).await {
            Ok(at) => {
                metrics::counter!("vcare_upload_bytes_total").increment(u64::from(size));
                pen.at = at;
                Ok(at)
            }
            Err(error) => {
                // What was certainly not counted is of no use. After a lost connection nobody knows: then it stays, and goes
                // when the upload is tidied.
                if matches!(error, AppError::Upload(_) | AppError::NotFound(_))
                    && let Err(left) = pen.contents.store.erase(&pen.contents.folder, &chunk).await
                {
                    tracing::warn!(error = &left as &dyn std::error::Error, "a chunk that does not count was left");
                }
                Err(error)
            }
        }
    }

    /// Whether an upload that begins with these bytes may be something that is taken. Where nothing else can come of it, the
    /// upload is rejected here, so that its other bytes are not sent over a bad link for nothing. `true` when more bytes
    /// would not change this answer.
    ///
    /// # Errors
    /// [`AppError::Upload`] with [`UploadRefusal::UnknownFormat`]; as for [`App::append_to_upload`] otherwise.
    pub async fn recognise_upload(&self, pen: &UploadPen, first: &[u8]) -> Result<bool, AppError> {
        let format = match self.attachments.inspector.recognise(first) {
            Recognised::Possible => return Ok(true),
            Recognised::TooShort => return Ok(false),
            Recognised::Never(format) => format,
        };
        let mut tx = self.store.begin("refuse_upload_format", &pen.scope).await?;
        let refused = async {
            let mut uploads = tx.uploads();
            let mut upload = uploads.find(pen.id).await?.ok_or(AppError::NotFound(Resource::Upload))?;
            if upload.refuse_format(pen.writer, self.clock.now()) {
                uploads.save(&upload).await?;
                Ok(UploadRefusal::UnknownFormat { format })
            } else {
                Ok(UploadRefusal::Superseded { offset: upload.parts().offset })
            }
        }
        .await;
        let refusal = close(tx, refused).await?;
        if matches!(refusal, UploadRefusal::UnknownFormat { .. }) {
            metrics::counter!("vcare_upload_checks_total", "outcome" => RejectReason::UnknownType.as_str())
                .increment(1);
        }
        Err(refusal.into())
    }

    /// Whether the pen may still bring bytes, asked while it brings none.
    ///
    /// # Errors
    /// [`AppError::Upload`] when another request was let in; [`AppError::NotFound`] when the upload was taken back.
    pub async fn check_upload_pen(&self, pen: &UploadPen) -> Result<(), AppError> {
        let upload = self.store.upload(&pen.scope.tenant_id, pen.id).await?;
        let upload = upload.ok_or(AppError::NotFound(Resource::Upload))?;
        if upload.is_written_by(pen.writer) {
            return Ok(());
        }
        Err(UploadRefusal::Superseded { offset: upload.parts().offset }.into())
    }

    async fn count_chunk(&self, pen: &UploadPen, chunk: &StorageKey, size: u32) -> Result<Appended, AppError> {
        let mut tx = self.store.begin("append_to_upload", &pen.scope).await?;
        let counted = async {
            let mut uploads = tx.uploads();
            let mut upload = uploads.find(pen.id).await?.ok_or(AppError::NotFound(Resource::Upload))?;
            upload.append(pen.writer, chunk.clone(), size, self.clock.now())?;
            uploads.save(&upload).await?;
            Ok(Appended { offset: upload.parts().offset, expires_at: upload.parts().expires_at })
        }
        .await;
        close(tx, counted).await
    }
}
