//! Going on in written messages: the thread that a visit falls back to.

use crate::text::{FreeText, ThreadId, UserId};

/// A visit's fallback to messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Who asked for it first.
    pub requested_by: UserId,
    /// Why, in the words of who asked last and gave a reason.
    pub reason: Option<FreeText>,
    /// What has become of the thread.
    pub thread: ThreadRecord,
}

/// How the patient of a visit that failed may go on without a live link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallbackOffer {
    /// The thread in which the clinician writes, when it is there.
    pub thread: Option<ThreadId>,
    /// Whether the visit may be continued by store-and-forward.
    pub continue_async: bool,
}

/// What has become of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThreadRecord {
    /// Durable work is under way.
    Pending,
    /// The communication-service refuses it: a person must look. Can be asked for again.
    Parked,
    /// It is there. Final.
    Created(ThreadId),
}

impl ThreadRecord {
    /// The status' name in answers and the database.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Parked => "parked",
            Self::Created(_) => "created",
        }
    }

    /// The record of that name, with the thread when there is one; `None` when they do not fit.
    #[must_use]
    pub fn restore(name: &str, thread: Option<ThreadId>) -> Option<Self> {
        match (name, thread) {
            ("pending", None) => Some(Self::Pending),
            ("parked", None) => Some(Self::Parked),
            ("created", Some(thread)) => Some(Self::Created(thread)),
            _ => None,
        }
    }

    /// The thread, once it is there.
    #[must_use]
    pub const fn id(&self) -> Option<&ThreadId> {
        match self {
            Self::Created(id) => Some(id),
            Self::Pending | Self::Parked => None,
        }
    }
}
