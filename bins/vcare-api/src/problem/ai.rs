//! What a clinician is told when a machine does not help.

use actix_web::http::StatusCode;
use vcare_app::ai::AiTask;
use vcare_app::ports::AudioFault;
use vcare_domain::DraftRefusal;

use super::Problem;

impl From<AudioFault> for Problem {
    fn from(fault: AudioFault) -> Self {
        audio(fault)
    }
}

pub(super) fn audio(fault: AudioFault) -> Problem {
    match fault {
        AudioFault::Empty => Problem::field("audio", "is empty"),
        AudioFault::CutShort => Problem::field("audio", "could not be read to its end"),
        AudioFault::Malformed { field, message } => Problem::field(field, message),
        AudioFault::OtherKind(_) => {
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE").detail(fault)
        }
        AudioFault::TooLong { .. } => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE").detail(fault),
        AudioFault::Stalled => Problem::new(StatusCode::REQUEST_TIMEOUT, "UPLOAD_STALLED").detail(fault),
        AudioFault::NotTaken => unavailable(AiTask::Transcription),
    }
}

pub(super) fn unavailable(task: AiTask) -> Problem {
    let words = match task {
        AiTask::Transcription => {
            "Transcription is not available right now. The visit goes on; please take notes by hand."
        }
        AiTask::Summary => {
            "A summary cannot be drafted right now. Nothing is lost: try again later, or write the note by hand."
        }
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "AI_UNAVAILABLE").detail(words).retry_after(10)
}

pub(super) fn refused(task: AiTask) -> Problem {
    let words = match task {
        AiTask::Transcription => {
            "This piece of audio was not transcribed. The visit goes on; please take notes by hand."
        }
        AiTask::Summary => "No summary was drafted for this visit. Please write the note by hand.",
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "AI_REFUSED").detail(words)
}

pub(super) fn draft(refusal: DraftRefusal) -> Problem {
    match refusal {
        DraftRefusal::AlreadyDecided { status } => {
            let mut problem = Problem::new(StatusCode::CONFLICT, "DRAFT_ALREADY_DECIDED").detail(refusal);
            problem.0.current_status = Some(status.as_str());
            problem
        }
        DraftRefusal::Expired => Problem::new(StatusCode::CONFLICT, "DRAFT_EXPIRED").detail(refusal),
        DraftRefusal::NotAccepted => Problem::new(StatusCode::CONFLICT, "DRAFT_NOT_ACCEPTED").detail(refusal),
        // Turned into something else before it comes here; as good as unknown.
        DraftRefusal::OfAnotherSession => not_found(),
    }
}

pub(super) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "DRAFT_NOT_FOUND").detail("there is no such draft in this session")
}
