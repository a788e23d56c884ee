//! Why an aggregate says no. A refusal names the action and the state it met.

use std::fmt;

use time::OffsetDateTime;

use crate::participant::ParticipantStatus;
use crate::schedule::InvalidSchedule;
use crate::session::{SessionStatus, Version};

/// What somebody tried to do to a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Invite a further person.
    Invite,
    /// Issue or renew a person's join token.
    IssueJoinToken,
    /// Come in by link.
    Join,
    /// Come in as the provider.
    JoinAsProvider,
    /// Let somebody in from the waiting room.
    Admit,
    /// Put somebody out.
    Remove,
    /// Change between video, audio and messages.
    ChangeMediaMode,
    /// Note what somebody's link carries.
    NoteLink,
    /// Go on in messages.
    FallBack,
    /// Note the thread of the fallback.
    RecordThread,
    /// Hand the thread to a person.
    ParkThread,
    /// Note a lost connection.
    Disconnect,
    /// Tell of one's own or another's connection.
    ReportConnection,
    /// Give up after the reconnect window.
    Fail,
    /// Call off before it began.
    Cancel,
    /// Move to another time.
    Reschedule,
    /// Say that one comes later than planned.
    AnnounceDelay,
    /// End the visit.
    End,
    /// End what nobody ends.
    EndByItself,
    /// Note that the patient did not come.
    MarkNoShow,
    /// Go on without a live link.
    ContinueAsync,
    /// Turn recording off because the consent was withdrawn.
    WithdrawRecording,
    /// Note a finished recording.
    RecordRecording,
    /// Store the Encounter's id.
    RecordEncounter,
    /// Have the Encounter written for another record of the patient.
    RepointEncounter,
    /// Hand the Encounter to a person.
    ParkEncounter,
    /// Have what is said written down by a machine.
    Transcribe,
    /// Write down what it came to.
    Document,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invite => "invite somebody to",
            Self::IssueJoinToken => "issue a join token for",
            Self::Join | Self::JoinAsProvider => "join",
            Self::Admit => "admit somebody to",
            Self::Remove => "remove somebody from",
            Self::ChangeMediaMode => "change the media mode of",
            Self::NoteLink => "note a link in",
            Self::FallBack => "go on in messages in",
            Self::RecordThread => "record a thread for",
            Self::ParkThread => "park the thread of",
            Self::Disconnect => "note a lost connection in",
            Self::ReportConnection => "tell of a connection to",
            Self::Fail => "give up",
            Self::Cancel => "cancel",
            Self::Reschedule => "reschedule",
            Self::AnnounceDelay => "announce a delay for",
            Self::End | Self::EndByItself => "end",
            Self::MarkNoShow => "note a no-show of",
            Self::ContinueAsync => "continue without a live link",
            Self::WithdrawRecording => "withdraw the recording consent of",
            Self::RecordRecording => "note a recording of",
            Self::RecordEncounter => "record an Encounter for",
            Self::RepointEncounter => "repoint the Encounter of",
            Self::ParkEncounter => "park the Encounter of",
            Self::Transcribe => "transcribe",
            Self::Document => "document",
        })
    }
}

/// Why a command was refused; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The visit's state does not allow the action.
    #[error("cannot {action} a session that is {from}")]
    InvalidTransition {
        /// What was tried.
        action: Action,
        /// The state the visit is in.
        from: SessionStatus,
    },
    /// The caller acted on an older version than the stored one.
    #[error("the session has changed: it is at version {current}")]
    VersionConflict {
        /// The version the visit is at.
        current: Version,
    },
    /// Admitting somebody who does not wait.
    #[error("the participant is {status}, not waiting")]
    NotWaiting {
        /// The state the participant is in.
        status: ParticipantStatus,
    },
    /// Nobody with the right to decide is in the visit.
    #[error("no provider is in the session; join it first")]
    ProviderNotInSession,
    /// Only who cares for the patient in this visit may do that.
    #[error("only a provider of this session may do that")]
    NotItsProvider,
    /// Moving to a time that cannot be.
    #[error(transparent)]
    Schedule(#[from] InvalidSchedule),
    /// Somebody else's link.
    #[error("only the patient's own link does that")]
    NotThePatient,
    /// Announcing a delay until a time that has passed.
    #[error("{expected_at} has passed already")]
    DelayHasPassed {
        /// The planned start and the delay.
        expected_at: OffsetDateTime,
    },
    /// Patients and their proxies do not say what people are called.
    #[error("what people are called is said by those who plan or hold the session")]
    NamedByOthers,
    /// No such person in this visit.
    #[error("no such participant in this session")]
    ParticipantNotFound,
    /// The person was put out and needs a new token.
    #[error("the participant was removed and needs a new invitation")]
    ParticipantRemoved,
    /// A newer join token was issued since.
    #[error("a newer join token was issued")]
    TokenSuperseded,
    /// The tenant's limit is reached.
    #[error("the session already has its {limit} participants")]
    TooManyParticipants {
        /// The most people a visit of this tenant may have.
        limit: u8,
    },
    /// A visit has one patient.
    #[error("the session already has its patient")]
    PatientAlreadyInvited,
    /// Giving up a visit whose patient has a connection, or left in another way.
    #[error("the patient's connection is not lost")]
    PatientNotLost,
    /// Giving up a visit whose patient may still come back.
    #[error("the patient is waited for until {until}")]
    PatientAwaited {
        /// Until when.
        until: OffsetDateTime,
    },
    /// Noting a no-show while the patient waits.
    #[error("the patient is in the waiting room")]
    PatientCame,
    /// It is too early for that.
    #[error("that is possible from {until} on")]
    NotDue {
        /// From when on.
        until: OffsetDateTime,
    },
    /// Providers sign in; a link that can be forwarded must not give a moderator's rights.
    #[error("a provider joins by signing in, not by link")]
    ProvidersSignIn,
}
