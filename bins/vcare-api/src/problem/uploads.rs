//! What is told of uploads and attachments.

use actix_web::http::StatusCode;
use vcare_app::{AppError, Resource};
use vcare_domain::UploadRefusal;

use super::{Problem, logged};

/// An error of uploads and attachments, as a caller is told it.
pub(super) fn told(error: &AppError) -> Problem {
    let (status, code) = match error {
        AppError::Upload(refusal) => return refused(*refusal),
        AppError::NotFound(Resource::Attachment) => (StatusCode::NOT_FOUND, "ATTACHMENT_NOT_FOUND"),
        AppError::NotFound(_) => (StatusCode::NOT_FOUND, "UPLOAD_NOT_FOUND"),
        AppError::LinkExpired => (StatusCode::GONE, "LINK_EXPIRED"),
        AppError::TooManyUploads => (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_UPLOADS"),
        _ => {
            logged(error);
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE").retry_after(5);
        }
    };
    let problem = match error {
        AppError::NotFound(Resource::Attachment) => Problem::new(status, code).detail("there is no such attachment"),
        AppError::NotFound(_) => Problem::new(status, code).detail("there is no such upload"),
        other => Problem::new(status, code).detail(other),
    };
    if status == StatusCode::TOO_MANY_REQUESTS { problem.retry_after(3600) } else { problem }
}

fn refused(refusal: UploadRefusal) -> Problem {
    let (status, code, offset) = match refusal {
        UploadRefusal::TooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", None),
        UploadRefusal::WrongOffset { offset } | UploadRefusal::Superseded { offset } => {
            (StatusCode::CONFLICT, "UPLOAD_OFFSET_CONFLICT", Some(offset))
        }
        UploadRefusal::Expired => (StatusCode::GONE, "UPLOAD_EXPIRED", None),
        UploadRefusal::Differs => (StatusCode::CONFLICT, "UPLOAD_DIFFERS", None),
        UploadRefusal::InVisit => (StatusCode::CONFLICT, "UPLOAD_IN_VISIT", None),
    };
    let mut problem = Problem::new(status, code).detail(refusal);
    problem.0.current_offset = offset;
    problem
}
