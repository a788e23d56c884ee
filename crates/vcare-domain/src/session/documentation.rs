//! Who may have a visit written down, and when.

use crate::ids::SessionId;
use crate::participant::{Participant, ParticipantRole, ParticipantStatus};
use crate::refusal::{Action, Refusal};
use crate::session::{SessionState, VirtualSession};
use crate::text::UserId;

/// A provider of a visit, who may write about it. Only the visit itself says who is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    user: UserId,
    session: SessionId,
}

impl Author {
    /// The account.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    /// The visit.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }
}

impl VirtualSession {
    /// Whether that person may have the visit transcribed: a provider of it, while it is active.
    ///
    /// # Errors
    /// [`Refusal::NotItsProvider`], [`Refusal::InvalidTransition`].
    pub fn transcribed_by(&self, user: &UserId) -> Result<Author, Refusal> {
        let author = self.author(user)?;
        match self.parts.state {
            SessionState::Active { .. } => Ok(author),
            _ => self.refuse(Action::Transcribe),
        }
    }

    /// Whether that person may write down what the visit came to: a provider of it, once it has begun. One whose
    /// connection was lost is documented like any other.
    ///
    /// # Errors
    /// [`Refusal::NotItsProvider`], [`Refusal::InvalidTransition`].
    pub fn documented_by(&self, user: &UserId) -> Result<Author, Refusal> {
        let author = self.author(user)?;
        match self.parts.state {
            SessionState::Active { .. } | SessionState::Failed { .. } | SessionState::Ended { .. } => Ok(author),
            _ => self.refuse(Action::Document),
        }
    }

    /// Whose voice, beside the patient's, is heard when that provider has the visit transcribed: their own, and that of
    /// every other provider who has come.
    #[must_use]
    pub fn voices(&self, author: &Author) -> Vec<UserId> {
        let others = self.parts.participants.iter().filter(|one| is_provider(one) && one.joined_at.is_some());
        let mut voices = vec![author.user.clone()];
        voices.extend(others.filter_map(|one| one.user_id.clone()).filter(|user| *user != author.user));
        voices
    }

    fn author(&self, user: &UserId) -> Result<Author, Refusal> {
        match self.parts.provider(user) {
            Some(provider) if is_provider(provider) => Ok(Author { user: user.clone(), session: self.parts.id }),
            _ => Err(Refusal::NotItsProvider),
        }
    }
}

/// Who was put out is none any more.
fn is_provider(participant: &Participant) -> bool {
    participant.role == ParticipantRole::Provider && participant.state.status() != ParticipantStatus::Removed
}
