//! `/async-visits/uploads`: tus 1.0, so that a photo comes in over days of bad links.

pub mod append;
pub mod create;
pub mod discard;
pub mod list;
mod metadata;
pub mod open;
mod range;
pub mod read;
mod receive;
pub mod tus;

pub use tus::{EXPOSED, protocol};

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{HeaderName, HeaderValue};
use time::OffsetDateTime;
use vcare_app::uploads::Appended;
use vcare_domain::{Upload, UploadState};

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// How far an upload is; without a time of its end once it is whole.
fn standing(upload: &Upload) -> (u32, Option<OffsetDateTime>) {
    let parts = upload.parts();
    let receiving = matches!(parts.state, UploadState::Receiving { .. });
    (parts.offset, receiving.then_some(parts.expires_at))
}

/// Writes how far an upload is into an answer.
fn tell(response: &mut HttpResponseBuilder, (offset, expires_at): (u32, Option<OffsetDateTime>)) {
    response.insert_header((UPLOAD_OFFSET, offset));
    let expires = expires_at.map(|at| httpdate::fmt_http_date(at.into()));
    if let Some(Ok(expires)) = expires.map(HeaderValue::try_from) {
        response.insert_header((UPLOAD_EXPIRES, expires));
    }
}

/// The offset and the expiry that a response gives after bytes were appended.
fn after_append(at: Appended, missing: u32) -> (u32, Option<OffsetDateTime>) {
    (at.offset, (missing > 0).then_some(at.expires_at))
}
