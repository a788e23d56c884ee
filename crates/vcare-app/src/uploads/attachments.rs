//! What a clinician, and the patient, see of a visit's attachments.

use time::{Duration, OffsetDateTime};
use vcare_domain::{AsyncVisitId, Upload, UploadKind, UploadState};

use crate::actor::Caller;
use crate::app::App;
use crate::error::AppError;
use crate::ports::AttachmentLink;

/// So long a link to an attachment opens.
pub const LINK_OPENS_FOR: Duration = Duration::minutes(5);

/// A link, and the signature that opens it.
#[derive(Debug, Clone)]
pub struct SignedLink {
    /// What it says.
    pub link: AttachmentLink,
    /// Its signature.
    pub signature: String,
}

/// One attachment of a visit.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Which, from 0.
    pub index: u8,
    /// As far as it has come; absent when not a byte of it has.
    pub original: Option<Upload>,
    /// Opens it, once it may be shown.
    pub link: Option<SignedLink>,
    /// Opens the preview, once that may be shown.
    pub preview_link: Option<SignedLink>,
}

impl App {
    /// The attachments of a visit that the caller may read: those that were announced and those that came, by index. Looks
    /// at rows alone: no attachment is opened or checked here.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for another patient's visit), [`AppError::Secrets`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, async_visit_id = %id))]
    pub async fn list_attachments(&self, caller: &Caller, id: AsyncVisitId) -> Result<Vec<Attachment>, AppError> {
        let visit = self.read_async_visit(caller, id).await?;
        let visit = visit.parts();
        let uploads = self.store.uploads_of(&caller.tenant_id, &visit.patient_id, &visit.client_mutation_id).await?;
        let expires_at = whole_seconds(self.clock.now() + LINK_OPENS_FOR);
        let came = uploads.iter().map(|upload| upload.parts().slot.index + 1).max().unwrap_or(0);
        let mut attachments = Vec::new();
        for index in 0..visit.attachments_expected.max(came) {
            let of = |kind| {
                let found = uploads.iter().find(|upload| {
                    let slot = &upload.parts().slot;
                    slot.index == index && slot.kind == kind
                });
                found.cloned()
            };
            let (original, preview) = (of(UploadKind::Original), of(UploadKind::Preview));
            if original.is_none() && preview.is_none() && index >= visit.attachments_expected {
                continue;
            }
            let link = self.link_to(original.as_ref(), expires_at).await?;
            let preview_link = self.link_to(preview.as_ref(), expires_at).await?;
            attachments.push(Attachment { index, original, link, preview_link });
        }
        Ok(attachments)
    }

    async fn link_to(
        &self,
        upload: Option<&Upload>,
        expires_at: OffsetDateTime,
    ) -> Result<Option<SignedLink>, AppError> {
        let ready = upload.filter(|upload| matches!(upload.parts().state, UploadState::Ready(_)));
        let Some(upload) = ready else { return Ok(None) };
        let parts = upload.parts();
        let link = AttachmentLink { tenant_id: parts.tenant_id.clone(), upload: parts.id, expires_at };
        let signature = self.attachments.links.sign(&link).await?;
        Ok(Some(SignedLink { link, signature }))
    }
}

/// What a link says of its time has no fractions.
fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::nanoseconds(i64::from(at.nanosecond()))
}
