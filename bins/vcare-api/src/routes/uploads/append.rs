//! `PATCH /async-visits/uploads/{uploadId}`, and what old proxies make of it.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::create::number;
use super::receive::{Checksum, must_bring_bytes, receive};
use super::tus::SpeaksTus;
use super::{after_append, discard, tell};
use crate::dto::Bytes;
use crate::extract::{SignedInCaller, UploadPath, only};
use crate::problem::Problem;
use crate::server::Api;

/// Bring bytes.
///
/// They count from `Upload-Offset` on, which must be where the upload is. What arrives before the line is cut is kept; ask
/// with HEAD how much that was. Whoever comes last goes on: a request that brought bytes before is answered 409.
#[utoipa::path(
    patch, path = "/api/v1/virtual-care/async-visits/uploads/{uploadId}", tag = "Uploads", operation_id = "appendToUpload",
    params(
        ("uploadId" = crate::values::UploadId, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "The version of tus", pattern = r"^1\.0\.0$"),
        ("Upload-Offset" = u32, Header, description = "Where the bytes belong"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, a blank, and the checksum of this body in base64. Then the body is taken as a whole or not at all, and has at most 1048576 bytes"),
    ),
    request_body(content((inline(Bytes) = "application/offset+octet-stream")), description = "The bytes"),
    responses(
        (status = 204, description = "All of them are there for good", headers(("Upload-Offset" = u32), ("Upload-Expires" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn append(
    api: web::Data<Api>,
    caller: SignedInCaller,
    _tus: SpeaksTus,
    path: UploadPath,
    req: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    must_bring_bytes(&req)?;
    let offset = only(req.headers(), "Upload-Offset")?.ok_or_else(|| Problem::missing_header("Upload-Offset"))?;
    let (offset, checksum) = (number("Upload-Offset", offset)?, Checksum::of(&req)?);
    let (appended, missing) = receive(&api, &caller.0, path.0, offset, &req, body, checksum).await?;
    let mut response = HttpResponse::NoContent();
    tell(&mut response, after_append(appended, missing));
    Ok(response.finish())
}

/// PATCH or DELETE an upload, where a proxy lets neither through.
///
/// `X-HTTP-Method-Override` says which is meant.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/async-visits/uploads/{uploadId}", tag = "Uploads", operation_id = "overrideUploadMethod",
    params(
        ("uploadId" = crate::values::UploadId, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "The version of tus", pattern = r"^1\.0\.0$"),
        ("X-HTTP-Method-Override" = String, Header, description = "`PATCH` or `DELETE`"),
        ("Upload-Offset" = Option<u32>, Header, description = "As for PATCH"),
        ("Upload-Checksum" = Option<String>, Header, description = "As for PATCH"),
    ),
    request_body(content((inline(Bytes) = "application/offset+octet-stream")), description = "As for PATCH"),
    responses(
        (status = 204, description = "As the method that is meant", headers(("Upload-Offset" = u32), ("Upload-Expires" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn instead(
    api: web::Data<Api>,
    caller: SignedInCaller,
    tus: SpeaksTus,
    path: UploadPath,
    req: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let meant = only(req.headers(), "X-HTTP-Method-Override")?.and_then(|name| name.parse::<Method>().ok());
    match meant {
        Some(Method::PATCH) => append(api, caller, tus, path, req, body).await,
        Some(Method::DELETE) => discard::discard(api, caller, tus, path).await,
        _ => Err(Problem::header("X-HTTP-Method-Override", "expected PATCH or DELETE")),
    }
}
