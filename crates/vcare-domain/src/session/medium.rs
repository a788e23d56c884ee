//! In which medium a visit is held: what the links of its people carry, or messages when that was asked for.

use time::OffsetDateTime;

use crate::event::{FollowUp, SessionEvent};
use crate::ids::ParticipantId;
use crate::link::LinkUse;
use crate::messaging::{Fallback, FallbackOffer, ThreadRecord};
use crate::participant::{Participant, ParticipantRole, ParticipantStatus};
use crate::refusal::{Action, Refusal};
use crate::segment::{MediaMode, MediaSegment, SegmentCause};
use crate::session::{Change, Outcome, SessionState, VirtualSession};
use crate::text::{FreeText, ThreadId};

impl VirtualSession {
    /// Notes what somebody's link is used for by now. The medium of a visit that goes on follows. `chosen` says that the
    /// person asked for no more.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] once the visit is over, [`Refusal::ParticipantNotFound`],
    /// [`Refusal::ParticipantRemoved`].
    pub fn note_link(
        &mut self,
        id: ParticipantId,
        link: LinkUse,
        chosen: bool,
        at: OffsetDateTime,
    ) -> Result<Outcome, Refusal> {
        self.must_be_open(Action::NoteLink)?;
        let at = self.moment(at);
        let participant = self.participant_mut(id)?;
        if participant.state.status() == ParticipantStatus::Removed {
            return Err(Refusal::ParticipantRemoved);
        }
        if participant.link == Some(link) {
            return Ok(Outcome::AlreadyApplied);
        }
        let before = participant.link.replace(link).map_or(MediaMode::Video, |before| before.mode);
        let mut events = vec![SessionEvent::LinkChanged { participant: id, role: participant.role, link }];
        if before != link.mode {
            events.extend(self.follow_links(chosen, at));
        }
        Ok(self.applied(at, events))
    }

    /// Goes on in messages. Asking again changes nothing, unless the thread was refused before, or the visit went back to
    /// talking meanwhile.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`]; [`Refusal::InvalidTransition`] unless active or failed.
    pub fn fall_back(&mut self, reason: Option<FreeText>, change: &Change) -> Result<Outcome, Refusal> {
        let began = matches!(self.parts.state, SessionState::Active { .. } | SessionState::Failed { .. });
        let wanted = match self.parts.fallback.as_ref().map(|fallback| &fallback.thread) {
            None | Some(ThreadRecord::Parked) => true,
            Some(ThreadRecord::Pending | ThreadRecord::Created(_)) => false,
        };
        let talks = self.medium().is_some_and(|mode| mode != MediaMode::Message);
        if began && !wanted && !talks {
            return Ok(Outcome::AlreadyApplied);
        }
        self.expect(change.expected.as_ref())?;
        if !began {
            return self.refuse(Action::FallBack);
        }
        let at = self.moment(change.at);
        let mut events = Vec::new();
        if wanted {
            // Whoever asks again asks for the same thread: there must never be two.
            let before = self.parts.fallback.take();
            let (requested_by, reason) =
                before.map_or((change.by.clone(), None), |before| (before.requested_by, before.reason));
            self.parts.fallback = Some(Fallback { requested_by, reason, thread: ThreadRecord::Pending });
            self.follow_ups.push(FollowUp::CreateThread);
            events.push(SessionEvent::FallbackInitiated);
        }
        if let (Some(reason), Some(fallback)) = (reason, &mut self.parts.fallback) {
            fallback.reason = Some(reason);
        }
        if talks {
            events.extend(self.go_on_in(MediaMode::Message, SegmentCause::Chosen, at));
        }
        Ok(self.applied(at, events))
    }

    /// Notes the thread of the fallback, whatever the visit's state is by then.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] when nobody fell back.
    pub fn record_thread(&mut self, thread: ThreadId, at: OffsetDateTime) -> Result<Outcome, Refusal> {
        let at = self.moment(at);
        match &mut self.parts.fallback {
            None => self.refuse(Action::RecordThread),
            Some(Fallback { thread: ThreadRecord::Created(_), .. }) => Ok(Outcome::AlreadyApplied),
            Some(Fallback { thread: record @ (ThreadRecord::Pending | ThreadRecord::Parked), .. }) => {
                *record = ThreadRecord::Created(thread.clone());
                Ok(self.applied(at, [SessionEvent::FallbackThreadCreated { thread }]))
            }
        }
    }

    /// Hands the thread to a person, because the communication-service refuses it.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] when nobody fell back, or the thread is there.
    pub fn park_thread(&mut self, at: OffsetDateTime) -> Result<Outcome, Refusal> {
        let at = self.moment(at);
        match &mut self.parts.fallback {
            Some(Fallback { thread: ThreadRecord::Parked, .. }) => Ok(Outcome::AlreadyApplied),
            Some(Fallback { thread: record @ ThreadRecord::Pending, .. }) => {
                *record = ThreadRecord::Parked;
                Ok(self.applied(at, [SessionEvent::FallbackParked]))
            }
            None | Some(_) => self.refuse(Action::ParkThread),
        }
    }

    /// How that participant may go on without a live link: offered to the patient, as soon as the visit failed.
    #[must_use]
    pub fn fallback_offer(&self, id: ParticipantId) -> Option<FallbackOffer> {
        let SessionState::Failed { .. } = self.parts.state else { return None };
        self.parts.patient().filter(|patient| patient.id == id)?;
        let thread = self.parts.fallback.as_ref().and_then(|fallback| fallback.thread.id()).cloned();
        Some(FallbackOffer { thread, continue_async: self.may_continue_async().is_ok() })
    }

    /// Goes on in another medium: closes the running segment and opens the next.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless the visit is active.
    pub fn change_media_mode(
        &mut self,
        to: MediaMode,
        cause: SegmentCause,
        at: OffsetDateTime,
    ) -> Result<Outcome, Refusal> {
        let SessionState::Active { .. } = self.parts.state else { return self.refuse(Action::ChangeMediaMode) };
        let at = self.moment(at);
        match self.go_on_in(to, cause, at) {
            Some(changed) => Ok(self.applied(at, [changed])),
            None => Ok(Outcome::AlreadyApplied),
        }
    }

    /// What the links carry that make the visit: the patient's, those of the providers who are there, and that of `id`. `None`
    /// when none of them was probed.
    #[must_use]
    pub fn link_for(&self, id: ParticipantId) -> Option<LinkUse> {
        self.poorest(|participant| participant.id == id || self.counts(participant))
    }

    /// What the visit is held in now; `None` unless it is active.
    pub(super) fn medium(&self) -> Option<MediaMode> {
        self.parts.medium()
    }

    /// The medium in which the visit begins, or would.
    pub(super) fn carried(&self) -> MediaMode {
        self.poorest(|participant| self.counts(participant)).map_or(MediaMode::Video, |link| link.mode)
    }

    /// Whether the visit goes on in messages because somebody asked for that: then nobody's connection is missed.
    pub(super) fn is_in_messages(&self) -> bool {
        self.parts.fallback.is_some() && self.medium() == Some(MediaMode::Message)
    }

    /// Lets the medium follow the links. Not while the patient is gone: nothing is held that could change.
    pub(super) fn follow_links(&mut self, chosen: bool, at: OffsetDateTime) -> Option<SessionEvent> {
        if self.patient_lost_at().is_some() {
            return None;
        }
        let (from, to) = (self.medium()?, self.carried());
        let cause = match chosen {
            true => SegmentCause::Chosen,
            false if to.poorer(from) == to => SegmentCause::LinkDegraded,
            false => SegmentCause::LinkRecovered,
        };
        self.go_on_in(to, cause, at)
    }

    /// The same when somebody came or went who is not the patient: no reason to leave messages that were asked for.
    pub(super) fn follow_presence(&mut self, at: OffsetDateTime) -> Option<SessionEvent> {
        if self.is_in_messages() { None } else { self.follow_links(false, at) }
    }

    fn poorest(&self, counts: impl Fn(&Participant) -> bool) -> Option<LinkUse> {
        let those = self.parts.participants.iter().filter(|participant| counts(participant));
        those.filter_map(|participant| participant.link).reduce(LinkUse::poorer)
    }

    /// Interpreters and observers do not drag a visit down.
    fn counts(&self, participant: &Participant) -> bool {
        match participant.role {
            ParticipantRole::Patient => participant.state.status() != ParticipantStatus::Removed,
            ParticipantRole::Provider => participant.state.status() == ParticipantStatus::Active,
            ParticipantRole::Interpreter | ParticipantRole::Observer => false,
        }
    }

    fn go_on_in(&mut self, to: MediaMode, cause: SegmentCause, at: OffsetDateTime) -> Option<SessionEvent> {
        let from = self.medium()?;
        if from == to {
            return None;
        }
        self.close_segment(at);
        self.parts.segments.push(MediaSegment { mode: to, from: at, to: None, cause });
        Some(SessionEvent::MediaModeChanged { from, to, cause })
    }
}
