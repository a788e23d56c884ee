//! `DELETE /async-visits/uploads/{uploadId}`.

use actix_web::{HttpResponse, web};

use super::tus::SpeaksTus;
use crate::extract::{SignedInCaller, UploadPath};
use crate::problem::Problem;
use crate::server::Api;

/// Take an upload back.
///
/// Its bytes are erased within minutes. What is whole and belongs to a visit that was submitted stays: it is part of what
/// was said there.
#[utoipa::path(
    delete, path = "/api/v1/virtual-care/async-visits/uploads/{uploadId}", tag = "Uploads", operation_id = "deleteUpload",
    params(
        ("uploadId" = crate::values::UploadId, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "The version of tus", pattern = r"^1\.0\.0$"),
    ),
    responses(
        (status = 204, description = "It is no more"),
    ),
    security(("accessToken" = [])),
)]
pub async fn discard(
    api: web::Data<Api>,
    caller: SignedInCaller,
    _tus: SpeaksTus,
    path: UploadPath,
) -> Result<HttpResponse, Problem> {
    api.app.discard_upload(&caller.0, path.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
