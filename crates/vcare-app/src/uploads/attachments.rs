//! What a clinician, and the patient, see of a visit's attachments.

use time::{Duration, OffsetDateTime};
use vcare_domain::{AsyncVisitId, AsyncVisitParts, Audience, Upload, UploadKind, UploadPlace, UploadState, UserId};

use crate::access::Audited;
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::ports::AttachmentLink;

/// So long a link to an attachment opens.
pub const LINK_OPENS_FOR: Duration = Duration::minutes(5);

/// A link, and the seal that opens it.
#[derive(Debug, Clone)]
pub struct SignedLink {
    /// What it says.
    pub link: AttachmentLink,
    /// Its seal: says who it was made for.
    pub seal: String,
}

/// One attachment of a visit.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Which, from 0.
    pub index: u8,
    /// Whether it belongs to the submission or to the answer.
    pub place: UploadPlace,
    /// Who uploaded it; `None` when not a byte of it has come.
    pub uploaded_by: Option<UserId>,
    /// As far as it has come; absent when not a byte of it has.
    pub original: Option<Upload>,
    /// Opens it, once it may be shown.
    pub link: Option<SignedLink>,
    /// Opens the preview, once that may be shown.
    pub preview_link: Option<SignedLink>,
}

/// A visit's attachments, and who they are shown to.
#[derive(Debug, Clone)]
pub struct SeenAttachments {
    /// Those that were sent in, then those of the answer, each by index.
    pub items: Vec<Attachment>,
    /// Who they are shown to.
    pub audience: Audience,
}

impl App {
    /// The attachments of a visit that the caller may read: those that were announced and those that came, by index. Looks
    /// at rows alone: no attachment is opened or checked here.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for another patient's visit), [`AppError::Secrets`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, async_visit_id = %id))]
    pub async fn list_attachments(&self, caller: &Caller, id: AsyncVisitId) -> Result<SeenAttachments, AppError> {
        const NEEDED: Permission = Permission::AsyncVisitRead;
        let about = Audited { kind: "AttachmentList", id: id.to_string() };
        let work = async {
            let (visit, access) = self.async_visit_for(caller, id, NEEDED).await?;
            let audience = caller.audience(&visit, &access);
            // In the queue, attachments are shown only after a claim.
            if audience == Audience::Scheduler {
                return Err(AppError::Denied { permission: NEEDED });
            }
            let visit = visit.parts();
            let (tenant, patient, draft) = (&caller.tenant_id, &visit.patient_id, &visit.client_mutation_id);
            let uploads = self.store.uploads_of(tenant, patient, draft).await?;
            let mut items = Vec::new();
            for place in [UploadPlace::Submission, UploadPlace::Answer] {
                let own = uploads.iter().filter(|upload| upload.place_in(visit) == Some(place)).collect();
                items.extend(self.attachments_in(visit, caller, place, own).await?);
            }
            let linked = items.iter().flat_map(|one| [one.link.as_ref(), one.preview_link.as_ref()]).flatten();
            let ids = linked.map(|signed| signed.link.upload.to_string()).collect();
            self.audit_read(caller, &about, Some(access.relation), ids).await?;
            Ok(SeenAttachments { items, audience })
        };
        self.guarded(caller, NEEDED, about.clone(), work).await
    }

    /// What of one place in a visit was announced or has come, by index. Of two who filled one slot, the submitter counts.
    async fn attachments_in(
        &self,
        visit: &AsyncVisitParts,
        caller: &Caller,
        place: UploadPlace,
        mut uploads: Vec<&Upload>,
    ) -> Result<Vec<Attachment>, AppError> {
        uploads.sort_by_key(|upload| upload.parts().owner_id != visit.submitted_by);
        let expires_at = whole_seconds(self.clock.now() + LINK_OPENS_FOR);
        let came = uploads.iter().map(|upload| upload.parts().slot.index + 1).max().unwrap_or(0);
        let announced = if place == UploadPlace::Submission { visit.attachments_expected } else { 0 };
        let mut attachments = Vec::new();
        for index in 0..announced.max(came) {
            let of = |kind| {
                let found = uploads.iter().find(|upload| {
                    let slot = &upload.parts().slot;
                    slot.index == index && slot.kind == kind
                });
                found.map(|upload| (*upload).clone())
            };
            let (original, preview) = (of(UploadKind::Original), of(UploadKind::Preview));
            if original.is_none() && preview.is_none() && index >= announced {
                continue;
            }
            let uploaded_by = original.as_ref().or(preview.as_ref()).map(|upload| upload.parts().owner_id.clone());
            let link = self.link_to(original.as_ref(), caller, expires_at).await?;
            let preview_link = self.link_to(preview.as_ref(), caller, expires_at).await?;
            attachments.push(Attachment { index, place, uploaded_by, original, link, preview_link });
        }
        Ok(attachments)
    }

    async fn link_to(
        &self,
        upload: Option<&Upload>,
        caller: &Caller,
        expires_at: OffsetDateTime,
    ) -> Result<Option<SignedLink>, AppError> {
        let ready = upload.filter(|upload| matches!(upload.parts().state, UploadState::Ready(_)));
        let Some(upload) = ready else { return Ok(None) };
        let parts = upload.parts();
        let link = AttachmentLink { tenant_id: parts.tenant_id.clone(), upload: parts.id, expires_at };
        let seal = self.attachments.links.seal(&link, &caller.user_id).await?;
        Ok(Some(SignedLink { link, seal }))
    }
}

/// What a link says of its time has no fractions.
fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::nanoseconds(i64::from(at.nanosecond()))
}
