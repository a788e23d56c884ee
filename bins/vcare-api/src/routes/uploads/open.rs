//! `GET /async-visits/attachments/{uploadId}`: what a signed link opens.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use time::OffsetDateTime;
use vcare_app::ports::AttachmentLink;
use vcare_app::{AppError, Resource, TraceContext};
use vcare_domain::TenantId;

use crate::extract::{Query, UploadPath};
use crate::problem::Problem;
use crate::server::Api;

/// The longest signature that is looked at. Ours seal an account of up to 128 bytes.
const LONGEST_SIGNATURE: usize = 230;

/// Open an attachment.
///
/// By the link in a visit's attachments, which needs no sign-in and opens for five minutes. It holds, sealed, who it was made
/// for, and opening it is audited in their name. Whatever is wrong with a link, there is nothing.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/async-visits/attachments/{uploadId}", tag = "Uploads", operation_id = "openAttachment",
    params(
        ("uploadId" = String, Path, description = "The upload"),
        ("tenant" = String, Query, description = "Whose"),
        ("expires" = i64, Query, description = "Until when, in seconds since 1970"),
        ("signature" = String, Query, description = "Seals all of it, and who the link was made for"),
    ),
    responses(
        (status = 200, description = "The picture or voice note, written anew", body = Vec<u8>, content_type = "application/octet-stream", headers(("Content-Disposition" = String), ("Content-Security-Policy" = String))),
    ),
)]
pub async fn open(
    api: web::Data<Api>,
    req: HttpRequest,
    path: UploadPath,
    mut query: Query,
) -> Result<HttpResponse, Problem> {
    let trace = req.extensions().get::<TraceContext>().cloned().ok_or_else(Problem::internal)?;
    let nothing = || Problem::from(AppError::NotFound(Resource::Attachment));
    let (tenant, expires, signature) = (query.take("tenant"), query.take("expires"), query.take("signature"));
    let tenant_id = tenant.and_then(|tenant| TenantId::parse(tenant).ok()).ok_or_else(nothing)?;
    let seconds = expires.and_then(|expires| expires.parse().ok()).ok_or_else(nothing)?;
    let expires_at = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| nothing())?;
    let signature = signature.filter(|signature| signature.len() <= LONGEST_SIGNATURE).ok_or_else(nothing)?;
    let link = AttachmentLink { tenant_id, upload: path.0, expires_at };
    let (media_type, bytes) = api.app.open_attachment(&link, &signature, trace).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type.as_str()))
        // Never a page of ours, whatever a browser thinks of it. A name that tells of nobody.
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}.{}\"", path.0, media_type.extension())))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(bytes))
}
