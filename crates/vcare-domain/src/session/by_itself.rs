//! What becomes of a visit that nobody ends: it ends by itself, or nobody came. And how one that failed goes on.

use time::{Duration, OffsetDateTime};

use crate::event::{FollowUp, SessionEvent};
use crate::ids::ParticipantId;
use crate::participant::{Participant, ParticipantRole};
use crate::reason::NoShowCode;
use crate::refusal::{Action, Refusal};
use crate::segment::{MediaSegment, SegmentCause};
use crate::session::{EndCause, Outcome, SessionState, SessionStatus, VirtualSession};

/// How long a failed visit waits for somebody to resume or end it.
pub(super) const FAILED_ENDS_AFTER: Duration = Duration::DAY;
/// How long a visit in messages goes on after everybody has left the video room.
const MESSAGES_END_AFTER: Duration = Duration::DAY;
/// How long after its planned end a visit stays open whose patient came and was not admitted.
const NOT_HELD_AFTER: Duration = Duration::DAY;

/// How long a tenant waits for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a patient whose connection was lost, before the visit fails.
    pub reconnect: Duration,
    /// For somebody to resume a visit that failed.
    pub resume: Duration,
    /// For somebody to come back when everybody has left, before the visit ends by itself.
    pub auto_end: Duration,
    /// For the patient, after the planned start, before the visit is a no-show.
    pub no_show: Duration,
}

impl Patience {
    /// As in the settings of a new tenant.
    pub const DEFAULT: Self = Self {
        reconnect: Duration::minutes(1),
        resume: Duration::minutes(30),
        auto_end: Duration::minutes(10),
        no_show: Duration::minutes(60),
    };

    /// For nobody.
    pub const NONE: Self =
        Self { reconnect: Duration::ZERO, resume: Duration::ZERO, auto_end: Duration::ZERO, no_show: Duration::ZERO };
}

fn due(until: OffsetDateTime, at: OffsetDateTime) -> Result<(), Refusal> {
    if at < until { Err(Refusal::NotDue { until }) } else { Ok(()) }
}

impl VirtualSession {
    /// Since when neither the patient nor a provider is in an active visit; `None` while one of them is, and unless active.
    #[must_use]
    pub fn everybody_left_at(&self) -> Option<OffsetDateTime> {
        let SessionState::Active { started_at } = self.parts.state else { return None };
        let counts = |one: &&Participant| matches!(one.role, ParticipantRole::Patient | ParticipantRole::Provider);
        let mut left_at = started_at;
        for one in self.parts.participants.iter().filter(counts) {
            if one.state.is_inside() {
                return None;
            }
            left_at = one.stays.last().and_then(|last| last.to).map_or(left_at, |left| left.max(left_at));
        }
        Some(left_at)
    }

    /// Ends a visit that nobody ends: when everybody has left for long enough; when it failed a day ago; when the patient came
    /// and was not admitted until a day after the planned end. Notes a no-show when the patient did not come in time.
    ///
    /// # Errors
    /// [`Refusal::NotDue`] says from when on; [`Refusal::InvalidTransition`] while somebody is in it, and once it is over.
    pub fn end_by_itself(&mut self, patience: Patience, at: OffsetDateTime) -> Result<Outcome, Refusal> {
        let planned = &self.parts.schedule;
        match self.parts.state {
            SessionState::Active { .. } => {
                let Some(left_at) = self.everybody_left_at() else { return self.refuse(Action::EndByItself) };
                let wait = if self.is_in_messages() { MESSAGES_END_AFTER } else { patience.auto_end };
                due(left_at + wait, at)?;
                Ok(self.over(EndCause::EverybodyLeft, None, self.moment(at)))
            }
            SessionState::Failed { failed_at, .. } => {
                due(failed_at + FAILED_ENDS_AFTER, at)?;
                Ok(self.over(EndCause::ConnectionLost, None, self.moment(at)))
            }
            SessionState::Scheduled | SessionState::Waiting if !self.patient_has_come() => {
                let start = self.parts.expected_at().unwrap_or(planned.start());
                due((start + patience.no_show).max(planned.end()), at)?;
                Ok(self.nobody_came(NoShowCode::PatientAbsent, self.moment(at)))
            }
            SessionState::Scheduled | SessionState::Waiting => {
                due(planned.end() + NOT_HELD_AFTER, at)?;
                Ok(self.over(EndCause::NotHeld, None, self.moment(at)))
            }
            SessionState::Ended { .. } | SessionState::Cancelled { .. } | SessionState::NoShow { .. } => {
                self.refuse(Action::EndByItself)
            }
        }
    }

    /// Has a worker look when everybody has left. When the visit ends is decided then, by the tenant's settings of that time.
    pub(super) fn look_whether_everybody_left(&mut self) {
        if let Some(due) = self.everybody_left_at() {
            self.follow_ups.push(FollowUp::EndByItself { due });
        }
    }

    /// Has a worker look whether the visit failed, when a provider comes back to a patient who is lost: nobody waited for the
    /// patient meanwhile.
    pub(super) fn wait_for_lost_patient(&mut self, window: Duration, at: OffsetDateTime) {
        if matches!(self.parts.state, SessionState::Active { .. }) && self.patient_lost_at().is_some() {
            self.follow_ups.push(FollowUp::FailLostVisit { due: at + window });
        }
    }

    /// Whether the patient has come at least once.
    fn patient_has_come(&self) -> bool {
        self.parts.patient().is_some_and(|patient| patient.joined_at.is_some())
    }

    /// Whether a link that was issued until `expires_at` still opens: until then, and until the planned end, which may have moved;
    /// for somebody who came in time, as long as the visit waits, goes on or may be resumed.
    #[must_use]
    pub fn link_is_open(&self, id: ParticipantId, expires_at: OffsetDateTime, now: OffsetDateTime) -> bool {
        use SessionStatus::{Active, Failed, Waiting};
        let came = self.parts.participant(id).is_some_and(|one| one.joined_at.is_some());
        now < expires_at.max(self.parts.schedule.end()) || (came && matches!(self.status(), Waiting | Active | Failed))
    }

    /// Whether that participant may bring a failed visit back: its patient or a provider, within `resume`.
    pub(super) fn may_resume(&self, role: ParticipantRole, resume: Duration, at: OffsetDateTime) -> bool {
        let SessionState::Failed { failed_at, .. } = self.parts.state else { return false };
        matches!(role, ParticipantRole::Patient | ParticipantRole::Provider) && at < failed_at + resume
    }

    /// Brings a failed visit back: it is the same visit, with a further stretch.
    pub(super) fn resume(&mut self, at: OffsetDateTime) -> Option<SessionEvent> {
        let SessionState::Failed { started_at, .. } = self.parts.state else { return None };
        self.parts.state = SessionState::Active { started_at };
        let (mode, cause) = (self.carried(), SegmentCause::LinkRecovered);
        self.parts.segments.push(MediaSegment { mode, from: at, to: None, cause });
        Some(SessionEvent::Resumed)
    }
}
