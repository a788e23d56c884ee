//! Opening an attachment by a signed link.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use vcare_domain::{Content, StorageKey, UploadState, UserId};

use crate::access::Audited;
use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;
use crate::ports::{AttachmentLink, AttachmentStore};

/// How many bytes of an attachment are in memory at once, for each reader.
const PIECE: u32 = 64 * 1024;

/// An attachment that a link opens. Nobody has seen anything of it yet.
#[derive(Debug)]
pub struct FoundAttachment {
    /// Who the link was made for.
    pub viewer: UserId,
    /// The link.
    pub link: AttachmentLink,
    /// What it is, and how many bytes it has. Never changes.
    pub content: Content,
    folder: StorageKey,
}

/// Bytes of an attachment, read from the storage piece by piece, as fast as they are taken.
pub struct OpenedAttachment {
    store: Arc<dyn AttachmentStore>,
    folder: StorageKey,
    key: StorageKey,
    /// What has not been read.
    left: Range<u32>,
    first: Option<Bytes>,
}

impl App {
    /// The attachment that a link opens, if it may be shown.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for whatever is wrong with the link, [`AppError::LinkExpired`] for one of ours whose time is
    /// over.
    #[tracing::instrument(skip_all)]
    pub async fn find_attachment(&self, link: AttachmentLink, seal: &str) -> Result<FoundAttachment, AppError> {
        let nothing = || AppError::NotFound(Resource::Attachment);
        let viewer = self.attachments.links.open(&link, seal).await?.ok_or_else(nothing)?;
        if self.clock.now() >= link.expires_at {
            return Err(AppError::LinkExpired);
        }
        let upload = self.store.upload(&link.tenant_id, link.upload).await?.ok_or_else(nothing)?;
        let parts = upload.parts();
        let UploadState::Ready(content) = &parts.state else { return Err(nothing()) };
        Ok(FoundAttachment { viewer, link, content: content.clone(), folder: parts.folder.clone() })
    }

    /// Opens these bytes of an attachment, counted from 0. Audited in the name of the viewer that the link was made for, once
    /// the first of them were read: what could not be read, nobody saw.
    ///
    /// # Errors
    /// [`AppError::Storage`], [`AppError::Store`].
    #[tracing::instrument(skip_all)]
    pub async fn open_attachment(
        &self,
        found: FoundAttachment,
        bytes: Range<u32>,
        trace: TraceContext,
    ) -> Result<OpenedAttachment, AppError> {
        let FoundAttachment { viewer, link, content, folder } = found;
        let store = Arc::clone(&self.attachments.store);
        let mut opened = OpenedAttachment { store, folder, key: content.key, left: bytes, first: None };
        opened.first = opened.read().await?;
        let about = Audited::upload(link.upload);
        let scope = Scope { tenant_id: link.tenant_id, actor: ActorRef::User(viewer), trace };
        self.audit(&scope, AuditEntry::read(&about, None, Vec::new(), self.clock.now())).await?;
        Ok(opened)
    }
}

impl OpenedAttachment {
    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// [`AppError::Storage`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, AppError> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Result<Option<Bytes>, AppError> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let piece = self.left.start..self.left.end.min(self.left.start.saturating_add(PIECE));
        let bytes = self.store.read(&self.folder, &self.key, piece.clone()).await?;
        self.left.start = piece.end;
        Ok(Some(bytes))
    }
}
