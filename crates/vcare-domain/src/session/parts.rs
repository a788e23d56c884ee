//! What a visit holds.

use std::fmt;

use time::OffsetDateTime;

use crate::config::VideoBackend;
use crate::encounter::EncounterRecord;
use crate::ids::{ParticipantId, SessionId};
use crate::messaging::Fallback;
use crate::participant::{Participant, ParticipantRole};
use crate::reason::{CancelCode, NoShowCode, Reason};
use crate::room::Room;
use crate::schedule::{Delay, Schedule};
use crate::segment::MediaSegment;
use crate::session::Version;
use crate::text::{AppointmentId, FreeText, NodeId, PatientId, RecordingRef, TenantId, UserId};

/// Everything a visit holds. Only the aggregate changes it; a store writes and restores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionParts {
    /// The visit.
    pub id: SessionId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The facility, when the creator's token named one.
    pub node_id: Option<NodeId>,
    /// Whom it is for.
    pub patient_id: PatientId,
    /// The patient whom the Encounter is written for, where that is another record: the one that took the place of
    /// [`Self::patient_id`] in a merge.
    pub encounter_patient_id: Option<PatientId>,
    /// The appointment it fulfils.
    pub appointment_id: Option<AppointmentId>,
    /// Who cares: named at creation, else the creating clinician, else the first clinician who joins.
    pub provider_id: Option<UserId>,
    /// Who created it.
    pub initiator_id: UserId,
    /// Where it takes place.
    pub video_backend: VideoBackend,
    /// The reserved room.
    pub room: Room,
    /// When it is planned.
    pub schedule: Schedule,
    /// How much later the patient comes, as they said.
    pub delay: Option<Delay>,
    /// Recording was asked for and consented to, and the consent was not withdrawn.
    pub recording_enabled: bool,
    /// When the consent to recording was withdrawn during the visit.
    pub recording_withdrawn_at: Option<OffsetDateTime>,
    /// Storage keys of the finished recordings, in the order in which they were heard of.
    pub recordings: Vec<RecordingRef>,
    /// How it goes on in messages, when somebody asked for that.
    pub fallback: Option<Fallback>,
    /// Where it stands.
    pub state: SessionState,
    /// Who takes part, in the order of invitation.
    pub participants: Vec<Participant>,
    /// Which medium was used when, in order; the last one is open while the visit is active. [`Self::held`] is what of it the
    /// patient and a provider spent together.
    pub segments: Vec<MediaSegment>,
    /// How often it was changed.
    pub version: Version,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
    /// When everything that people wrote in it was erased: notes are [`ERASED`] then, and nobody has a name.
    ///
    /// [`ERASED`]: crate::ERASED
    pub erased_at: Option<OffsetDateTime>,
}

impl SessionParts {
    /// The patient whom Encounter and charge name.
    #[must_use]
    pub fn encounter_patient(&self) -> &PatientId {
        self.encounter_patient_id.as_ref().unwrap_or(&self.patient_id)
    }

    /// The participant of that id.
    #[must_use]
    pub fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.iter().find(|participant| participant.id == id)
    }

    /// The visit's patient.
    #[must_use]
    pub fn patient(&self) -> Option<&Participant> {
        self.participants.iter().find(|participant| participant.role == ParticipantRole::Patient)
    }

    /// The part of that user as provider.
    #[must_use]
    pub fn provider(&self, user: &UserId) -> Option<&Participant> {
        self.participants.iter().find(|participant| {
            participant.role == ParticipantRole::Provider && participant.user_id.as_ref() == Some(user)
        })
    }

    /// How the visit stands to being recorded.
    #[must_use]
    pub const fn recording_consent(&self) -> RecordingConsent {
        match (self.recording_enabled, self.recording_withdrawn_at) {
            (true, _) => RecordingConsent::Given,
            (false, Some(_)) => RecordingConsent::Withdrawn,
            (false, None) => RecordingConsent::Missing,
        }
    }
}

/// How a visit stands to being recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingConsent {
    /// The consent was on file at creation and holds.
    Given,
    /// It was withdrawn during the visit.
    Withdrawn,
    /// Recording was never asked for.
    Missing,
}

/// Where a visit stands, with what is true only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// Created; nobody has come.
    Scheduled,
    /// Somebody has come; the patient is not admitted.
    Waiting,
    /// The patient was admitted.
    Active {
        /// When.
        started_at: OffsetDateTime,
    },
    /// The connection was lost for longer than the reconnect window. It is resumed, ended by a clinician, or ends by itself.
    Failed {
        /// When the patient was admitted.
        started_at: OffsetDateTime,
        /// When the visit was given up.
        failed_at: OffsetDateTime,
    },
    /// Over. Final.
    Ended {
        /// When the patient was admitted; `None` when that never happened.
        started_at: Option<OffsetDateTime>,
        /// When the patient and the providers were last together; when they never were, when it was ended.
        ended_at: OffsetDateTime,
        /// Why it ended.
        cause: EndCause,
        /// Why, in the words of the person who ended it.
        reason: Option<FreeText>,
        /// What has become of the Encounter.
        encounter: EncounterRecord,
    },
    /// Called off before it began. Final.
    Cancelled {
        /// When.
        cancelled_at: OffsetDateTime,
        /// Why.
        reason: Reason<CancelCode>,
    },
    /// The patient did not come. Final.
    NoShow {
        /// When that was noted.
        noted_at: OffsetDateTime,
        /// Why.
        code: NoShowCode,
    },
}

/// Why a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndCause {
    /// Somebody ended it.
    Person,
    /// Everybody had left, and nobody came back.
    EverybodyLeft,
    /// It had failed, and nobody resumed or ended it for a day.
    ConnectionLost,
    /// The patient came, and was not admitted until a day after the planned end.
    NotHeld,
}

impl EndCause {
    /// Every cause.
    pub const ALL: [Self; 4] = [Self::Person, Self::EverybodyLeft, Self::ConnectionLost, Self::NotHeld];

    /// The cause's name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::EverybodyLeft => "everybody_left",
            Self::ConnectionLost => "connection_lost",
            Self::NotHeld => "not_held",
        }
    }

    /// The cause of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }
}

impl SessionState {
    /// The state without its data.
    #[must_use]
    pub const fn status(&self) -> SessionStatus {
        match self {
            Self::Scheduled => SessionStatus::Scheduled,
            Self::Waiting => SessionStatus::Waiting,
            Self::Active { .. } => SessionStatus::Active,
            Self::Failed { .. } => SessionStatus::Failed,
            Self::Ended { .. } => SessionStatus::Ended,
            Self::Cancelled { .. } => SessionStatus::Cancelled,
            Self::NoShow { .. } => SessionStatus::NoShow,
        }
    }

    /// When the patient was admitted.
    #[must_use]
    pub const fn started_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Active { started_at } | Self::Failed { started_at, .. } => Some(*started_at),
            Self::Ended { started_at, .. } => *started_at,
            Self::Scheduled | Self::Waiting | Self::Cancelled { .. } | Self::NoShow { .. } => None,
        }
    }

    /// When it was ended.
    #[must_use]
    pub const fn ended_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Ended { ended_at, .. } => Some(*ended_at),
            _ => None,
        }
    }

    /// Why it was called off.
    #[must_use]
    pub const fn cancel_code(&self) -> Option<CancelCode> {
        match self {
            Self::Cancelled { reason, .. } => Some(reason.code),
            _ => None,
        }
    }

    /// Why it is a no-show.
    #[must_use]
    pub const fn no_show_code(&self) -> Option<NoShowCode> {
        match self {
            Self::NoShow { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// What has become of the Encounter; `None` before the end.
    #[must_use]
    pub const fn encounter(&self) -> Option<&EncounterRecord> {
        match self {
            Self::Ended { encounter, .. } => Some(encounter),
            _ => None,
        }
    }
}

/// [`SessionState`] without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionStatus {
    /// Created; nobody has come.
    Scheduled,
    /// Somebody has come; the patient is not admitted.
    Waiting,
    /// The patient was admitted.
    Active,
    /// Over. Final.
    Ended,
    /// Called off before it began. Final.
    Cancelled,
    /// The connection was lost for too long.
    Failed,
    /// The patient did not come. Final.
    NoShow,
}

impl SessionStatus {
    /// Every status.
    pub const ALL: [Self; 7] =
        [Self::Scheduled, Self::Waiting, Self::Active, Self::Ended, Self::Cancelled, Self::Failed, Self::NoShow];

    /// Whether a visit in this state leaves its appointment free for another one: it did not take place.
    #[must_use]
    pub const fn leaves_appointment_free(self) -> bool {
        matches!(self, Self::Cancelled | Self::NoShow)
    }

    /// The status' name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::NoShow => "no_show",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
