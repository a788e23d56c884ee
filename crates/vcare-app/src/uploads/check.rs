//! Looking at the bytes of an upload before anybody else does.

use bytes::{Bytes, BytesMut};
use vcare_domain::{Content, RejectReason, StorageKey, Upload};

use super::contents::Contents;
use super::work::{AGAIN_AFTER, AtWork};
use crate::app::App;
use crate::error::AppError;
use crate::ports::{InspectError, ScanVerdict, Showable, StorageError};

/// What came of a look.
enum Finding {
    Shown(Showable),
    Rejected(RejectReason),
    /// Nothing yet, by nobody's fault in the content: the scanner or the storage is down.
    NotYet(&'static str),
    /// We failed: the check counts, and is begun anew.
    Failed,
}

impl App {
    /// Scans an upload and writes it anew. What the scanner has not seen is not looked at, and not shown.
    pub(super) async fn check_upload(&self, work: AtWork) -> Result<(), AppError> {
        // An erased patient's upload is discarded by who erases.
        let contents = self.contents(&work.upload).await?;
        let finding = self.findings_of(&work.upload, &contents).await;
        let now = self.clock.now();
        let outcome = match finding {
            Finding::Shown(showable) => match self.store_content(&contents, showable).await {
                Ok(content) => {
                    self.change_held(&work, "pass_upload", |upload| upload.pass(content, now)).await?;
                    "ready"
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "what is to be shown was not stored");
                    self.postpone(&work).await?;
                    "storage"
                }
            },
            Finding::Rejected(reason) => {
                self.change_held(&work, "reject_upload", |upload| upload.reject(reason, now)).await?;
                reason.as_str()
            }
            Finding::NotYet(why) => {
                self.postpone(&work).await?;
                why
            }
            Finding::Failed => "failed",
        };
        metrics::counter!("vcare_upload_checks_total", "outcome" => outcome).increment(1);
        tracing::info!(tenant_id = %work.held.tenant_id, upload = %work.held.id, outcome, "an upload was checked");
        Ok(())
    }

    async fn postpone(&self, work: &AtWork) -> Result<(), AppError> {
        let due = self.clock.now() + AGAIN_AFTER;
        self.change_held(work, "postpone_upload", |upload| upload.postpone(due)).await
    }

    async fn findings_of(&self, upload: &Upload, contents: &Contents) -> Finding {
        let bytes = match whole(upload, contents).await {
            Ok(bytes) => bytes,
            // A folder that is not mounted has nothing either, so this is asked several times, minutes apart.
            Err(StorageError::Missing) if upload.is_uncheckable() => {
                tracing::error!(
                    "bytes of an upload are no longer in the storage: whoever sent it is told to send it again"
                );
                return Finding::Rejected(RejectReason::Lost);
            }
            Err(error @ StorageError::Missing) => {
                tracing::error!(error = &error as &dyn std::error::Error, "bytes of an upload are missing");
                return Finding::Failed;
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "an upload's bytes cannot be read");
                return Finding::NotYet("storage");
            }
        };
        if upload.is_uncheckable() {
            return Finding::Rejected(RejectReason::Uncheckable);
        }
        match self.attachments.scanner.scan(&bytes).await {
            Ok(ScanVerdict::Clean) => {}
            Ok(ScanVerdict::Infected) => return Finding::Rejected(RejectReason::Malware),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an upload waits for the scanner");
                return Finding::NotYet("scanner");
            }
        }
        match self.attachments.inspector.inspect(upload.parts().slot.kind, bytes).await {
            Ok(showable) => Finding::Shown(showable),
            Err(InspectError::Rejected(reason)) => Finding::Rejected(reason),
            Err(error @ InspectError::Failed) => {
                tracing::error!(error = &error as &dyn std::error::Error, "an upload could not be looked at");
                Finding::Failed
            }
        }
    }

    /// Stored before it is named: a process that dies between leaves something that is tidied away.
    async fn store_content(&self, contents: &Contents, showable: Showable) -> Result<Content, StorageError> {
        let key: StorageKey = self.storage_key();
        let Showable { media_type, bytes } = showable;
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        contents.put(&key, bytes).await?;
        Ok(Content { key, media_type, size })
    }
}

/// The bytes that count, one after the other.
async fn whole(upload: &Upload, contents: &Contents) -> Result<Bytes, StorageError> {
    let parts = upload.parts();
    let mut whole = BytesMut::with_capacity(parts.length as usize);
    for chunk in &parts.chunks {
        whole.extend_from_slice(&contents.get(chunk).await?);
    }
    // A chunk that was cut off is lost as well.
    if whole.len() == parts.length as usize { Ok(whole.freeze()) } else { Err(StorageError::Missing) }
}
