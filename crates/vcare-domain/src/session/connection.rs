//! What is heard of people's connections, in whatever order it comes.

use time::OffsetDateTime;

use crate::ids::ParticipantId;
use crate::participant::{ParticipantState, ParticipantStatus};
use crate::refusal::{Action, Refusal};
use crate::session::{Outcome, Patience, SessionStatus, VirtualSession};

/// What was heard of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is there, and the next sign of life is promised.
    Alive,
    /// It was lost.
    Lost,
    /// It is back.
    Restored,
}

impl Heard {
    /// Everything that can be heard.
    pub const ALL: [Self; 3] = [Self::Alive, Self::Lost, Self::Restored];

    /// The word for it in requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Lost => "lost",
            Self::Restored => "restored",
        }
    }

    /// What that word stands for.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|heard| heard.as_str() == name)
    }
}

impl VirtualSession {
    /// Notes what was heard of somebody's connection as of `at`. Only who was let in can lose the visit, and only who had
    /// lost it can come back. What is older than where they stand changes nothing. A lost patient is waited for as long as
    /// `patience.reconnect`; a visit that failed less than `patience.resume` ago goes on.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] once the visit is over, [`Refusal::ParticipantNotFound`],
    /// [`Refusal::ParticipantRemoved`].
    pub fn hear(
        &mut self,
        id: ParticipantId,
        heard: Heard,
        at: OffsetDateTime,
        patience: Patience,
    ) -> Result<Outcome, Refusal> {
        let participant = self.parts.participant(id).ok_or(Refusal::ParticipantNotFound)?;
        let state = &participant.state;
        if state.status() == ParticipantStatus::Removed {
            return Err(Refusal::ParticipantRemoved);
        }
        if heard == Heard::Lost || !self.may_resume(participant.role, patience.resume, at) {
            self.must_be_open(Action::ReportConnection)?;
        }
        match (heard, state) {
            (Heard::Lost, ParticipantState::Admitted { at: since } | ParticipantState::Active { since })
                if *since <= at && self.status() == SessionStatus::Active =>
            {
                self.disconnect(id, at, patience.reconnect)
            }
            (Heard::Alive | Heard::Restored, ParticipantState::Disconnected { at: since }) if *since <= at => {
                self.connect(id, at, patience)
            }
            _ => Ok(Outcome::AlreadyApplied),
        }
    }
}
