//! Opening an attachment by a signed link.

use bytes::Bytes;
use vcare_domain::{MediaType, UploadState};

use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::AttachmentLink;

impl App {
    /// What a link opens: what may be shown, and nothing else.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for whatever is wrong with the link, [`AppError::LinkExpired`] for one of ours whose time is
    /// over.
    #[tracing::instrument(skip_all)]
    pub async fn open_attachment(
        &self,
        link: &AttachmentLink,
        signature: &str,
    ) -> Result<(MediaType, Bytes), AppError> {
        let nothing = AppError::NotFound(Resource::Attachment);
        if !self.attachments.links.is_signed(link, signature).await? {
            return Err(nothing);
        }
        if self.clock.now() >= link.expires_at {
            return Err(AppError::LinkExpired);
        }
        let upload = self.store.upload(&link.tenant_id, link.upload).await?.ok_or(nothing)?;
        let parts = upload.parts();
        let UploadState::Ready(content) = &parts.state else {
            return Err(AppError::NotFound(Resource::Attachment));
        };
        let bytes = self.attachments.store.get(&parts.folder, &content.key).await?;
        Ok((content.media_type, bytes))
    }
}
