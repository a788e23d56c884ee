//! What is told of uploads and attachments.

use vcare_app::{AppError, Resource};
use vcare_domain::UploadRefusal;

use super::{Code, Problem, Quota, logged};

/// An error of uploads and attachments, as a caller is told it.
pub(super) fn problem_of(error: &AppError) -> Problem {
    let code = match error {
        AppError::Upload(refusal) => return refused(*refusal),
        AppError::NotFound(Resource::Attachment) => Code::AttachmentNotFound,
        AppError::NotFound(_) => Code::UploadNotFound,
        AppError::LinkExpired => Code::LinkExpired,
        AppError::TooManyUploads { a_day } => {
            let most = u32::try_from(*a_day).unwrap_or(u32::MAX);
            let quota = Quota { name: "uploads", most, window: 86_400 };
            // The account's first upload of the last 24 hours may have been begun at any time of them.
            return Problem::new(Code::TooManyUploads).detail(error).used_up(quota, None).retry_after(3600);
        }
        _ => {
            logged(error);
            return Problem::new(Code::ServiceUnavailable).retry_after(5);
        }
    };
    match error {
        AppError::NotFound(Resource::Attachment) => Problem::new(code).detail("the attachment was not found"),
        AppError::NotFound(_) => Problem::new(code).detail("the upload was not found"),
        other => Problem::new(code).detail(other),
    }
}

fn refused(refusal: UploadRefusal) -> Problem {
    let (code, offset) = match refusal {
        UploadRefusal::TooLong { .. } => (Code::PayloadTooLarge, None),
        UploadRefusal::WrongOffset { offset } | UploadRefusal::Superseded { offset } => {
            (Code::UploadOffsetConflict, Some(offset))
        }
        UploadRefusal::Expired => (Code::UploadExpired, None),
        UploadRefusal::Lost => (Code::UploadLost, None),
        UploadRefusal::UnknownFormat { .. } => (Code::UnsupportedMediaType, None),
        UploadRefusal::Differs => (Code::UploadDiffers, None),
        UploadRefusal::InVisit => (Code::UploadInVisit, None),
        UploadRefusal::Answered => (Code::InvalidStatusTransition, None),
    };
    let mut problem = Problem::new(code).detail(refusal);
    problem.0.current_offset = offset;
    problem
}
