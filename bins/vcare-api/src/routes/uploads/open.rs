//! `GET /async-visits/attachments/{uploadId}`: what a signed link opens.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use time::OffsetDateTime;
use vcare_app::AppError;
use vcare_app::Resource;
use vcare_app::ports::AttachmentLink;
use vcare_domain::TenantId;

use crate::extract::{Query, UploadPath};
use crate::problem::Problem;
use crate::server::Api;

/// The longest signature that is looked at; ours have 45 characters and a version.
const LONGEST_SIGNATURE: usize = 100;

/// Open an attachment.
///
/// By the link in a visit's attachments, which needs no sign-in and opens for five minutes. Whatever is wrong with a link,
/// there is nothing.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/async-visits/attachments/{uploadId}", tag = "Uploads", operation_id = "openAttachment",
    params(
        ("uploadId" = String, Path, description = "The upload"),
        ("tenant" = String, Query, description = "Whose"),
        ("expires" = i64, Query, description = "Until when, in seconds since 1970"),
        ("signature" = String, Query, description = "Of all of it"),
    ),
    responses(
        (status = 200, description = "The picture or voice note, written anew", body = Vec<u8>, content_type = "application/octet-stream", headers(("Content-Disposition" = String), ("Content-Security-Policy" = String))),
    ),
)]
pub async fn open(api: web::Data<Api>, path: UploadPath, mut query: Query) -> Result<HttpResponse, Problem> {
    let nothing = || Problem::from(AppError::NotFound(Resource::Attachment));
    let (tenant, expires, signature) = (query.take("tenant"), query.take("expires"), query.take("signature"));
    let tenant_id = tenant.and_then(|tenant| TenantId::parse(tenant).ok()).ok_or_else(nothing)?;
    let seconds = expires.and_then(|expires| expires.parse().ok()).ok_or_else(nothing)?;
    let expires_at = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| nothing())?;
    let signature = signature.filter(|signature| signature.len() <= LONGEST_SIGNATURE).ok_or_else(nothing)?;
    let link = AttachmentLink { tenant_id, upload: path.0, expires_at };
    let (media_type, bytes) = api.app.open_attachment(&link, &signature).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type.as_str()))
        // Never a page of ours, whatever a browser thinks of it. A name that tells of nobody.
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}.{}\"", path.0, media_type.extension())))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .body(bytes))
}
