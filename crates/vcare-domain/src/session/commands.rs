//! Creating a visit and inviting people to it.

use time::OffsetDateTime;

use crate::config::VideoBackend;
use crate::event::{Recorded, SessionEvent};
use crate::ids::{ParticipantId, SessionId};
use crate::participant::{Participant, ParticipantRole, ParticipantState, ParticipantStatus};
use crate::refusal::{Action, Refusal};
use crate::room::Room;
use crate::schedule::Schedule;
use crate::session::{Change, Outcome, SessionParts, SessionState, Version, VirtualSession};
use crate::text::{AppointmentId, NodeId, PatientId, RelatedPersonId, TenantId, UserId};

/// What a new visit is made of. All gates have been passed and the room is reserved.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The visit.
    pub id: SessionId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The facility.
    pub node_id: Option<NodeId>,
    /// Whom it is for.
    pub patient_id: PatientId,
    /// The patient's part in it.
    pub patient_participant_id: ParticipantId,
    /// The appointment it fulfils.
    pub appointment_id: Option<AppointmentId>,
    /// Who cares, when known already, and their part in it.
    pub provider: Option<(UserId, ParticipantId)>,
    /// Who creates it.
    pub initiator_id: UserId,
    /// Where it takes place.
    pub video_backend: VideoBackend,
    /// The reserved room.
    pub room: Room,
    /// When it is planned.
    pub schedule: Schedule,
    /// Recording was asked for and consented to.
    pub recording_enabled: bool,
}

/// A further person for a visit.
#[derive(Debug, Clone)]
pub struct NewParticipant {
    /// Their part.
    pub id: ParticipantId,
    /// Their account, when they sign in.
    pub user_id: Option<UserId>,
    /// What they are in the visit.
    pub role: ParticipantRole,
}

impl VirtualSession {
    /// Creates a visit, with its patient and, when known, its provider invited.
    #[must_use]
    pub fn create(new: NewSession, now: OffsetDateTime) -> Self {
        let mut participants = vec![Participant::invited(new.patient_participant_id, None, ParticipantRole::Patient)];
        let provider_id = new.provider.map(|(user, id)| {
            participants.push(Participant::invited(id, Some(user.clone()), ParticipantRole::Provider));
            user
        });
        let parts = SessionParts {
            id: new.id,
            tenant_id: new.tenant_id,
            node_id: new.node_id,
            patient_id: new.patient_id,
            encounter_patient_id: None,
            appointment_id: new.appointment_id,
            provider_id,
            initiator_id: new.initiator_id,
            video_backend: new.video_backend,
            room: new.room,
            schedule: new.schedule,
            delay: None,
            recording_enabled: new.recording_enabled,
            recording_withdrawn_at: None,
            recordings: Vec::new(),
            fallback: None,
            state: SessionState::Scheduled,
            participants,
            segments: Vec::new(),
            version: Version::FIRST,
            created_at: now,
            updated_at: now,
            erased_at: None,
        };
        let events = vec![Recorded { at: now, event: SessionEvent::Created }];
        Self { parts, stored: None, events, follow_ups: Vec::new() }
    }

    /// Invites a further person. Who is invited in that role already is not invited twice; who was put out is invited
    /// again, and comes back by signing in or by a new token.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] once the visit is over, [`Refusal::PatientAlreadyInvited`],
    /// [`Refusal::TooManyParticipants`].
    pub fn invite(&mut self, new: NewParticipant, limit: u8, change: &Change) -> Result<Outcome, Refusal> {
        let same = |p: &&Participant| p.user_id.is_some() && p.user_id == new.user_id && p.role == new.role;
        let known = self.parts.participants.iter().find(same).map(|p| (p.id, p.state.status()));
        let removed = match known {
            Some((id, ParticipantStatus::Removed)) => Some(id),
            Some(_) => return Ok(Outcome::AlreadyApplied),
            None => None,
        };
        self.expect(change.expected.as_ref())?;
        self.must_be_open(Action::Invite)?;
        if new.role == ParticipantRole::Patient {
            return Err(Refusal::PatientAlreadyInvited);
        }
        let at = self.moment(change.at);
        let event = match removed {
            Some(id) => {
                self.must_have_a_place(limit)?;
                self.participant_mut(id)?.state = ParticipantState::Invited;
                SessionEvent::ParticipantInvited { participant: id, role: new.role }
            }
            None => self.add(new, limit)?,
        };
        Ok(self.applied(at, [event]))
    }

    /// Issues a join token for a participant: raises its version, so that every older token is dead. A removed person
    /// is invited again by it. A person who is inside leaves the room: whoever opens the new link waits to be admitted again.
    /// `related`: the proxy that it is issued to, if any.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] once the visit is over, [`Refusal::ParticipantNotFound`],
    /// [`Refusal::ProvidersSignIn`], [`Refusal::NotItsProvider`] for somebody who was let in, unless a provider of the visit
    /// asks, [`Refusal::TooManyParticipants`] for a removed person whose place was taken.
    pub fn issue_join_token(
        &mut self,
        id: ParticipantId,
        related: Option<RelatedPersonId>,
        limit: u8,
        change: &Change,
    ) -> Result<Outcome, Refusal> {
        self.expect(change.expected.as_ref())?;
        self.must_be_open(Action::IssueJoinToken)?;
        let at = self.moment(change.at);
        let (role, status) = {
            let participant = self.parts.participant(id).ok_or(Refusal::ParticipantNotFound)?;
            (participant.role, participant.state.status())
        };
        if role == ParticipantRole::Provider {
            return Err(Refusal::ProvidersSignIn);
        }
        let inside = self.parts.participant(id).is_some_and(|participant| participant.state.is_let_in());
        if inside && !self.treating().contains(&&change.by) {
            return Err(Refusal::NotItsProvider);
        }
        if status == ParticipantStatus::Removed {
            self.must_have_a_place(limit)?;
        }
        let participant = self.participant_mut(id)?;
        if status == ParticipantStatus::Removed {
            participant.state = ParticipantState::Invited;
        }
        if inside {
            participant.leave(ParticipantState::Invited, at);
        }
        participant.token_version += 1;
        // Who was there once is not forgotten for a link that somebody else gets later.
        if related.is_some() || participant.let_in_at.is_none() {
            participant.related_person = related.filter(|_| role == ParticipantRole::Patient);
        }
        let token_version = participant.token_version;
        let mut events = vec![SessionEvent::JoinTokenIssued { participant: id, token_version }];
        if inside {
            self.look_whether_everybody_left();
            events.push(SessionEvent::ParticipantInvited { participant: id, role });
            events.extend(self.follow_presence(at));
        }
        Ok(self.applied(at, events))
    }

    pub(super) fn add(&mut self, new: NewParticipant, limit: u8) -> Result<SessionEvent, Refusal> {
        self.must_have_a_place(limit)?;
        let event = SessionEvent::ParticipantInvited { participant: new.id, role: new.role };
        self.parts.participants.push(Participant::invited(new.id, new.user_id, new.role));
        Ok(event)
    }

    fn must_have_a_place(&self, limit: u8) -> Result<(), Refusal> {
        let taken = |p: &&Participant| p.state.status() != ParticipantStatus::Removed;
        if self.parts.participants.iter().filter(taken).count() < usize::from(limit) {
            Ok(())
        } else {
            Err(Refusal::TooManyParticipants { limit })
        }
    }

    pub(super) fn must_be_open(&self, action: Action) -> Result<(), Refusal> {
        match self.parts.state {
            SessionState::Scheduled | SessionState::Waiting | SessionState::Active { .. } => Ok(()),
            SessionState::Failed { .. }
            | SessionState::Ended { .. }
            | SessionState::Cancelled { .. }
            | SessionState::NoShow { .. } => self.refuse(action),
        }
    }

    pub(super) fn participant_mut(&mut self, id: ParticipantId) -> Result<&mut Participant, Refusal> {
        self.parts.participants.iter_mut().find(|p| p.id == id).ok_or(Refusal::ParticipantNotFound)
    }
}
