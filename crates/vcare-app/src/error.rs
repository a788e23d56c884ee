//! Why a use case did not do what was asked. Knows no HTTP; one file of the api maps it.

use vcare_domain::{
    AsyncVisitRefusal, DraftRefusal, InvalidAsyncVisit, InvalidConfig, InvalidSchedule, Refusal, SessionId,
    SubjectRefusal, UploadRefusal, Version,
};

use crate::ai::{AiTask, TooManyAtOnce};
use crate::authorisation::Permission;
use crate::gates::GateBlock;
use crate::ports::{AudioFault, StorageError, StoreError, VideoError};

/// A thing that was asked for and is not there: for another tenant's things too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A visit.
    Session,
    /// A visit without a live link.
    AsyncVisit,
    /// A person in a visit.
    Participant,
    /// A tenant's settings.
    Config,
    /// A machine's draft.
    Draft,
    /// An upload.
    Upload,
    /// An attachment, or a link to one that opens.
    Attachment,
}

/// What is wrong with a join token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinTokenFault {
    /// Its time is over.
    #[error("the join token has expired")]
    Expired,
    /// Not one of ours, changed, superseded by a newer one, or its holder was removed.
    #[error("the join token is not valid")]
    Invalid,
}

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Nothing by that id in the caller's tenant.
    #[error("no such {0:?}")]
    NotFound(Resource),
    /// The caller's roles do not hold the permission.
    #[error("needs {}", permission.as_str())]
    Forbidden {
        /// What would have been needed.
        permission: Permission,
    },
    /// The caller may see the visit, but their part in it does not allow this.
    #[error("the caller's part in the visit does not allow {}", permission.as_str())]
    Denied {
        /// What would have been needed.
        permission: Permission,
    },
    /// Somebody would care for themselves.
    #[error("nobody is the provider of their own visit")]
    OwnTreatment,
    /// The appointment has a live visit already.
    #[error("the appointment has a visit already")]
    AppointmentHasVisit {
        /// The visit that it has.
        session: SessionId,
    },
    /// The patient or the provider has another visit at the new time.
    #[error("the patient or the provider has another visit at that time")]
    SessionOverlaps,
    /// The aggregate refused.
    #[error(transparent)]
    Refused(Refusal),
    /// No draft was named, and not exactly one waits for a decision.
    #[error("{}", match waiting { 0 => "no draft waits for a decision", _ => "several drafts wait for a decision: name one" })]
    DraftNotNamed {
        /// How many wait.
        waiting: usize,
    },
    /// A machine's draft is not to be decided on like that.
    #[error(transparent)]
    Draft(DraftRefusal),
    /// Audio that cannot be taken, or ended before its end.
    #[error(transparent)]
    Audio(#[from] AudioFault),
    /// Too much is under way at once.
    #[error(transparent)]
    TooManyAtOnce(#[from] TooManyAtOnce),
    /// The AI gateway is not there, or did not answer.
    #[error("the AI gateway is unavailable")]
    AiUnavailable(AiTask),
    /// The AI gateway, or one of its safeguards, will not do it.
    #[error("the AI gateway refuses")]
    AiRefused(AiTask),
    /// The same, without a live link.
    #[error(transparent)]
    AsyncRefused(#[from] AsyncVisitRefusal),
    /// What cannot be a visit without a live link.
    #[error(transparent)]
    AsyncVisit(#[from] InvalidAsyncVisit),
    /// The draft's name is another draft's in this tenant.
    #[error("the clientMutationId is another draft's; draw a new one")]
    DraftNameTaken,
    /// It was not finished, by a fault of ours. Whether it was done is not known: the same again tells.
    #[error("interrupted")]
    Interrupted,
    /// A gate is closed, or did not answer.
    #[error(transparent)]
    Blocked(#[from] GateBlock),
    /// The times make no visit.
    #[error(transparent)]
    Schedule(#[from] InvalidSchedule),
    /// A tenant setting that cannot be.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The caller acted on older settings than the stored ones.
    #[error("the settings have changed: they are at version {current}")]
    ConfigConflict {
        /// The version they are at.
        current: Version,
    },
    /// A setting that only operators change.
    #[error("{field} is set by the operators of the platform")]
    OperatorsOnly {
        /// The setting.
        field: &'static str,
    },
    /// A value that cannot be a secret.
    #[error(transparent)]
    InvalidSecret(#[from] crate::ports::InvalidSecret),
    /// A join token that does not open.
    #[error(transparent)]
    JoinToken(#[from] JoinTokenFault),
    /// Another device of the same person is in the waiting room.
    #[error("the link is open on another device")]
    OnAnotherDevice,
    /// A cursor that was not made for this list.
    #[error("the cursor is not one of this list: of these filters, this order, and this account")]
    CursorMismatch,
    /// The `Idempotency-Key` was used before, for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// An upload refused.
    #[error(transparent)]
    Upload(#[from] UploadRefusal),
    /// The account has begun more uploads than it may in a day.
    #[error("too many uploads were begun; try again tomorrow")]
    TooManyUploads {
        /// How many it may begin.
        a_day: u64,
    },
    /// A link to an attachment whose time is over.
    #[error("the link has expired")]
    LinkExpired,
    /// Attachments cannot be stored or read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Keys or secrets cannot be reached.
    #[error("the key store is unavailable")]
    Secrets(#[from] crate::ports::SecretsError),
    /// An order about a patient's data was refused.
    #[error(transparent)]
    Subject(#[from] SubjectRefusal),
    /// The patient was erased: nothing is written about them any more.
    #[error("the patient was erased")]
    SubjectErased,
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Keys(error) => Self::Secrets(error),
            StoreError::SubjectErased => Self::SubjectErased,
            other => Self::Store(other),
        }
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ParticipantNotFound => Self::NotFound(Resource::Participant),
            other => Self::Refused(other),
        }
    }
}

impl From<DraftRefusal> for AppError {
    fn from(refusal: DraftRefusal) -> Self {
        match refusal {
            DraftRefusal::OfAnotherSession => Self::NotFound(Resource::Draft),
            other => Self::Draft(other),
        }
    }
}

impl From<VideoError> for AppError {
    fn from(error: VideoError) -> Self {
        match error {
            VideoError::NotConfigured => GateBlock::VideoNotConfigured.into(),
            VideoError::Unavailable(cause) | VideoError::NoEndpoint(cause) => GateBlock::VideoUnavailable(cause).into(),
            VideoError::QuotaExceeded { retry_after } => GateBlock::VideoQuotaExceeded { retry_after }.into(),
            VideoError::Secrets(error) => Self::Secrets(error),
        }
    }
}
