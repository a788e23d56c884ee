//! What the people of a visit are called, and which language they read. It comes with other changes, and is none by itself.

use crate::config::Locale;
use crate::ids::ParticipantId;
use crate::name::SealedName;
use crate::participant::Participant;
use crate::refusal::Refusal;
use crate::session::{Change, NewParticipant, Outcome, Patience, VirtualSession};

/// What was given of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// What they are called, sealed.
    pub name: Option<SealedName>,
    /// The language that they read.
    pub language: Option<Locale>,
}

impl Participant {
    fn describe(&mut self, profile: &Profile) {
        if let Some(name) = &profile.name {
            self.name = Some(name.clone());
        }
        self.language = profile.language.or(self.language);
    }
}

impl VirtualSession {
    /// Notes what was given of a participant, together with a change that was applied. What was not given stays as it is.
    ///
    /// # Errors
    /// [`Refusal::ParticipantNotFound`].
    pub fn describe(&mut self, id: ParticipantId, profile: &Profile) -> Result<(), Refusal> {
        self.participant_mut(id)?.describe(profile);
        Ok(())
    }

    /// [`Self::invite`], of a person of whom something was given. Who is invited already stays as they are.
    ///
    /// # Errors
    /// Those of [`Self::invite`].
    pub fn invite_described(
        &mut self,
        new: NewParticipant,
        profile: &Profile,
        limit: u8,
        change: &Change,
    ) -> Result<Outcome, Refusal> {
        let (id, user, role) = (new.id, new.user_id.clone(), new.role);
        let outcome = self.invite(new, limit, change)?;
        let is_it =
            |one: &&mut Participant| one.id == id || (user.is_some() && one.user_id == user && one.role == role);
        if outcome == Outcome::Applied
            && let Some(one) = self.parts.participants.iter_mut().find(is_it)
        {
            one.describe(profile);
        }
        Ok(outcome)
    }

    /// [`Self::join_as_provider`], of a provider whose account has a name: who was given one at the invitation keeps that.
    ///
    /// # Errors
    /// Those of [`Self::join_as_provider`].
    pub fn join_as_named_provider(
        &mut self,
        new_id: ParticipantId,
        name: Option<&SealedName>,
        limit: u8,
        patience: Patience,
        change: &Change,
    ) -> Result<Outcome, Refusal> {
        let outcome = self.join_as_provider(new_id, limit, patience, change)?;
        let own = self.parts.provider(&change.by).filter(|own| own.name.is_none()).map(|own| own.id);
        if outcome == Outcome::Applied
            && let Some(own) = own
        {
            self.participant_mut(own)?.name = name.cloned();
        }
        Ok(outcome)
    }
}
