//! `HEAD /async-visits/uploads/{uploadId}`.

use actix_web::{HttpResponse, web};

use super::tus::SpeaksTus;
use super::{UPLOAD_LENGTH, standing, tell};
use crate::extract::{SignedInCaller, UploadPath};
use crate::problem::Problem;
use crate::server::Api;

/// How far an upload is.
///
/// What a tus client asks before it goes on after a cut line: `Upload-Offset` bytes are there for good.
#[utoipa::path(
    head, path = "/api/v1/virtual-care/async-visits/uploads/{uploadId}", tag = "Uploads", operation_id = "getUploadOffset",
    params(
        ("uploadId" = crate::values::UploadId, Path, description = "The upload", example = "upl_01KA8Z0Q3CJ9XW2V5T7N4B6M8R"),
        ("Tus-Resumable" = String, Header, description = "The version of tus", pattern = r"^1\.0\.0$"),
    ),
    responses(
        (status = 200, description = "`Upload-Offset` bytes are there for good; go on from there", headers(("Upload-Offset" = u32), ("Upload-Length" = u32), ("Upload-Expires" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn read(
    api: web::Data<Api>,
    caller: SignedInCaller,
    _tus: SpeaksTus,
    path: UploadPath,
) -> Result<HttpResponse, Problem> {
    let upload = api.app.read_upload(&caller.0, path.0).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((UPLOAD_LENGTH, upload.parts().length));
    tell(&mut response, standing(&upload));
    Ok(response.finish())
}
