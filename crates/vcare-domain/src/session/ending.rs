//! Cancelling, failing, ending, and what follows an end.

use time::{Duration, OffsetDateTime};

use crate::encounter::{ChartedEncounter, EncounterRecord};
use crate::event::{FollowUp, SessionEvent};
use crate::participant::{ParticipantState, ParticipantStatus};
use crate::reason::{CancelCode, NoShowCode, Reason};
use crate::refusal::{Action, Refusal};
use crate::session::by_itself::FAILED_ENDS_AFTER;
use crate::session::{Change, EndCause, ExpectedVersions, Outcome, SessionState, VirtualSession};
use crate::text::{FreeText, PatientId};

impl VirtualSession {
    /// Calls the visit off before it began.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`]; [`Refusal::InvalidTransition`] unless scheduled or waiting.
    pub fn cancel(&mut self, reason: Reason<CancelCode>, change: &Change) -> Result<Outcome, Refusal> {
        self.call_off(reason, change.expected.as_ref(), change.at)
    }

    pub(super) fn call_off(
        &mut self,
        reason: Reason<CancelCode>,
        expected: Option<&ExpectedVersions>,
        at: OffsetDateTime,
    ) -> Result<Outcome, Refusal> {
        if let SessionState::Cancelled { .. } = self.parts.state {
            return Ok(Outcome::AlreadyApplied);
        }
        self.expect(expected)?;
        let (SessionState::Scheduled | SessionState::Waiting) = self.parts.state else {
            return self.refuse(Action::Cancel);
        };
        let at = self.moment(at);
        self.parts.state = SessionState::Cancelled { cancelled_at: at, reason };
        self.everybody_leaves(at);
        Ok(self.applied(at, [SessionEvent::Cancelled]))
    }

    /// Notes that the patient did not come. Possible from the planned start on, and while the patient is not in the waiting
    /// room.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`]; [`Refusal::InvalidTransition`] unless scheduled or waiting; [`Refusal::PatientCame`];
    /// [`Refusal::NotDue`] before the planned start.
    pub fn mark_no_show(&mut self, code: NoShowCode, change: &Change) -> Result<Outcome, Refusal> {
        if let SessionState::NoShow { .. } = self.parts.state {
            return Ok(Outcome::AlreadyApplied);
        }
        self.expect(change.expected.as_ref())?;
        let (SessionState::Scheduled | SessionState::Waiting) = self.parts.state else {
            return self.refuse(Action::MarkNoShow);
        };
        if self.parts.patient().is_some_and(|patient| patient.state.status() == ParticipantStatus::Waiting) {
            return Err(Refusal::PatientCame);
        }
        let start = self.parts.schedule.start();
        if change.at < start {
            return Err(Refusal::NotDue { until: start });
        }
        Ok(self.nobody_came(code, self.moment(change.at)))
    }

    pub(super) fn nobody_came(&mut self, code: NoShowCode, at: OffsetDateTime) -> Outcome {
        self.parts.state = SessionState::NoShow { noted_at: at, code };
        self.everybody_leaves(at);
        self.applied(at, [SessionEvent::NoShow])
    }

    /// Gives the visit up when its patient has been gone for as long as `window`; it can still be resumed, and ended. What was
    /// held ends when the connection was lost, not when the waiting did. When the providers have left, too, nobody waits for
    /// the patient, and the visit ends by itself instead.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless active; [`Refusal::PatientNotLost`], also while it goes on in messages or when
    /// everybody has left; [`Refusal::PatientAwaited`] while the window runs.
    pub fn fail(&mut self, window: Duration, at: OffsetDateTime) -> Result<Outcome, Refusal> {
        let started_at = match self.parts.state {
            SessionState::Active { started_at } => started_at,
            SessionState::Failed { .. } => return Ok(Outcome::AlreadyApplied),
            _ => return self.refuse(Action::Fail),
        };
        let waits = !self.is_in_messages() && self.everybody_left_at().is_none();
        let lost_at = self.patient_lost_at().filter(|_| waits).ok_or(Refusal::PatientNotLost)?;
        let until = lost_at + window;
        if at < until {
            return Err(Refusal::PatientAwaited { until });
        }
        let at = self.moment(at);
        self.close_segment(lost_at);
        self.parts.state = SessionState::Failed { started_at, failed_at: at };
        self.follow_ups.push(FollowUp::EndByItself { due: at + FAILED_ENDS_AFTER });
        Ok(self.applied(at, [SessionEvent::Failed]))
    }

    /// Ends the visit. Where the patient and a provider were together, an Encounter must follow; where they were not, or for
    /// less than a second, there is neither Encounter nor charge. Ending again changes nothing, whatever version the caller saw.
    ///
    /// # Errors
    /// [`Refusal::VersionConflict`]; [`Refusal::InvalidTransition`] when scheduled, cancelled or not attended.
    pub fn end(&mut self, reason: Option<FreeText>, change: &Change) -> Result<Outcome, Refusal> {
        if let SessionState::Ended { .. } = self.parts.state {
            return Ok(Outcome::AlreadyApplied);
        }
        self.expect(change.expected.as_ref())?;
        match self.parts.state {
            SessionState::Waiting | SessionState::Active { .. } | SessionState::Failed { .. } => {
                Ok(self.over(EndCause::Person, reason, self.moment(change.at)))
            }
            _ => self.refuse(Action::End),
        }
    }

    pub(super) fn over(&mut self, cause: EndCause, reason: Option<FreeText>, at: OffsetDateTime) -> Outcome {
        let started_at = self.parts.state.started_at();
        self.close_segment(at);
        self.everybody_leaves(at);
        let duration_seconds = self.parts.seconds().total();
        let encounter = if duration_seconds > 0 {
            self.follow_ups.push(FollowUp::CreateEncounter);
            EncounterRecord::Pending
        } else {
            EncounterRecord::NotRequired
        };
        // Whenever somebody presses the button: a visit ended when the patient or the last provider left.
        let ended_at = self.parts.last_together().unwrap_or(at);
        self.parts.state = SessionState::Ended { started_at, ended_at, cause, reason, encounter };
        self.applied(at, [SessionEvent::Ended { duration_seconds }])
    }

    /// Whether the visit may go on without a live link: somebody was in it, and the link was lost for too long. That changes
    /// nothing about it; a clinician still ends it, for what was held.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless failed.
    pub fn may_continue_async(&self) -> Result<(), Refusal> {
        match self.parts.state {
            SessionState::Failed { .. } => Ok(()),
            _ => self.refuse(Action::ContinueAsync),
        }
    }

    /// Notes the Encounter's id, and whose it is. This, and only this, makes the visit chargeable: once, and for the same
    /// patient.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless ended with an Encounter to write.
    pub fn record_encounter(
        &mut self,
        charted: impl Into<ChartedEncounter>,
        at: OffsetDateTime,
    ) -> Result<Outcome, Refusal> {
        let at = self.moment(at);
        let seconds = self.parts.seconds();
        let ChartedEncounter { id: encounter, patient } = charted.into();
        match &mut self.parts.state {
            SessionState::Ended { encounter: EncounterRecord::Created(_), .. } => Ok(Outcome::AlreadyApplied),
            SessionState::Ended {
                encounter: record @ (EncounterRecord::Pending | EncounterRecord::Parked), ..
            } => {
                *record = EncounterRecord::Created(encounter.clone());
                if let Some(patient) = patient {
                    self.write_encounter_for(patient);
                }
                Ok(self.applied(at, [SessionEvent::Chargeable { encounter, seconds }]))
            }
            _ => self.refuse(Action::RecordEncounter),
        }
    }

    /// Has the Encounter written for another record of the patient, after a merge that the chart does not tell of.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless ended with an Encounter to write.
    pub fn repoint_encounter(&mut self, patient: PatientId, at: OffsetDateTime) -> Result<Outcome, Refusal> {
        let owed = matches!(self.parts.state.encounter(), Some(EncounterRecord::Pending | EncounterRecord::Parked));
        if !owed {
            return self.refuse(Action::RepointEncounter);
        }
        if *self.parts.encounter_patient() == patient {
            return Ok(Outcome::AlreadyApplied);
        }
        let at = self.moment(at);
        self.write_encounter_for(patient);
        Ok(self.applied(at, []))
    }

    fn write_encounter_for(&mut self, patient: PatientId) {
        self.parts.encounter_patient_id = Some(patient).filter(|patient| *patient != self.parts.patient_id);
    }

    /// Hands the Encounter to a person, because the FHIR gateway refuses it as invalid.
    ///
    /// # Errors
    /// [`Refusal::InvalidTransition`] unless ended with an Encounter to write.
    pub fn park_encounter(&mut self, at: OffsetDateTime) -> Result<Outcome, Refusal> {
        let at = self.moment(at);
        match &mut self.parts.state {
            SessionState::Ended { encounter: EncounterRecord::Parked, .. } => Ok(Outcome::AlreadyApplied),
            SessionState::Ended { encounter: record @ EncounterRecord::Pending, .. } => {
                *record = EncounterRecord::Parked;
                Ok(self.applied(at, [SessionEvent::EncounterParked]))
            }
            _ => self.refuse(Action::ParkEncounter),
        }
    }

    /// Since when the patient, who was in the visit, has no connection.
    pub(super) fn patient_lost_at(&self) -> Option<OffsetDateTime> {
        match self.parts.patient()?.state {
            ParticipantState::Disconnected { at } => Some(at),
            _ => None,
        }
    }

    pub(super) fn close_segment(&mut self, at: OffsetDateTime) {
        if let Some(segment) = self.parts.segments.last_mut() {
            segment.to.get_or_insert(at.max(segment.from));
        }
    }

    fn everybody_leaves(&mut self, at: OffsetDateTime) {
        for participant in &mut self.parts.participants {
            participant.visit_is_over(at);
        }
    }
}
