//! What a draft holds, and what can be said of it.

use std::fmt;

use time::OffsetDateTime;

use crate::ai::KeyedHash;
use crate::ids::{AiDraftId, SessionId};
use crate::session::Version;
use crate::text::{AiModel, NoteId, TenantId, UserId};

/// The template by which visits are summed up.
pub const SUMMARY_TEMPLATE: &str = "vcare-session-summary-v1";

/// A text that was sealed: bytes that only the tenant's key opens.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedText {
    /// Which key opens it.
    pub key_id: String,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for SealedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedText({} bytes)", self.bytes.len())
    }
}

/// What a clinician made of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedSummary {
    /// The text, sealed.
    pub text: SealedText,
    /// Its hash.
    pub hash: KeyedHash,
}

/// Who decided, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The clinician.
    pub by: UserId,
    /// When.
    pub at: OffsetDateTime,
}

/// Whether an accepted summary is in the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Durable work is under way.
    Owed {
        /// What is to be written.
        text: SealedText,
    },
    /// The chart refuses it: a person must look. Can be taken up again.
    Parked {
        /// What is to be written.
        text: SealedText,
    },
    /// It is there. The text is not kept any more.
    Done {
        /// The note.
        note: NoteId,
        /// Since when.
        at: OffsetDateTime,
    },
}

/// Where a draft stands. A text is held only where it is still needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftState {
    /// Waits for a clinician.
    Pending {
        /// What the machine wrote.
        text: SealedText,
    },
    /// A clinician answers for it.
    Accepted {
        /// Who, and when.
        decision: Decision,
        /// The hash of what was accepted.
        content_hash: KeyedHash,
        /// Whether that is not word for word what the machine wrote.
        human_edited: bool,
        /// Whether it is in the chart.
        delivery: Delivery,
    },
    /// A clinician did not want it. Final.
    Declined(Decision),
    /// Nobody decided in time. Final.
    Expired {
        /// When that was noted.
        at: OffsetDateTime,
    },
}

/// [`DraftState`] without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DraftStatus {
    /// Waits for a clinician.
    Pending,
    /// A clinician answers for it.
    Accepted,
    /// A clinician did not want it.
    Declined,
    /// Nobody decided in time.
    Expired,
}

impl DraftStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Accepted, Self::Declined, Self::Expired];

    /// The status' name in answers and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for DraftStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a decision on a draft was refused; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DraftRefusal {
    /// Somebody has decided.
    #[error("the draft was {status} before")]
    AlreadyDecided {
        /// How.
        status: DraftStatus,
    },
    /// Its time is over.
    #[error("the draft has expired; have a new one made, or write the note by hand")]
    Expired,
    /// It belongs to another visit.
    #[error("the draft is another session's")]
    OfAnotherSession,
    /// Only what was accepted comes into the chart.
    #[error("the draft was not accepted")]
    NotAccepted,
}

/// What happened to a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DraftEvent {
    /// A machine wrote it.
    Drafted,
    /// A clinician accepted it.
    Accepted,
    /// A clinician declined it.
    Declined,
    /// Nobody decided in time.
    Expired,
    /// It is in the chart.
    Delivered,
    /// The chart refuses it.
    Parked,
}

/// A fact with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedDraft {
    /// When it became true.
    pub at: OffsetDateTime,
    /// What became true.
    pub event: DraftEvent,
}

/// Everything a draft holds. Only the aggregate changes it; a store writes and restores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AiDraftParts {
    /// The draft.
    pub id: AiDraftId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The visit it sums up.
    pub session_id: SessionId,
    /// Who had it made.
    pub requested_by: UserId,
    /// Which model wrote it.
    pub model: AiModel,
    /// By which template.
    pub template: String,
    /// The hash of what it was made of.
    pub transcript_hash: KeyedHash,
    /// The hash of what the machine wrote.
    pub draft_hash: KeyedHash,
    /// Where it stands.
    pub state: DraftState,
    /// How often it was changed.
    pub version: Version,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it stops waiting.
    pub expires_at: OffsetDateTime,
}

/// What a new draft is made of.
#[derive(Debug, Clone)]
pub struct NewDraft {
    /// The draft.
    pub id: AiDraftId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which model wrote it.
    pub model: AiModel,
    /// The hash of what it was made of.
    pub transcript_hash: KeyedHash,
    /// The hash of what the machine wrote.
    pub draft_hash: KeyedHash,
    /// What the machine wrote.
    pub text: SealedText,
    /// When it stops waiting.
    pub expires_at: OffsetDateTime,
}
