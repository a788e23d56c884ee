//! `POST /async-visits/uploads`.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};

use super::receive::{Checksum, brings_bytes, receive};
use super::tus::SpeaksTus;
use super::{after_append, metadata, standing, tell};
use crate::answer::{BASE, relative};
use crate::dto::Bytes;
use crate::extract::{SignedInCaller, WishKey, only};
use crate::problem::{Fault, FieldCode, Problem};
use crate::server::Api;

/// Begin an upload, or find the one that was begun.
///
/// tus 1.0, with or without the first bytes. The same attachment of the same draft is the same upload: an app that was
/// opened anew asks again and finds it. The visit need not be submitted yet.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/async-visits/uploads", tag = "Uploads", operation_id = "createUpload",
    params(
        ("Tus-Resumable" = String, Header, description = "The version of tus", pattern = r"^1\.0\.0$"),
        ("Upload-Length" = u32, Header, description = "How many bytes it will have: at most 10485760, a preview 16384", minimum = 1),
        ("Upload-Metadata" = String, Header, description = "`clientMutationId`, `index` (0 to 9), `patientId`, and perhaps `kind` (`original` or `preview`), each with its value in base64, with commas between them. Whatever else is there, `filename` and `filetype` among it, is passed over"),
        ("Upload-Checksum" = Option<String>, Header, description = "Of the bytes that are sent along"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; the same attachment is the same upload by itself", max_length = 128),
    ),
    request_body(content((inline(Bytes) = "application/offset+octet-stream")), description = "The first bytes"),
    responses(
        (status = 200, description = "Begun before. `Upload-Offset` says how far it is; bytes that were sent along were not taken", headers(("Location" = String), ("Upload-Offset" = u32), ("Upload-Expires" = String))),
        (status = 201, description = "Begun", headers(("Location" = String), ("Upload-Offset" = u32), ("Upload-Expires" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn create(
    api: web::Data<Api>,
    caller: SignedInCaller,
    _tus: SpeaksTus,
    _key: WishKey,
    req: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let headers = req.headers();
    if headers.contains_key("upload-defer-length") {
        return Err(Problem::header("Upload-Defer-Length", "not supported; send `Upload-Length`"));
    }
    // Parts that are put together later: each would be an upload of its own, and half a photo would be shown.
    if headers.contains_key("upload-concat") {
        return Err(Problem::header(
            "Upload-Concat",
            "is not taken: send the whole file as one upload, not in parallel parts",
        ));
    }
    let length = only(headers, "Upload-Length")?.ok_or_else(|| Problem::missing_header("Upload-Length"))?;
    let wish = metadata::wish(only(headers, "Upload-Metadata")?, number("Upload-Length", length)?)?;
    if wish.length == 0 {
        return Err(Problem::header("Upload-Length", Fault(FieldCode::Range, "must be at least 1")));
    }
    let checksum = Checksum::of(&req)?;
    let (upload, new) = api.app.create_upload(&caller.0, &wish).await?;
    let mut at = standing(&upload);
    if new && brings_bytes(&req) {
        let (appended, missing) = receive(&api, &caller.0, upload.parts().id, 0, &req, body, checksum).await?;
        at = after_append(appended, missing);
    }
    let mut response = HttpResponse::build(if new { StatusCode::CREATED } else { StatusCode::OK });
    let location = format!("{BASE}/async-visits/uploads/{}", upload.parts().id);
    response.insert_header((LOCATION, relative(req.path(), &location)));
    tell(&mut response, at);
    Ok(response.finish())
}

/// A count of bytes. One that is too large to be told from others is as good as the largest there is.
pub(super) fn number(header: &'static str, text: &str) -> Result<u32, Problem> {
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text.parse().unwrap_or(u32::MAX)) } else { Err(Problem::header(header, "expected a whole number")) }
}
