//! The visit's video room: when it is open, who is seen in it, what is recorded of it.

use time::{Duration, OffsetDateTime};

use crate::event::SessionEvent;
use crate::ids::ParticipantId;
use crate::participant::{ParticipantRole, ParticipantState, ParticipantStatus};
use crate::refusal::{Action, Refusal};
use crate::session::{Change, Outcome, Patience, SessionState, SessionStatus, VirtualSession};
use crate::text::RecordingRef;

/// A room that may be open now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomOpening {
    /// For how much longer; positive.
    pub left: Duration,
}

/// Why a room stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoomClosed {
    /// It is too early.
    #[error("the visit has not begun")]
    TooEarly {
        /// When the room will open.
        opens_at: OffsetDateTime,
    },
    /// The planned time and its grace are over, and nobody came.
    #[error("the visit's time is over")]
    TooLate,
    /// The visit is over, was called off or given up.
    #[error("the visit is {0}")]
    Over(SessionStatus),
}

impl VirtualSession {
    /// Whether the video room may be open now. Before its patient is admitted, from `before` the planned start on, or as
    /// soon as a provider is there; from then on until [`Self::link_expires_at`].
    ///
    /// # Errors
    /// [`RoomClosed`] says why not.
    pub fn room_opening(
        &self,
        before: Duration,
        grace: Duration,
        now: OffsetDateTime,
    ) -> Result<RoomOpening, RoomClosed> {
        match self.parts.state {
            SessionState::Active { .. } => {}
            SessionState::Scheduled | SessionState::Waiting => {
                let opens_at = self.parts.schedule.start() - before;
                if now < opens_at && !self.has_provider_present() {
                    return Err(RoomClosed::TooEarly { opens_at });
                }
            }
            SessionState::Failed { .. }
            | SessionState::Ended { .. }
            | SessionState::Cancelled { .. }
            | SessionState::NoShow { .. } => return Err(RoomClosed::Over(self.status())),
        }
        let left = self.link_expires_at(grace, now) - now;
        if left.is_positive() { Ok(RoomOpening { left }) } else { Err(RoomClosed::TooLate) }
    }

    /// Notes that somebody who was let in is seen in the room. A hint: what does not fit changes nothing. A visit that failed
    /// less than `patience.resume` ago goes on; where a provider comes back to a patient who is lost, the patient is waited for
    /// anew.
    ///
    /// # Errors
    /// [`Refusal::ParticipantNotFound`].
    pub fn connect(&mut self, id: ParticipantId, at: OffsetDateTime, patience: Patience) -> Result<Outcome, Refusal> {
        let (role, state) = {
            let participant = self.parts.participant(id).ok_or(Refusal::ParticipantNotFound)?;
            (participant.role, participant.state.status())
        };
        let open = self.must_be_open(Action::Join).is_ok() || self.may_resume(role, patience.resume, at);
        let returns = matches!(state, ParticipantStatus::Admitted | ParticipantStatus::Disconnected);
        if !open || !returns {
            return Ok(Outcome::AlreadyApplied);
        }
        let at = self.moment(at);
        self.participant_mut(id)?.come(ParticipantState::Active { since: at }, at);
        let status = ParticipantStatus::Active;
        let mut events = vec![SessionEvent::ParticipantJoined { participant: id, role, status }];
        events.extend(self.resume(at));
        events.extend(match role {
            ParticipantRole::Patient => self.follow_links(false, at),
            _ => self.follow_presence(at),
        });
        if role == ParticipantRole::Provider {
            self.wait_for_lost_patient(patience.reconnect, at);
        }
        Ok(self.applied(at, events))
    }

    /// Turns recording off because the consent to it was withdrawn. Withdrawing again changes nothing.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`]; [`Refusal::InvalidTransition`] once the visit is over.
    pub fn withdraw_recording(&mut self, change: &Change) -> Result<Outcome, Refusal> {
        if !self.parts.recording_enabled {
            return Ok(Outcome::AlreadyApplied);
        }
        self.expect(change.expected.as_ref())?;
        self.must_be_open(Action::WithdrawRecording)?;
        let at = self.moment(change.at);
        self.parts.recording_enabled = false;
        self.parts.recording_withdrawn_at = Some(at);
        Ok(self.applied(at, [SessionEvent::RecordingWithdrawn]))
    }

    /// Notes a finished recording, during the visit or after its end; each once.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] for a visit that nobody came to.
    pub fn record_recording(&mut self, recording: RecordingRef, at: OffsetDateTime) -> Result<Outcome, Refusal> {
        if let SessionState::Scheduled | SessionState::Cancelled { .. } | SessionState::NoShow { .. } = self.parts.state
        {
            return self.refuse(Action::RecordRecording);
        }
        if self.parts.recordings.contains(&recording) {
            return Ok(Outcome::AlreadyApplied);
        }
        let at = self.moment(at);
        self.parts.recordings.push(recording.clone());
        Ok(self.applied(at, [SessionEvent::RecordingAvailable { recording }]))
    }
}
