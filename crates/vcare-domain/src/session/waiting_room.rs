//! Coming, waiting, being let in, being put out.

use time::{Duration, OffsetDateTime};

use crate::event::{FollowUp, SessionEvent};
use crate::ids::ParticipantId;
use crate::participant::{Participant, ParticipantRole, ParticipantState, ParticipantStatus};
use crate::reason::{Reason, RemovalCode};
use crate::refusal::{Action, Refusal};
use crate::segment::{MediaSegment, SegmentCause};
use crate::session::{Change, NewParticipant, Outcome, Patience, SessionState, SessionStatus, Version, VirtualSession};
use crate::text::UserId;

/// Where somebody who comes is led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Not let in yet.
    WaitingRoom,
    /// Let in: straight to the video room.
    DirectJoin,
}

impl Entry {
    /// Every entry.
    pub const ALL: [Self; 2] = [Self::WaitingRoom, Self::DirectJoin];

    /// The entry's name in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WaitingRoom => "waiting_room",
            Self::DirectJoin => "direct_join",
        }
    }
}

impl VirtualSession {
    /// Checks that a join token still opens this visit: it names a participant who was not removed, it is the newest
    /// one, and the visit is not over. Version 0 stands for no token at all and opens nothing.
    ///
    /// # Errors
    /// [`Refusal::ParticipantNotFound`], [`Refusal::ParticipantRemoved`], [`Refusal::TokenSuperseded`],
    /// [`Refusal::InvalidTransition`].
    pub fn admits_token(&self, id: ParticipantId, token_version: u32) -> Result<&Participant, Refusal> {
        let participant = self.holder_of(id, token_version)?;
        self.must_be_open(Action::Join)?;
        Ok(participant)
    }

    /// Checks that a join token shows its holder the visit's status: while the visit is open, and when it failed, as its
    /// patient is then offered to go on without a live link.
    ///
    /// # Errors
    /// As [`Self::admits_token`], but not when the visit failed.
    pub fn shows_status_to(&self, id: ParticipantId, token_version: u32) -> Result<&Participant, Refusal> {
        if self.status() == SessionStatus::Failed {
            return self.holder_of(id, token_version);
        }
        self.admits_token(id, token_version)
    }

    /// Checks that a join token brings its holder in: while the visit is open, and somebody who was in it also when it failed less
    /// than `resume` ago.
    ///
    /// # Errors
    /// As [`Self::admits_token`].
    pub fn opens_to(
        &self,
        id: ParticipantId,
        token_version: u32,
        resume: Duration,
        at: OffsetDateTime,
    ) -> Result<&Participant, Refusal> {
        let participant = self.holder_of(id, token_version)?;
        let returns = participant.state.status() == ParticipantStatus::Disconnected;
        if !(returns && self.may_resume(participant.role, resume, at)) {
            self.must_be_open(Action::Join)?;
        }
        Ok(participant)
    }

    /// The participant whom the newest join token names.
    pub(super) fn holder_of(&self, id: ParticipantId, token_version: u32) -> Result<&Participant, Refusal> {
        let participant = self.parts.participant(id).ok_or(Refusal::ParticipantNotFound)?;
        if participant.state.status() == ParticipantStatus::Removed {
            return Err(Refusal::ParticipantRemoved);
        }
        if token_version == 0 || participant.token_version != token_version {
            return Err(Refusal::TokenSuperseded);
        }
        Ok(participant)
    }

    /// Somebody comes by link. The first time into the waiting room; after a lost connection back into the visit, also into one
    /// that failed less than `resume` ago, which goes on then; reloading the page changes nothing.
    ///
    /// # Errors
    /// As [`Self::admits_token`].
    pub fn join(
        &mut self,
        id: ParticipantId,
        token_version: u32,
        resume: Duration,
        at: OffsetDateTime,
    ) -> Result<Outcome, Refusal> {
        let (role, state) = {
            let participant = self.opens_to(id, token_version, resume, at)?;
            (participant.role, participant.state.status())
        };
        let at = self.moment(at);
        let state = match state {
            ParticipantStatus::Invited => ParticipantState::Waiting { since: at },
            ParticipantStatus::Disconnected => ParticipantState::Active { since: at },
            _ => return Ok(Outcome::AlreadyApplied),
        };
        let status = state.status();
        self.participant_mut(id)?.come(state, at);
        self.open_waiting_room();
        let mut events = vec![SessionEvent::ParticipantJoined { participant: id, role, status }];
        events.extend(self.resume(at));
        if role == ParticipantRole::Patient {
            events.extend(self.follow_links(false, at));
        }
        Ok(self.applied(at, events))
    }

    /// A clinician comes. Who is not a provider of this visit yet becomes one, under `new_id`. A visit that failed less than
    /// `patience.resume` ago goes on; a patient who is still lost is waited for anew.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] once the visit is over, [`Refusal::TooManyParticipants`],
    /// [`Refusal::ParticipantRemoved`].
    pub fn join_as_provider(
        &mut self,
        new_id: ParticipantId,
        limit: u8,
        patience: Patience,
        change: &Change,
    ) -> Result<Outcome, Refusal> {
        let resumes = self.may_resume(ParticipantRole::Provider, patience.resume, change.at);
        if !resumes {
            self.must_be_open(Action::JoinAsProvider)?;
        }
        let known = self.parts.provider(&change.by).map(|p| p.state.status());
        match known {
            Some(ParticipantStatus::Removed) => return Err(Refusal::ParticipantRemoved),
            Some(ParticipantStatus::Active) if !resumes => return Ok(Outcome::AlreadyApplied),
            _ => self.expect(change.expected.as_ref())?,
        }
        let at = self.moment(change.at);
        let mut events = Vec::new();
        if known.is_none() {
            let new = NewParticipant { id: new_id, user_id: Some(change.by.clone()), role: ParticipantRole::Provider };
            events.push(self.add(new, limit)?);
        }
        events.extend(self.bring_in_provider(&change.by, at));
        events.extend(self.resume(at));
        events.extend(self.follow_presence(at));
        self.open_waiting_room();
        self.wait_for_lost_patient(patience.reconnect, at);
        Ok(self.applied(at, events))
    }

    /// Lets somebody in from the waiting room. A provider of the visit is marked as come by it; anybody else may
    /// decide only while a provider is there. The patient's admission begins the visit.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`], [`Refusal::InvalidTransition`], [`Refusal::ParticipantNotFound`],
    /// [`Refusal::NotWaiting`], [`Refusal::ProviderNotInSession`].
    pub fn admit(&mut self, id: ParticipantId, change: &Change) -> Result<Outcome, Refusal> {
        self.expect(change.expected.as_ref())?;
        self.must_be_open(Action::Admit)?;
        let participant = self.parts.participant(id).ok_or(Refusal::ParticipantNotFound)?;
        let (role, status) = (participant.role, participant.state.status());
        if status != ParticipantStatus::Waiting {
            return Err(Refusal::NotWaiting { status });
        }
        let at = self.moment(change.at);
        let own_provider = self.parts.provider(&change.by).map(|p| p.state.status());
        let mut events = Vec::new();
        match own_provider {
            Some(status) if status != ParticipantStatus::Removed => {
                events.extend(self.bring_in_provider(&change.by, at));
            }
            _ if self.has_provider_present() => {}
            _ => return Err(Refusal::ProviderNotInSession),
        }
        self.participant_mut(id)?.enter(ParticipantState::Admitted { at }, at);
        events.push(SessionEvent::ParticipantAdmitted { participant: id, role, admitted_by: change.by.clone() });
        if role == ParticipantRole::Patient && !matches!(self.parts.state, SessionState::Active { .. }) {
            self.parts.state = SessionState::Active { started_at: at };
            let (mode, cause) = (self.carried(), SegmentCause::Started);
            self.parts.segments.push(MediaSegment { mode, from: at, to: None, cause });
            events.push(SessionEvent::Started);
        } else {
            events.extend(self.follow_presence(at));
        }
        Ok(self.applied(at, events))
    }

    /// Puts somebody out; every token of theirs is dead.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`], [`Refusal::InvalidTransition`] once the visit is over,
    /// [`Refusal::ParticipantNotFound`].
    pub fn remove(
        &mut self,
        id: ParticipantId,
        reason: Reason<RemovalCode>,
        change: &Change,
    ) -> Result<Outcome, Refusal> {
        let participant = self.parts.participant(id).ok_or(Refusal::ParticipantNotFound)?;
        if participant.state.status() == ParticipantStatus::Removed {
            return Ok(Outcome::AlreadyApplied);
        }
        self.expect(change.expected.as_ref())?;
        self.must_be_open(Action::Remove)?;
        let at = self.moment(change.at);
        let participant = self.participant_mut(id)?;
        participant.leave(ParticipantState::Removed { at, reason }, at);
        participant.token_version += 1;
        let role = participant.role;
        self.look_whether_everybody_left();
        let removed_by = change.by.clone();
        let mut events = vec![SessionEvent::ParticipantRemoved { participant: id, role, removed_by }];
        events.extend(self.follow_presence(at));
        Ok(self.applied(at, events))
    }

    /// Notes that somebody in the visit lost the connection. The patient is waited for as long as `window`.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless the visit is active, [`Refusal::ParticipantNotFound`].
    pub fn disconnect(&mut self, id: ParticipantId, at: OffsetDateTime, window: Duration) -> Result<Outcome, Refusal> {
        if self.status() != SessionStatus::Active {
            return self.refuse(Action::Disconnect);
        }
        let at = self.moment(at);
        let participant = self.participant_mut(id)?;
        if !matches!(participant.state.status(), ParticipantStatus::Admitted | ParticipantStatus::Active) {
            return Ok(Outcome::AlreadyApplied);
        }
        participant.leave(ParticipantState::Disconnected { at }, at);
        let role = participant.role;
        if role == ParticipantRole::Patient {
            self.follow_ups.push(FollowUp::FailLostVisit { due: at + window });
        }
        self.look_whether_everybody_left();
        let mut events = vec![SessionEvent::ParticipantDisconnected { participant: id, role }];
        events.extend(self.follow_presence(at));
        Ok(self.applied(at, events))
    }

    /// Where that participant is led when they come.
    #[must_use]
    pub fn entry(&self, id: ParticipantId) -> Entry {
        match self.parts.participant(id) {
            Some(participant) if participant.state.is_let_in() => Entry::DirectJoin,
            _ => Entry::WaitingRoom,
        }
    }

    /// The version a caller may send back with a decision.
    #[must_use]
    pub fn version(&self) -> Version {
        self.parts.version
    }

    /// Until when a link into this visit opens: the planned end and `grace`. A visit that began and runs late keeps opening
    /// for as long again, so that whoever loses the connection can come back.
    #[must_use]
    pub fn link_expires_at(&self, grace: Duration, now: OffsetDateTime) -> OffsetDateTime {
        let planned = self.parts.schedule.end() + grace;
        match self.parts.state {
            SessionState::Waiting | SessionState::Active { .. } => planned.max(now + grace),
            _ => planned,
        }
    }

    /// Until when a link opens that is issued now: [`Self::link_expires_at`], and for at least an hour, as nobody is handed a
    /// link that is dead.
    #[must_use]
    pub fn new_link_expires_at(&self, grace: Duration, now: OffsetDateTime) -> OffsetDateTime {
        self.link_expires_at(grace, now).max(now + Duration::HOUR)
    }

    pub(super) fn has_provider_present(&self) -> bool {
        let present = |p: &Participant| {
            p.role == ParticipantRole::Provider
                && matches!(p.state.status(), ParticipantStatus::Active | ParticipantStatus::Disconnected)
        };
        self.parts.participants.iter().any(present)
    }

    fn bring_in_provider(&mut self, user: &UserId, at: OffsetDateTime) -> Option<SessionEvent> {
        let provider = self.parts.participants.iter_mut().find(|p| {
            p.role == ParticipantRole::Provider
                && p.user_id.as_ref() == Some(user)
                && !matches!(p.state.status(), ParticipantStatus::Active | ParticipantStatus::Removed)
        })?;
        provider.come(ParticipantState::Active { since: at }, at);
        self.parts.provider_id.get_or_insert_with(|| user.clone());
        let (participant, role, status) = (provider.id, provider.role, ParticipantStatus::Active);
        Some(SessionEvent::ParticipantJoined { participant, role, status })
    }

    fn open_waiting_room(&mut self) {
        if matches!(self.parts.state, SessionState::Scheduled) {
            self.parts.state = SessionState::Waiting;
        }
    }
}
