//! What neighbours publish and we subscribe to.

use async_trait::async_trait;
use uuid::Uuid;
use vcare_domain::{PatientId, SessionId, TenantId, ThreadId};

use crate::error::AppError;

/// `communication.thread.created`: a thread that was created for one of our visits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadCreated {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The visit that goes on in it.
    pub session_id: SessionId,
    /// The key that it was created under.
    pub idempotency_key: Uuid,
    /// The patient it is with, when the message says so.
    pub patient_id: Option<PatientId>,
    /// The thread.
    pub thread_id: ThreadId,
}

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOutcome {
    /// The visit has its thread by it.
    Recorded,
    /// The visit had that thread already.
    Repeated,
    /// Nothing changed, and no second delivery would change that.
    Refused(RefusedMessage),
}

/// Why a message changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedMessage {
    /// The tenant has no such visit.
    UnknownVisit,
    /// The key is not the visit's.
    WrongKey,
    /// The thread is with another patient.
    WrongPatient,
    /// Nobody asked for the visit to go on in messages.
    NotInitiated,
    /// The visit has another thread.
    AnotherThread,
}

impl RefusedMessage {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::UnknownVisit, Self::WrongKey, Self::WrongPatient, Self::NotInitiated, Self::AnotherThread];

    /// The reason as a fixed word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownVisit => "unknown_visit",
            Self::WrongKey => "wrong_key",
            Self::WrongPatient => "wrong_patient",
            Self::NotInitiated => "not_initiated",
            Self::AnotherThread => "another_thread",
        }
    }
}

/// Handles messages about threads. The same message may come any number of times.
#[async_trait]
pub trait ThreadSubscriber: Send + Sync {
    /// Handles one.
    ///
    /// # Errors
    /// [`AppError`]: the message must be delivered again.
    async fn thread_created(&self, message: &ThreadCreated) -> Result<MessageOutcome, AppError>;
}
