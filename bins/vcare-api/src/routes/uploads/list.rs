//! `GET /async-visits/{asyncVisitId}/attachments`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::uploads::{Attachment, SignedLink};
use vcare_domain::{Audience, UploadState};

use crate::answer::{BASE, send};
use crate::extract::{AsyncVisitPath, EmergencyHeader, SignedInCaller};
use crate::problem::Problem;
use crate::server::Api;
use crate::values;

/// State of an attachment.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentStatus {
    /// Announced, or on its way.
    Receiving,
    /// All bytes are there and are being checked.
    Checking,
    /// It can be opened.
    Ready,
    /// It is not shown.
    Rejected,
    /// Its bytes did not come in time.
    Expired,
}

/// One attachment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attachment)]
pub struct AttachmentDto {
    /// Which, from 0, in what it is a part of.
    index: u8,
    /// What it is a part of.
    part_of: values::AttachmentPart,
    /// The account that uploaded it; only for those who care for the patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::UserId>)]
    uploaded_by: Option<String>,
    /// Where it is.
    status: AttachmentStatus,
    /// Why it is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<values::RejectReason>,
    /// What it is, by its content; once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<values::AttachmentType>,
    /// How many bytes it has, or will have.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u32>,
    /// How many of them are there; while it is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u32>,
    /// Opens it without signing in, for five minutes; once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Opens its preview likewise, which may be ready long before.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview_url: Option<String>,
    /// Until when the addresses open.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    expires_at: Option<OffsetDateTime>,
}

/// A visit's attachments.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttachmentList)]
pub struct AttachmentListDto {
    /// By index.
    items: Vec<AttachmentDto>,
}

impl AttachmentDto {
    fn of(attachment: &Attachment, audience: Audience, public_base_url: &str, now: OffsetDateTime) -> Self {
        let address = |signed: &SignedLink| {
            let SignedLink { link, seal } = signed;
            format!(
                "{public_base_url}{BASE}/async-visits/attachments/{}?tenant={}&expires={}&signature={seal}",
                link.upload,
                link.tenant_id,
                link.expires_at.unix_timestamp(),
            )
        };
        let links = [attachment.link.as_ref(), attachment.preview_link.as_ref()];
        let mut told = Self {
            index: attachment.index,
            part_of: attachment.place.into(),
            uploaded_by: attachment
                .uploaded_by
                .as_ref()
                .filter(|_| audience != Audience::Patient)
                .map(|user| user.as_str().to_owned()),
            status: AttachmentStatus::Receiving,
            reason: None,
            content_type: None,
            size_bytes: None,
            offset: Some(0),
            url: links[0].map(address),
            preview_url: links[1].map(address),
            expires_at: links.into_iter().flatten().map(|signed| signed.link.expires_at).next(),
        };
        let Some(upload) = &attachment.original else { return told };
        let parts = upload.parts();
        told.size_bytes = Some(parts.length);
        told.offset = None;
        match &parts.state {
            UploadState::Receiving { .. } if upload.has_expired(now) => told.status = AttachmentStatus::Expired,
            UploadState::Receiving { .. } => told.offset = Some(parts.offset),
            UploadState::Checking => told.status = AttachmentStatus::Checking,
            UploadState::Ready(content) => {
                told.status = AttachmentStatus::Ready;
                told.content_type = Some(content.media_type.into());
                told.size_bytes = Some(content.size);
            }
            UploadState::Rejected(reason) => {
                told.status = AttachmentStatus::Rejected;
                told.reason = Some((*reason).into());
            }
            UploadState::Discarded { .. } => told.status = AttachmentStatus::Expired,
        }
        told
    }
}

/// See a visit's attachments.
///
/// What was announced and what came, each as far as it is: what was sent in, then what belongs to the answer. Addresses are
/// good for five minutes and are made for the caller: opening one is audited in their name. Ask again for new ones.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/async-visits/{asyncVisitId}/attachments", tag = "Uploads", operation_id = "listAttachments",
    params(
        ("asyncVisitId" = values::AsyncVisitId, Path, description = "The visit"),
        ("X-Emergency-Reason" = Option<String>, Header, description = "Why a clinician without a part in the visit must see it now", min_length = 10, max_length = 200),
        ("X-Emergency-Reason-Code" = Option<values::EmergencyReasonCode>, Header, description = "The same as a code, beside the reason in words or in its place"),
    ),
    responses(
        (status = 200, description = "By index", body = AttachmentListDto),
    ),
    security(("accessToken" = [])),
)]
pub async fn list(
    api: web::Data<Api>,
    caller: SignedInCaller,
    emergency: EmergencyHeader,
    path: AsyncVisitPath,
) -> Result<HttpResponse, Problem> {
    let seen = api.app.list_attachments(&emergency.of(caller), path.0).await?;
    let public_base_url = api.app.settings.public_base_url.trim_end_matches('/');
    let now = api.app.clock.now();
    let items = seen.items.iter().map(|one| AttachmentDto::of(one, seen.audience, public_base_url, now)).collect();
    send(StatusCode::OK, &AttachmentListDto { items })
}
