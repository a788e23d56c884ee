//! `GET` and `HEAD /async-visits/attachments/{uploadId}`: what a signed link opens.

use actix_web::body::SizedStream;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ContentEncoding, ETAG,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use futures_util::stream;
use time::OffsetDateTime;
use vcare_app::ports::AttachmentLink;
use vcare_app::uploads::OpenedAttachment;
use vcare_app::{AppError, Resource, TraceContext};
use vcare_domain::{Content, TenantId, UploadId};

use super::range::Part;
use crate::dto::Bytes;
use crate::extract::{IfNoneMatch, Query, UploadPath};
use crate::problem::Problem;
use crate::server::Api;
use crate::transfers::TransferPermit;

/// Kept by nobody on the way, and packed by nobody.
const PRIVATE: &str = "private, no-store, no-transform";

/// The longest signature that is looked at. Ours seal an account of up to 128 bytes.
const LONGEST_SIGNATURE: usize = 230;

/// Open an attachment.
///
/// By the link in a visit's attachments, which needs no sign-in and opens for five minutes. It holds, sealed, who it was made
/// for, and opening it is audited in their name. Whatever is wrong with a link, there is nothing. A player that seeks, or a
/// download that was cut, asks for a part with `Range`.
#[utoipa::path(
    get, path = "/api/v1/virtual-care/async-visits/attachments/{uploadId}", tag = "Uploads", operation_id = "downloadAttachment",
    params(
        ("uploadId" = crate::values::UploadId, Path, description = "The upload"),
        ("tenant" = String, Query, description = "Whose"),
        ("expires" = i64, Query, description = "Until when, in seconds since 1970"),
        ("signature" = String, Query, description = "Seals all of it, and who the link was made for"),
        ("Range" = Option<String>, Header, description = "One range of bytes: `bytes=0-65535`, `bytes=65536-` or `bytes=-1024`. Several ranges, and what is none, are answered with the whole"),
        ("If-None-Match" = Option<String>, Header),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of before: with another one the whole is answered"),
    ),
    responses(
        (status = 200, description = "The picture, voice note or document, as it was rewritten", body = inline(Bytes), content_type = "application/octet-stream", headers(("Content-Disposition" = String), ("Content-Security-Policy" = String), ("Accept-Ranges" = String), ("ETag" = String))),
        (status = 206, description = "The part that `Range` names", body = inline(Bytes), content_type = "application/octet-stream", headers(("Content-Range" = String), ("Content-Disposition" = String), ("Content-Security-Policy" = String), ("Accept-Ranges" = String), ("ETag" = String))),
    ),
)]
pub async fn open(
    api: web::Data<Api>,
    req: HttpRequest,
    path: UploadPath,
    known: IfNoneMatch,
    query: Query,
) -> Result<HttpResponse, Problem> {
    answer(&api, &req, path.0, &known, query).await
}

/// Ask how long an attachment is, and what it is, without opening it.
///
/// The headers are those of GET, by the same signed address.
#[utoipa::path(
    head, path = "/api/v1/virtual-care/async-visits/attachments/{uploadId}", tag = "Uploads", operation_id = "describeAttachment",
    params(
        ("uploadId" = crate::values::UploadId, Path, description = "The upload"),
        ("tenant" = String, Query, description = "Whose"),
        ("expires" = i64, Query, description = "Until when, in seconds since 1970"),
        ("signature" = String, Query, description = "Seals all of it, and who the link was made for"),
        ("If-None-Match" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "What GET would answer, without the bytes", headers(("Content-Disposition" = String), ("Content-Security-Policy" = String), ("Accept-Ranges" = String), ("ETag" = String))),
    ),
)]
pub async fn describe(
    api: web::Data<Api>,
    req: HttpRequest,
    path: UploadPath,
    known: IfNoneMatch,
    query: Query,
) -> Result<HttpResponse, Problem> {
    answer(&api, &req, path.0, &known, query).await
}

async fn answer(
    api: &Api,
    req: &HttpRequest,
    id: UploadId,
    known: &IfNoneMatch,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let trace = req.extensions().get::<TraceContext>().cloned().ok_or_else(Problem::internal)?;
    let (link, signature) = link(id, query)?;
    let found = api.app.find_attachment(link, &signature).await?;
    let (tenant, viewer, content) = (&found.link.tenant_id, &found.viewer, found.content.clone());
    let permit = api.downloads.begin(tenant, viewer, None)?;
    // The bytes never change: the upload's id says which they are.
    let etag = format!("\"{id}\"");
    if known.has(&etag) {
        // Nothing is read; that somebody asked is audited all the same.
        api.app.open_attachment(found, 0..0, trace).await?;
        let mut response = HttpResponse::NotModified();
        return Ok(response.insert_header((ETAG, etag)).insert_header((CACHE_CONTROL, PRIVATE)).finish());
    }
    let part =
        Part::asked(req.headers(), &etag, content.size).map_err(|()| Problem::range_not_satisfiable(content.size))?;
    let bytes = part.bytes(content.size);
    let mut response =
        HttpResponse::build(if part == Part::Whole { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT });
    describe_content(&mut response, id, &content, etag);
    if part != Part::Whole {
        let last = bytes.end.saturating_sub(1);
        response.insert_header((CONTENT_RANGE, format!("bytes {}-{last}/{}", bytes.start, content.size)));
    }
    let length = u64::from(bytes.end - bytes.start);
    // Of a HEAD nothing is read; and that somebody asked is audited all the same.
    let read = if req.method() == Method::HEAD { bytes.start..bytes.start } else { bytes };
    let opened = api.app.open_attachment(found, read, trace).await?;
    Ok(response.body(SizedStream::new(length, pieces(opened, permit))))
}

/// The link that an address is, and its signature.
fn link(upload: UploadId, mut query: Query) -> Result<(AttachmentLink, String), Problem> {
    let nothing = || Problem::from(AppError::NotFound(Resource::Attachment));
    let (tenant, expires, signature) = (query.take("tenant"), query.take("expires"), query.take("signature"));
    let tenant_id = tenant.and_then(|tenant| TenantId::parse(tenant).ok()).ok_or_else(nothing)?;
    let seconds = expires.and_then(|expires| expires.parse().ok()).ok_or_else(nothing)?;
    let expires_at = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| nothing())?;
    let signature = signature.filter(|signature| signature.len() <= LONGEST_SIGNATURE).ok_or_else(nothing)?;
    Ok((AttachmentLink { tenant_id, upload, expires_at }, signature))
}

fn describe_content(response: &mut HttpResponseBuilder, id: UploadId, content: &Content, etag: String) {
    let media_type = content.media_type;
    response
        .insert_header((CONTENT_TYPE, media_type.as_str()))
        // Never a page of ours, whatever a browser thinks of it. A name that tells of nobody.
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.{}\"", media_type.extension())))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((CACHE_CONTROL, PRIVATE))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((ETAG, etag))
        // Packed, the bytes would be others than those that a range names.
        .insert_header(ContentEncoding::Identity);
}

/// Pieces of an attachment, read as they are sent. The permit is given back after the last of them, or when the client stops reading.
fn pieces(
    opened: OpenedAttachment,
    permit: TransferPermit,
) -> impl futures_util::Stream<Item = Result<web::Bytes, std::io::Error>> {
    stream::try_unfold((opened, permit), |(mut opened, permit)| async move {
        match opened.next().await {
            Ok(piece) => Ok(piece.map(|piece| (piece, (opened, permit)))),
            Err(error) => {
                // The status is out already: the connection is closed, and the client sees that bytes are missing.
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "an attachment was cut off: the storage does not answer"
                );
                Err(std::io::Error::other("the storage does not answer"))
            }
        }
    })
}
