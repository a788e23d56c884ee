//! What happened to a visit, and what must be done because of it.

use time::OffsetDateTime;

use crate::ids::ParticipantId;
use crate::link::LinkUse;
use crate::participant::{ParticipantRole, ParticipantStatus};
use crate::schedule::{Delay, Schedule};
use crate::segment::{MediaMode, SecondsPerMode, SegmentCause};
use crate::text::{EncounterId, RecordingRef, ThreadId, UserId};

/// A fact about a visit. Everything else a subscriber needs is read off the visit itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The visit was created.
    Created,
    /// A further person was invited.
    ParticipantInvited {
        /// Who.
        participant: ParticipantId,
        /// As what.
        role: ParticipantRole,
    },
    /// A join token was issued; the older one is dead.
    JoinTokenIssued {
        /// Who they are shown to.
        participant: ParticipantId,
        /// The version that counts now.
        token_version: u32,
    },
    /// Somebody came, to the waiting room or (a provider) into the visit.
    ParticipantJoined {
        /// Who.
        participant: ParticipantId,
        /// As what.
        role: ParticipantRole,
        /// Where they are now.
        status: ParticipantStatus,
    },
    /// A provider let somebody in.
    ParticipantAdmitted {
        /// Who.
        participant: ParticipantId,
        /// As what.
        role: ParticipantRole,
        /// Who decided.
        admitted_by: UserId,
    },
    /// Somebody was put out.
    ParticipantRemoved {
        /// Who.
        participant: ParticipantId,
        /// As what.
        role: ParticipantRole,
        /// Who decided.
        removed_by: UserId,
    },
    /// A participant's connection was lost.
    ParticipantDisconnected {
        /// Who.
        participant: ParticipantId,
        /// As what.
        role: ParticipantRole,
    },
    /// The visit began.
    Started,
    /// The medium changed.
    MediaModeChanged {
        /// Before.
        from: MediaMode,
        /// After.
        to: MediaMode,
        /// Why.
        cause: SegmentCause,
    },
    /// What a participant's link is used for changed.
    LinkChanged {
        /// Who.
        participant: ParticipantId,
        /// As what.
        role: ParticipantRole,
        /// What it is used for now.
        link: LinkUse,
    },
    /// The visit goes on in messages: its thread is wanted, and may be made by whoever hears of this first.
    FallbackInitiated,
    /// The thread is there in which the visit goes on.
    FallbackThreadCreated {
        /// The thread.
        thread: ThreadId,
    },
    /// The communication-service refuses the thread; a person must look.
    FallbackParked,
    /// The visit was called off before it began.
    Cancelled,
    /// The visit was moved to another time.
    Rescheduled {
        /// When it was planned before.
        from: Schedule,
    },
    /// The patient said that they come later than planned.
    PatientDelayed {
        /// How much later.
        delay: Delay,
        /// When that is.
        expected_at: OffsetDateTime,
    },
    /// The patient did not come.
    NoShow,
    /// The connection was lost for longer than the reconnect window.
    Failed,
    /// Somebody came back to a visit that had failed: it goes on.
    Resumed,
    /// The visit is over.
    Ended {
        /// Whole seconds from start to end; 0 when nothing took place.
        duration_seconds: u32,
    },
    /// The patient's consent to recording was withdrawn during the visit.
    RecordingWithdrawn,
    /// A recording is finished, during the visit or after its end.
    RecordingAvailable {
        /// Where it is.
        recording: RecordingRef,
    },
    /// The FHIR gateway refuses the Encounter as invalid; a person must look.
    EncounterParked,
    /// The Encounter is in the chart: the visit can be charged, once.
    Chargeable {
        /// The Encounter.
        encounter: EncounterId,
        /// Whole seconds per medium.
        seconds: SecondsPerMode,
    },
}

/// A fact with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded<E = SessionEvent> {
    /// When it became true.
    pub at: OffsetDateTime,
    /// What became true.
    pub event: E,
}

/// Durable work that a change brings with it; stored in the change's own transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FollowUp {
    /// Write the visit's Encounter into the chart.
    CreateEncounter,
    /// Make the thread in which the visit goes on.
    CreateThread,
    /// Give the visit up then, if its patient is still gone. A later loss moves it.
    FailLostVisit {
        /// When the reconnect window ends.
        due: OffsetDateTime,
    },
    /// See then whether the visit ends by itself. A later one moves it.
    EndByItself {
        /// When to look.
        due: OffsetDateTime,
    },
}
