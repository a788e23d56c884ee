//! What a clinician is told when a machine does not help.

use vcare_app::ai::AiTask;
use vcare_app::ports::AudioFault;
use vcare_domain::DraftRefusal;

use super::{Code, Fault, FieldCode, Problem};

impl From<AudioFault> for Problem {
    fn from(fault: AudioFault) -> Self {
        audio(fault)
    }
}

pub(super) fn audio(fault: AudioFault) -> Problem {
    match fault {
        AudioFault::Empty => Problem::field("audio", Fault(FieldCode::Required, "must not be empty")),
        AudioFault::CutShort => Problem::field("audio", "was cut off before its end"),
        AudioFault::Malformed { field, message } => Problem::field(field, message),
        AudioFault::OtherKind(_) => Problem::new(Code::UnsupportedMediaType).detail(fault),
        AudioFault::TooLong { .. } => Problem::new(Code::PayloadTooLarge).detail(fault),
        AudioFault::Stalled => Problem::new(Code::UploadStalled).detail(fault),
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
    Problem::new(Code::AiUnavailable).detail(words).retry_after(10)
}

pub(super) fn refused(task: AiTask) -> Problem {
    let words = match task {
        AiTask::Transcription => {
            "This piece of audio was not transcribed. The visit goes on; please take notes by hand."
        }
        AiTask::Summary => "No summary was drafted for this visit. Please write the note by hand.",
    };
    Problem::new(Code::AiRefused).detail(words)
}

pub(super) fn draft(refusal: DraftRefusal) -> Problem {
    match refusal {
        DraftRefusal::AlreadyDecided { status } => {
            let mut problem = Problem::new(Code::DraftAlreadyDecided).detail(refusal);
            problem.0.current_status = Some(status.as_str());
            problem
        }
        DraftRefusal::Expired => Problem::new(Code::DraftExpired).detail(refusal),
        // The first is turned into something else before it comes here. The other is for durable work, which is answered by
        // nobody. Both are as good as unknown.
        DraftRefusal::OfAnotherSession | DraftRefusal::NotAccepted => not_found(),
    }
}

pub(super) fn not_found() -> Problem {
    Problem::new(Code::DraftNotFound).detail("there is no such draft in this session")
}
