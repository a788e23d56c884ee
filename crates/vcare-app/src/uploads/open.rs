//! Opening an attachment by a signed link.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use vcare_domain::{Content, StorageKey, UploadState, UserId};

use super::contents::Contents;
use crate::access::Audited;
use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;
use crate::ports::AttachmentLink;

/// An attachment that a link opens. Nobody has seen anything of it yet.
pub struct FoundAttachment {
    /// Who the link was made for.
    pub viewer: UserId,
    /// The link.
    pub link: AttachmentLink,
    /// What it is, and how many bytes it has. Never changes.
    pub content: Content,
    contents: Contents,
}

impl fmt::Debug for FoundAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundAttachment").field("link", &self.link).finish_non_exhaustive()
    }
}

/// Bytes of an attachment, read from the storage piece by piece, as fast as they are taken: 64 KiB at most are in memory for
/// each reader.
pub struct OpenedAttachment {
    contents: Contents,
    key: StorageKey,
    size: u32,
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
        let contents = self.contents(&upload).await?;
        Ok(FoundAttachment { viewer, link, content: content.clone(), contents })
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
        let FoundAttachment { viewer, link, content, contents } = found;
        let mut opened = OpenedAttachment { contents, key: content.key, size: content.size, left: bytes, first: None };
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
        let bytes = self.contents.read(&self.key, self.size, self.left.clone()).await?;
        self.left.start += u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Ok(Some(bytes))
    }
}
