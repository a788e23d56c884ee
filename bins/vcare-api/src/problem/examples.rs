//! One example of every problem, for the API's description. Each is made of what makes it in earnest, and in the same way:
//! so it says what will be said, and a code that nothing makes any more has none.

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

fn told(error: impl Into<AppError>) -> Problem {
    error.into().into()
}

fn missing(resource: Resource) -> Problem {
    told(AppError::NotFound(resource))
}

impl Code {
    /// What is answered with this code, for instance.
    #[must_use]
    pub fn example(self) -> Problem {
        let problem = match self {
            Self::ValidationError => Problem::field("patientId", InvalidText::Empty),
            Self::CursorMismatch => told(AppError::CursorMismatch),
            Self::Unauthorized => Problem::not_signed_in(),
            Self::AccessTokenExpired => AccessTokenFault::Expired.into(),
            Self::TokenExpired => told(JoinTokenFault::Expired),
            Self::TokenInvalid => told(JoinTokenFault::Invalid),
            Self::AccessDenied => told(AppError::Forbidden { permission: Permission::SessionCreate }),
            Self::ModuleNotLicensed => told(GateBlock::NotLicensed),
            Self::ConsentRequired => told(GateBlock::ConsentRequired(Gate::TelehealthConsent)),
            Self::RecordingDisabled => told(GateBlock::RecordingDisabled),
            Self::NotFound => Problem::nothing_here(),
            Self::SessionNotFound => missing(Resource::Session),
            Self::ParticipantNotFound => missing(Resource::Participant),
            Self::AsyncVisitNotFound => missing(Resource::AsyncVisit),
            Self::ConfigNotFound => missing(Resource::Config),
            Self::DraftNotFound => missing(Resource::Draft),
            Self::UploadNotFound => missing(Resource::Upload),
            Self::AttachmentNotFound => missing(Resource::Attachment),
            Self::MethodNotAllowed => Problem::method_not_allowed("GET, POST".to_owned()),
            Self::UploadStalled => told(AudioFault::Stalled),
            Self::AppointmentHasVisit => told(AppError::AppointmentHasVisit { session: SessionId::from_uuid(VISIT) }),
            Self::SessionOverlaps => told(AppError::SessionOverlaps),
            Self::InvalidStatusTransition => {
                told(Refusal::InvalidTransition { action: Action::Admit, from: SessionStatus::Ended })
            }
            Self::OptimisticLockConflict => told(Refusal::VersionConflict { current: Version::new(4) }),
            Self::ConcurrentUpdate => told(StoreError::Conflict),
            Self::ParticipantNotInWaitingRoom => told(Refusal::NotWaiting { status: ParticipantStatus::Admitted }),
            Self::ProviderNotInSession => told(Refusal::ProviderNotInSession),
            Self::ParticipantRemoved => told(Refusal::ParticipantRemoved),
            Self::PatientAlreadyInvited => told(Refusal::PatientAlreadyInvited),
            Self::ProvidersSignIn => told(Refusal::ProvidersSignIn),
            Self::JoinedOnAnotherDevice => told(AppError::OnAnotherDevice),
            Self::AlreadyClaimed => {
                told(AsyncVisitRefusal::ClaimedByAnother { until: datetime!(2026-03-01 09:30 UTC) })
            }
            Self::NotClaimedByYou => told(AsyncVisitRefusal::NotTheClaimer { action: AsyncVisitAction::Respond }),
            Self::ClientMutationIdTaken => told(AppError::DraftNameTaken),
            Self::DraftAlreadyDecided => told(DraftRefusal::AlreadyDecided { status: DraftStatus::Accepted }),
            Self::DraftExpired => told(DraftRefusal::Expired),
            Self::UploadOffsetConflict => told(UploadRefusal::WrongOffset { offset: 262_144 }),
            Self::UploadDiffers => told(UploadRefusal::Differs),
            Self::SettingTaken => told(InvalidConfig::Taken { field: "roomSlugPrefix" }),
            Self::UploadInVisit => told(UploadRefusal::InVisit),
            Self::LinkExpired => told(AppError::LinkExpired),
            Self::UploadExpired => told(UploadRefusal::Expired),
            Self::UploadLost => told(UploadRefusal::Lost),
            Self::TusVersionUnsupported => Problem::wrong_tus_version(),
            Self::PayloadTooLarge => Problem::body_too_long(),
            Self::UnsupportedMediaType => Problem::wrong_media_type("application/json"),
            Self::RangeNotSatisfiable => Problem::range_not_satisfiable(200_000),
            Self::IdempotencyKeyReused => told(AppError::IdempotencyKeyReused),
            Self::MaxParticipantsExceeded => told(Refusal::TooManyParticipants { limit: 6 }),
            Self::MaxAddendaExceeded => told(AsyncVisitRefusal::TooManyAddenda { limit: MAX_ADDENDA }),
            Self::AiRefused => told(AppError::AiRefused(AiTask::Summary)),
            Self::PreconditionRequired => Problem::precondition_required(),
            Self::TooManyAtOnce => told(TooManyAtOnce),
            Self::TooManyUploads => told(AppError::TooManyUploads { a_day: 200 }),
            Self::RateLimited => Problem::too_often(Quota { name: "short-codes", most: 10, window: 60 }, 12),
            Self::ChecksumMismatch => Problem::wrong_checksum(),
            Self::InternalError => Problem::internal(),
            Self::ServiceUnavailable => Problem::too_slow(),
            Self::IdentityProviderUnavailable => Problem::nobody_can_sign_in(),
            Self::LicenceServiceUnavailable => told(GateBlock::LicenceUnavailable(SILENT)),
            Self::ConsentServiceUnavailable => {
                told(GateBlock::ConsentUnavailable { gate: Gate::TelehealthConsent, cause: SILENT })
            }
            Self::VideoProviderUnavailable => told(GateBlock::VideoUnavailable(SILENT)),
            Self::ProviderQuotaExceeded => told(GateBlock::VideoQuotaExceeded { retry_after: None }),
            Self::AiUnavailable => told(AppError::AiUnavailable(AiTask::Summary)),
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
