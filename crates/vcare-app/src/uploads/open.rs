//! Opening an attachment by a signed link.

use bytes::Bytes;
use vcare_domain::{MediaType, UploadState};

use crate::access::Audited;
use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;
use crate::ports::AttachmentLink;

impl App {
    /// The attachment that a link opens, if it may be shown. Audited in the name of the viewer that the link was made for.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for whatever is wrong with the link, [`AppError::LinkExpired`] for one of ours whose time is
    /// over.
    #[tracing::instrument(skip_all)]
    pub async fn open_attachment(
        &self,
        link: &AttachmentLink,
        seal: &str,
        trace: TraceContext,
    ) -> Result<(MediaType, Bytes), AppError> {
        let nothing = AppError::NotFound(Resource::Attachment);
        let viewer = self.attachments.links.open(link, seal).await?;
        let Some(viewer) = viewer else { return Err(nothing) };
        if self.clock.now() >= link.expires_at {
            return Err(AppError::LinkExpired);
        }
        let upload = self.store.upload(&link.tenant_id, link.upload).await?.ok_or(nothing)?;
        let parts = upload.parts();
        let UploadState::Ready(content) = &parts.state else {
            return Err(AppError::NotFound(Resource::Attachment));
        };
        let bytes = self.attachments.store.get(&parts.folder, &content.key).await?;
        let scope = Scope { tenant_id: link.tenant_id.clone(), actor: ActorRef::User(viewer), trace };
        let about = Audited::upload(link.upload);
        self.audit(&scope, AuditEntry::read(&about, None, Vec::new(), self.clock.now())).await?;
        Ok((content.media_type, bytes))
    }
}
