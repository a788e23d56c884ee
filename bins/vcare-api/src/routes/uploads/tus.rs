//! The protocol's frame: its version on every request and answer, and what it can do.

use std::future::{Ready, ready};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use vcare_domain::MAX_UPLOAD_BYTES;

use crate::problem::Problem;

const VERSION: &str = "1.0.0";
const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");

/// What a page of another origin may read of an answer.
pub const EXPOSED: [HeaderName; 8] = [
    super::UPLOAD_OFFSET,
    super::UPLOAD_LENGTH,
    super::UPLOAD_EXPIRES,
    TUS_RESUMABLE,
    TUS_VERSION,
    TUS_EXTENSION,
    TUS_MAX_SIZE,
    TUS_CHECKSUM_ALGORITHM,
];

/// A request of a client that speaks our version.
#[derive(Debug, Clone, Copy)]
pub struct SpeaksTus;

impl FromRequest for SpeaksTus {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let good = req.headers().get(&TUS_RESUMABLE).is_some_and(|version| version == VERSION);
        ready(if good { Ok(Self) } else { Err(Problem::wrong_tus_version()) })
    }
}

/// Says on every answer which version is spoken, and answers what the server can do, which anybody may ask.
///
/// # Errors
/// None of its own.
pub async fn protocol<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let mut answered = if req.method() == Method::OPTIONS {
        req.into_response(abilities()).map_into_right_body()
    } else {
        next.call(req).await?.map_into_left_body()
    };
    let refused = answered.status() == StatusCode::PRECONDITION_FAILED;
    let headers = answered.headers_mut();
    headers.insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    if refused {
        headers.insert(TUS_VERSION, HeaderValue::from_static(VERSION));
    }
    Ok(answered)
}

fn abilities() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((TUS_VERSION, VERSION))
        .insert_header((TUS_EXTENSION, "creation,creation-with-upload,termination,expiration,checksum"))
        .insert_header((TUS_MAX_SIZE, MAX_UPLOAD_BYTES))
        .insert_header((TUS_CHECKSUM_ALGORITHM, "sha1,sha256"))
        .finish()
}

/// What the server can do.
///
/// Version, extensions, checksums and the most bytes of an upload. Anybody may ask, without a token.
#[utoipa::path(
    options, path = "/api/v1/virtual-care/async-visits/uploads", tag = "Uploads", operation_id = "getTusCapabilities",
    responses((status = 204, description = "What the server can do", headers(
        ("Tus-Version" = String), ("Tus-Extension" = String), ("Tus-Max-Size" = u32), ("Tus-Checksum-Algorithm" = String), ("Allow" = String),
    ))),
)]
pub fn describe() {}

/// What the server can do, asked of one upload.
///
/// The same as of all uploads; whether there is such an upload is not said.
#[utoipa::path(
    options, path = "/api/v1/virtual-care/async-visits/uploads/{uploadId}", tag = "Uploads", operation_id = "getUploadTusCapabilities",
    params(("uploadId" = crate::values::UploadId, Path, description = "Any")),
    responses((status = 204, description = "The same for every upload, there or not", headers(
        ("Tus-Version" = String), ("Tus-Extension" = String), ("Tus-Max-Size" = u32), ("Tus-Checksum-Algorithm" = String), ("Allow" = String),
    ))),
)]
pub fn describe_one() {}
