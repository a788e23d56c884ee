//! One example of every problem, for the API's description. Each is made from the same error as in the running service, so that its texts
//! are the real ones, and a code that nothing produces any more has no example.

use time::macros::datetime;
use uuid::Uuid;
use vcare_app::ai::{AiTask, TooManyAtOnce};
use vcare_app::authorisation::Permission;
use vcare_app::ports::{AccessTokenFault, AudioFault, NeighbourError, NeighbourFault, StoreError};
use vcare_app::{AppError, Gate, GateBlock, JoinTokenFault, Resource};
use vcare_domain::{
    Action, AsyncVisitAction, AsyncVisitRefusal, DraftRefusal, DraftStatus, InvalidConfig, InvalidText, MAX_ADDENDA,
    ParticipantStatus, Refusal, SessionId, SessionStatus, UploadRefusal, Version,
};

use super::{Code, Problem, Quota};

const REQUEST_ID: &str = "019ac2f4-7a51-7c3e-9d0b-5f3a2e8c1b46";

const VISIT: Uuid = Uuid::from_u128(0x019a_c2f4_7a51_7c3e_9d0b_5f3a_2e8c_1b47);

/// A neighbour that does not answer.
const SILENT: NeighbourError =
    NeighbourError { neighbour: "neighbour", fault: NeighbourFault::TimedOut, retry_after: None };

fn problem_of(error: impl Into<AppError>) -> Problem {
    error.into().into()
}

fn missing(resource: Resource) -> Problem {
    problem_of(AppError::NotFound(resource))
}

impl Code {
    /// What is answered with this code, for instance.
    #[must_use]
    pub fn example(self) -> Problem {
        let problem = match self {
            Self::ValidationError => Problem::field("patientId", InvalidText::Empty),
            Self::CursorMismatch => problem_of(AppError::CursorMismatch),
            Self::Unauthorized => Problem::not_signed_in(),
            Self::AccessTokenExpired => AccessTokenFault::Expired.into(),
            Self::TokenExpired => problem_of(JoinTokenFault::Expired),
            Self::TokenInvalid => problem_of(JoinTokenFault::Invalid),
            Self::AccessDenied => problem_of(AppError::Forbidden { permission: Permission::SessionCreate }),
            Self::ModuleNotLicensed => problem_of(GateBlock::NotLicensed),
            Self::ConsentRequired => problem_of(GateBlock::ConsentRequired(Gate::TelehealthConsent)),
            Self::RecordingDisabled => problem_of(GateBlock::RecordingDisabled),
            Self::NotFound => Problem::nothing_here(),
            Self::SessionNotFound => missing(Resource::Session),
            Self::ParticipantNotFound => missing(Resource::Participant),
            Self::AsyncVisitNotFound => missing(Resource::AsyncVisit),
            Self::ConfigNotFound => missing(Resource::Config),
            Self::DraftNotFound => missing(Resource::Draft),
            Self::UploadNotFound => missing(Resource::Upload),
            Self::AttachmentNotFound => missing(Resource::Attachment),
            Self::MethodNotAllowed => Problem::method_not_allowed("GET, POST".to_owned()),
            Self::UploadStalled => problem_of(AudioFault::Stalled),
            Self::AppointmentHasVisit => {
                problem_of(AppError::AppointmentHasVisit { session: SessionId::from_uuid(VISIT) })
            }
            Self::SessionOverlaps => problem_of(AppError::SessionOverlaps),
            Self::InvalidStatusTransition => {
                problem_of(Refusal::InvalidTransition { action: Action::Admit, from: SessionStatus::Ended })
            }
            Self::OptimisticLockConflict => problem_of(Refusal::VersionConflict { current: Version::new(4) }),
            Self::ConcurrentUpdate => problem_of(StoreError::Conflict),
            Self::ParticipantNotInWaitingRoom => {
                problem_of(Refusal::NotWaiting { status: ParticipantStatus::Admitted })
            }
            Self::ProviderNotInSession => problem_of(Refusal::ProviderNotInSession),
            Self::ParticipantRemoved => problem_of(Refusal::ParticipantRemoved),
            Self::PatientAlreadyInvited => problem_of(Refusal::PatientAlreadyInvited),
            Self::ProvidersSignIn => problem_of(Refusal::ProvidersSignIn),
            Self::JoinedOnAnotherDevice => problem_of(AppError::OnAnotherDevice),
            Self::AlreadyClaimed => {
                problem_of(AsyncVisitRefusal::ClaimedByAnother { until: datetime!(2026-03-01 09:30 UTC) })
            }
            Self::NotClaimedByYou => problem_of(AsyncVisitRefusal::NotTheClaimer { action: AsyncVisitAction::Respond }),
            Self::ClientMutationIdTaken => problem_of(AppError::DraftNameTaken),
            Self::DraftAlreadyDecided => problem_of(DraftRefusal::AlreadyDecided { status: DraftStatus::Accepted }),
            Self::DraftExpired => problem_of(DraftRefusal::Expired),
            Self::UploadOffsetConflict => problem_of(UploadRefusal::WrongOffset { offset: 262_144 }),
            Self::UploadDiffers => problem_of(UploadRefusal::Differs),
            Self::SettingTaken => problem_of(InvalidConfig::Taken { field: "roomSlugPrefix" }),
            Self::UploadInVisit => problem_of(UploadRefusal::InVisit),
            Self::LinkExpired => problem_of(AppError::LinkExpired),
            Self::SubjectErased => problem_of(AppError::SubjectErased),
            Self::UploadExpired => problem_of(UploadRefusal::Expired),
            Self::UploadLost => problem_of(UploadRefusal::Lost),
            Self::TusVersionUnsupported => Problem::wrong_tus_version(),
            Self::PayloadTooLarge => Problem::body_too_long(),
            Self::UnsupportedMediaType => Problem::wrong_media_type("application/json"),
            Self::RangeNotSatisfiable => Problem::range_not_satisfiable(200_000),
            Self::IdempotencyKeyReused => problem_of(AppError::IdempotencyKeyReused),
            Self::MaxParticipantsExceeded => problem_of(Refusal::TooManyParticipants { limit: 6 }),
            Self::MaxAddendaExceeded => problem_of(AsyncVisitRefusal::TooManyAddenda { limit: MAX_ADDENDA }),
            Self::AiRefused => problem_of(AppError::AiRefused(AiTask::Summary)),
            Self::PreconditionRequired => Problem::precondition_required(),
            Self::TooManyAtOnce => problem_of(TooManyAtOnce),
            Self::TooManyUploads => problem_of(AppError::TooManyUploads { a_day: 200 }),
            Self::RateLimited => Problem::too_often(Quota { name: "short-codes", most: 10, window: 60 }, 12),
            Self::ChecksumMismatch => Problem::wrong_checksum(),
            Self::InternalError => Problem::internal(),
            Self::ServiceUnavailable => Problem::too_slow(),
            Self::IdentityProviderUnavailable => Problem::nobody_can_sign_in(),
            Self::LicenceServiceUnavailable => problem_of(GateBlock::LicenceUnavailable(SILENT)),
            Self::ConsentServiceUnavailable => {
                problem_of(GateBlock::ConsentUnavailable { gate: Gate::TelehealthConsent, cause: SILENT })
            }
            Self::VideoProviderUnavailable => problem_of(GateBlock::VideoUnavailable(SILENT)),
            Self::ProviderQuotaExceeded => problem_of(GateBlock::VideoQuotaExceeded { retry_after: None }),
            Self::AiUnavailable => problem_of(AppError::AiUnavailable(AiTask::Summary)),
        };
        problem.with_request_id(REQUEST_ID.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_told_by_its_example_and_by_no_other() {
        for code in Code::ALL {
            let example = code.example();
            assert_eq!((example.code(), example.status().as_u16()), (code.as_str(), code.status()));
        }
    }
}
