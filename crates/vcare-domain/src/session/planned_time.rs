//! The planned time of a visit moves, or the patient says that they come later.

use time::{Duration, OffsetDateTime};

use crate::event::SessionEvent;
use crate::ids::ParticipantId;
use crate::participant::{Participant, ParticipantRole, ParticipantState, ParticipantStatus};
use crate::reason::{CancelCode, Reason};
use crate::refusal::{Action, Refusal};
use crate::schedule::{Delay, NewTime};
use crate::session::{Change, Outcome, SessionParts, SessionState, VirtualSession};

impl SessionParts {
    /// When the patient comes who announced a delay; `None` once the visit has begun or is over.
    #[must_use]
    pub fn expected_at(&self) -> Option<OffsetDateTime> {
        let delay = self.delay.filter(|_| matches!(self.state, SessionState::Scheduled | SessionState::Waiting))?;
        Some(self.schedule.start() + delay.duration())
    }
}

impl VirtualSession {
    /// Moves a visit that has not begun to another time. Links that were issued open until the new planned end at least. When by
    /// the new time the waiting room is not open yet, which it is from `grace` before the planned start on, it is emptied: who was
    /// in it is invited again, and the visit is scheduled. A delay that the patient announced was about the old time, and is
    /// forgotten.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`]; [`Refusal::InvalidTransition`] unless scheduled or waiting; [`Refusal::Schedule`] for a time
    /// that cannot be.
    pub fn reschedule(&mut self, to: &NewTime, grace: Duration, change: &Change) -> Result<Outcome, Refusal> {
        let (SessionState::Scheduled | SessionState::Waiting) = self.parts.state else {
            return self.refuse(Action::Reschedule);
        };
        let schedule = self.parts.schedule.moved(to, change.at)?;
        if self.parts.schedule == schedule {
            return Ok(Outcome::AlreadyApplied);
        }
        self.expect(change.expected.as_ref())?;
        let at = self.moment(change.at);
        if change.at < schedule.start() - grace {
            self.empty_waiting_room(at);
        }
        let from = std::mem::replace(&mut self.parts.schedule, schedule);
        self.parts.delay = None;
        Ok(self.applied(at, [SessionEvent::Rescheduled { from }]))
    }

    fn empty_waiting_room(&mut self, at: OffsetDateTime) {
        self.parts.state = SessionState::Scheduled;
        let came = |one: &&mut Participant| one.joined_at.is_some() && one.state.status() != ParticipantStatus::Removed;
        for one in self.parts.participants.iter_mut().filter(came) {
            one.leave(ParticipantState::Invited, at);
            (one.joined_at, one.left_at) = (None, None);
        }
    }

    /// When that participant is expected, if it is the patient and they announced a delay.
    #[must_use]
    pub fn expected_arrival(&self, id: ParticipantId) -> Option<OffsetDateTime> {
        let patient = self.parts.patient().filter(|patient| patient.id == id);
        patient.and_then(|_| self.parts.expected_at())
    }

    /// The patient says that they come later than planned. Another delay replaces the first one.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless scheduled or waiting; [`Refusal::DelayHasPassed`] when that time has
    /// passed already.
    pub fn announce_delay(&mut self, delay: Delay, at: OffsetDateTime) -> Result<Outcome, Refusal> {
        let (SessionState::Scheduled | SessionState::Waiting) = self.parts.state else {
            return self.refuse(Action::AnnounceDelay);
        };
        if self.parts.delay == Some(delay) {
            return Ok(Outcome::AlreadyApplied);
        }
        let expected_at = self.parts.schedule.start() + delay.duration();
        if at >= expected_at {
            return Err(Refusal::DelayHasPassed { expected_at });
        }
        self.parts.delay = Some(delay);
        Ok(self.applied(self.moment(at), [SessionEvent::PatientDelayed { delay, expected_at }]))
    }

    /// [`Self::announce_delay`], by the patient's link.
    ///
    /// # Errors
    /// As there, and as [`Self::admits_token`]; [`Refusal::NotThePatient`] for the link of somebody else.
    pub fn announce_delay_by_link(
        &mut self,
        id: ParticipantId,
        token_version: u32,
        delay: Delay,
        at: OffsetDateTime,
    ) -> Result<Outcome, Refusal> {
        self.must_be_patients_link(id, token_version)?;
        self.announce_delay(delay, at)
    }

    /// [`Self::cancel`], by the patient's link.
    ///
    /// # Errors
    /// As there, and as [`Self::admits_token`]; [`Refusal::NotThePatient`] for the link of somebody else.
    pub fn cancel_by_link(
        &mut self,
        id: ParticipantId,
        token_version: u32,
        reason: Reason<CancelCode>,
        at: OffsetDateTime,
    ) -> Result<Outcome, Refusal> {
        self.must_be_patients_link(id, token_version)?;
        self.call_off(reason, None, at)
    }

    fn must_be_patients_link(&self, id: ParticipantId, token_version: u32) -> Result<(), Refusal> {
        match self.holder_of(id, token_version)?.role {
            ParticipantRole::Patient => Ok(()),
            _ => Err(Refusal::NotThePatient),
        }
    }
}
