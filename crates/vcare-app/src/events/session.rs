//! Turns what happened to a visit into events. The one place where the inside becomes a contract.

use serde::Serialize;
use vcare_domain::{
    CancelCode, EndCause, EventId, NoShowCode, ParticipantId, ParticipantRole, ParticipantState, ParticipantStatus,
    Recorded, RecordingRef, Schedule, SessionEvent, SessionParts, SessionState, ThreadId, UserId,
};

use crate::actor::Scope;
use crate::events::CloudEvent;
use crate::events::data::{
    FallbackInitiated, FallbackThreadCreated, JoinTokenIssued, LinkChanged, MediaModeChanged, ModeSeconds,
    ParticipantChanged, ParticipantRemoved, PatientDelayed, ProviderSeconds, RecordingAvailable, RecordingWithdrawn,
    SessionCancelled, SessionChanged, SessionChargeable, SessionCreated, SessionEnded, SessionNoShow,
    SessionRescheduled, SessionStarted,
};
use crate::threads::{thread_key, thread_participants};
use crate::timestamp::Timestamp;

/// An event's subject and its finished bytes.
type Finished = (&'static str, Vec<u8>);

/// The published form of what happened. `visit` is the visit after the change.
///
/// # Errors
/// Only if JSON cannot be written, which is a fault of the types in [`crate::events::data`].
pub fn session_event(
    visit: &SessionParts,
    recorded: &Recorded,
    id: EventId,
    scope: &Scope,
) -> Result<Finished, serde_json::Error> {
    let mapper = Mapper { visit, recorded, id, scope };
    mapper.map()
}

struct Mapper<'a> {
    visit: &'a SessionParts,
    recorded: &'a Recorded,
    id: EventId,
    scope: &'a Scope,
}

impl Mapper<'_> {
    fn map(&self) -> Result<Finished, serde_json::Error> {
        match &self.recorded.event {
            SessionEvent::Created => self.event("virtual_care.session.created.v1", self.created()),
            SessionEvent::ParticipantInvited { participant, role } => self.participant(
                "virtual_care.session.participant.invited.v1",
                *participant,
                *role,
                ParticipantStatus::Invited,
            ),
            SessionEvent::JoinTokenIssued { participant, token_version } => self.event(
                "virtual_care.session.participant.join_token_issued.v1",
                JoinTokenIssued {
                    session_id: self.visit.id.to_string(),
                    participant_id: participant.to_string(),
                    token_version: *token_version,
                    version: self.visit.version.get(),
                },
            ),
            SessionEvent::ParticipantJoined { participant, role, status } => {
                self.participant("virtual_care.session.participant.joined.v1", *participant, *role, *status)
            }
            SessionEvent::ParticipantAdmitted { participant, role, .. } => self.participant(
                "virtual_care.session.participant.admitted.v1",
                *participant,
                *role,
                ParticipantStatus::Admitted,
            ),
            SessionEvent::ParticipantRemoved { participant, role, .. } => {
                self.event("virtual_care.session.participant.removed.v1", self.removed(*participant, *role))
            }
            SessionEvent::ParticipantDisconnected { participant, role } => self.participant(
                "virtual_care.session.participant.disconnected.v1",
                *participant,
                *role,
                ParticipantStatus::Disconnected,
            ),
            SessionEvent::Started => self.event("virtual_care.session.started.v1", self.started()),
            SessionEvent::MediaModeChanged { from, to, cause } => self.event(
                "virtual_care.session.media_mode.changed.v1",
                MediaModeChanged {
                    session_id: self.visit.id.to_string(),
                    previous_mode: from.as_str(),
                    media_mode: to.as_str(),
                    cause: cause.as_str(),
                    occurred_at: Timestamp(self.recorded.at),
                    version: self.visit.version.get(),
                },
            ),
            SessionEvent::LinkChanged { participant, role, link } => self.event(
                "virtual_care.session.participant.link_changed.v1",
                LinkChanged {
                    session_id: self.visit.id.to_string(),
                    participant_id: participant.to_string(),
                    role: role.as_str(),
                    mode: link.mode.as_str(),
                    cap_kbps: link.cap_kbps,
                    occurred_at: Timestamp(self.recorded.at),
                    version: self.visit.version.get(),
                },
            ),
            SessionEvent::FallbackInitiated => {
                self.event("virtual_care.session.fallback.initiated.v1", self.fallback_initiated())
            }
            SessionEvent::FallbackThreadCreated { thread } => {
                self.event("virtual_care.session.fallback.thread_created.v1", self.fallback_thread_created(thread))
            }
            SessionEvent::FallbackParked => self.event("virtual_care.session.fallback.parked.v1", self.changed()),
            SessionEvent::RecordingWithdrawn => {
                self.event("virtual_care.session.recording.withdrawn.v1", self.recording_withdrawn())
            }
            SessionEvent::RecordingAvailable { recording } => {
                self.event("virtual_care.session.recording.available.v1", self.recording_available(recording))
            }
            SessionEvent::Cancelled => self.event("virtual_care.session.cancelled.v1", self.cancelled()),
            SessionEvent::Rescheduled { from } => {
                self.event("virtual_care.session.rescheduled.v1", self.rescheduled(from))
            }
            SessionEvent::PatientDelayed { delay, expected_at } => self.event(
                "virtual_care.session.patient_delayed.v1",
                PatientDelayed {
                    session_id: self.visit.id.to_string(),
                    patient_id: self.visit.patient_id.as_str().to_owned(),
                    appointment_id: self.visit.appointment_id.as_ref().map(ToString::to_string),
                    provider_id: self.provider_id(),
                    minutes: delay.minutes(),
                    expected_at: Timestamp(*expected_at),
                    occurred_at: Timestamp(self.recorded.at),
                    version: self.visit.version.get(),
                },
            ),
            SessionEvent::NoShow => self.event("virtual_care.session.no_show.v1", self.no_show()),
            SessionEvent::Failed => self.event("virtual_care.session.failed.v1", self.changed()),
            SessionEvent::Resumed => self.event("virtual_care.session.resumed.v1", self.changed()),
            SessionEvent::Ended { duration_seconds } => {
                self.event("virtual_care.session.ended.v1", self.ended(*duration_seconds))
            }
            SessionEvent::EncounterParked => self.event("virtual_care.session.encounter.parked.v1", self.changed()),
            SessionEvent::Chargeable { encounter, seconds } => self.event(
                "virtual_care.billing.session_chargeable.v1",
                SessionChargeable {
                    session_id: self.visit.id.to_string(),
                    encounter_id: encounter.to_string(),
                    patient_id: self.visit.encounter_patient().as_str().to_owned(),
                    appointment_id: self.visit.appointment_id.as_ref().map(ToString::to_string),
                    provider_id: self.held_by(),
                    providers: self.providers(),
                    facility_id: self.visit.node_id.as_ref().map(ToString::to_string),
                    started_at: Timestamp(self.visit.held().first().map_or(self.recorded.at, |first| first.from)),
                    ended_at: Timestamp(self.visit.state.ended_at().unwrap_or(self.recorded.at)),
                    duration_seconds: seconds.total(),
                    seconds_per_mode: ModeSeconds {
                        video: seconds.video,
                        audio: seconds.audio,
                        message: seconds.message,
                    },
                },
            ),
        }
    }

    fn event(&self, kind: &'static str, data: impl Serialize) -> Result<Finished, serde_json::Error> {
        let event = CloudEvent::new(kind, self.id, self.recorded.at, self.scope, data);
        Ok((kind, serde_json::to_vec(&event)?))
    }

    fn provider_id(&self) -> Option<String> {
        self.visit.provider_id.as_ref().map(|provider| provider.as_str().to_owned())
    }

    fn held_by(&self) -> Option<String> {
        self.visit.held_by().map(|provider| provider.as_str().to_owned())
    }

    fn providers(&self) -> Vec<ProviderSeconds> {
        let times = self.visit.provider_times().into_iter();
        times.map(|time| ProviderSeconds { id: time.user.as_str().to_owned(), seconds: time.seconds }).collect()
    }

    fn created(&self) -> SessionCreated {
        let visit = self.visit;
        SessionCreated {
            session_id: visit.id.to_string(),
            patient_id: visit.patient_id.as_str().to_owned(),
            appointment_id: visit.appointment_id.as_ref().map(ToString::to_string),
            provider_id: self.provider_id(),
            initiator_id: visit.initiator_id.as_str().to_owned(),
            status: visit.state.status().as_str(),
            video_backend: visit.video_backend.as_str(),
            scheduled_start: Timestamp(visit.schedule.start()),
            scheduled_end: Timestamp(visit.schedule.end()),
            recording_enabled: visit.recording_enabled,
            version: visit.version.get(),
        }
    }

    fn participant(
        &self,
        kind: &'static str,
        participant: ParticipantId,
        role: ParticipantRole,
        status: ParticipantStatus,
    ) -> Result<Finished, serde_json::Error> {
        let data = ParticipantChanged {
            session_id: self.visit.id.to_string(),
            participant_id: participant.to_string(),
            role: role.as_str(),
            participant_status: status.as_str(),
            session_status: self.visit.state.status().as_str(),
            actor_id: self.scope.actor.id(),
            occurred_at: Timestamp(self.recorded.at),
            version: self.visit.version.get(),
        };
        self.event(kind, data)
    }

    fn started(&self) -> SessionStarted {
        SessionStarted {
            session_id: self.visit.id.to_string(),
            patient_id: self.visit.patient_id.as_str().to_owned(),
            provider_id: self.provider_id(),
            actual_start: Timestamp(self.recorded.at),
            version: self.visit.version.get(),
        }
    }

    fn removed(&self, participant: ParticipantId, role: ParticipantRole) -> ParticipantRemoved {
        let state = self.visit.participant(participant).map(|one| &one.state);
        ParticipantRemoved {
            session_id: self.visit.id.to_string(),
            participant_id: participant.to_string(),
            role: role.as_str(),
            participant_status: ParticipantStatus::Removed.as_str(),
            session_status: self.visit.state.status().as_str(),
            reason_code: match state {
                Some(ParticipantState::Removed { reason, .. }) => Some(reason.code.as_str()),
                _ => None,
            },
            actor_id: self.scope.actor.id(),
            occurred_at: Timestamp(self.recorded.at),
            version: self.visit.version.get(),
        }
    }

    fn cancelled(&self) -> SessionCancelled {
        SessionCancelled {
            session_id: self.visit.id.to_string(),
            patient_id: self.visit.patient_id.as_str().to_owned(),
            appointment_id: self.visit.appointment_id.as_ref().map(ToString::to_string),
            status: self.visit.state.status().as_str(),
            reason_code: self.visit.state.cancel_code().map(CancelCode::as_str),
            occurred_at: Timestamp(self.recorded.at),
            version: self.visit.version.get(),
        }
    }

    fn no_show(&self) -> SessionNoShow {
        SessionNoShow {
            session_id: self.visit.id.to_string(),
            patient_id: self.visit.patient_id.as_str().to_owned(),
            appointment_id: self.visit.appointment_id.as_ref().map(ToString::to_string),
            status: self.visit.state.status().as_str(),
            reason_code: self.visit.state.no_show_code().map(NoShowCode::as_str),
            occurred_at: Timestamp(self.recorded.at),
            version: self.visit.version.get(),
        }
    }

    fn changed(&self) -> SessionChanged {
        SessionChanged {
            session_id: self.visit.id.to_string(),
            patient_id: self.visit.patient_id.as_str().to_owned(),
            appointment_id: self.visit.appointment_id.as_ref().map(ToString::to_string),
            status: self.visit.state.status().as_str(),
            occurred_at: Timestamp(self.recorded.at),
            version: self.visit.version.get(),
        }
    }

    fn requested_by(&self) -> &UserId {
        self.visit.fallback.as_ref().map_or(&self.visit.initiator_id, |fallback| &fallback.requested_by)
    }

    fn rescheduled(&self, from: &Schedule) -> SessionRescheduled {
        let visit = self.visit;
        SessionRescheduled {
            session_id: visit.id.to_string(),
            patient_id: visit.patient_id.as_str().to_owned(),
            appointment_id: visit.appointment_id.as_ref().map(ToString::to_string),
            provider_id: self.provider_id(),
            status: visit.state.status().as_str(),
            scheduled_start: Timestamp(visit.schedule.start()),
            scheduled_end: Timestamp(visit.schedule.end()),
            time_zone: visit.schedule.time_zone().to_string(),
            previous_start: Timestamp(from.start()),
            previous_end: Timestamp(from.end()),
            occurred_at: Timestamp(self.recorded.at),
            version: visit.version.get(),
        }
    }

    fn fallback_initiated(&self) -> FallbackInitiated {
        let visit = self.visit;
        let participants = thread_participants(visit, self.requested_by());
        FallbackInitiated {
            session_id: visit.id.to_string(),
            idempotency_key: thread_key(visit.id).to_string(),
            patient_id: visit.patient_id.as_str().to_owned(),
            participant_ids: participants.iter().map(|account| account.as_str().to_owned()).collect(),
            provider_id: self.provider_id(),
            appointment_id: visit.appointment_id.as_ref().map(ToString::to_string),
            requested_by: self.requested_by().as_str().to_owned(),
            status: visit.state.status().as_str(),
            occurred_at: Timestamp(self.recorded.at),
            version: visit.version.get(),
        }
    }

    fn fallback_thread_created(&self, thread: &ThreadId) -> FallbackThreadCreated {
        let visit = self.visit;
        FallbackThreadCreated {
            session_id: visit.id.to_string(),
            patient_id: visit.patient_id.as_str().to_owned(),
            appointment_id: visit.appointment_id.as_ref().map(ToString::to_string),
            messaging_thread_id: thread.to_string(),
            requested_by: self.requested_by().as_str().to_owned(),
            status: visit.state.status().as_str(),
            occurred_at: Timestamp(self.recorded.at),
            version: visit.version.get(),
        }
    }

    fn recording_withdrawn(&self) -> RecordingWithdrawn {
        RecordingWithdrawn {
            session_id: self.visit.id.to_string(),
            patient_id: self.visit.patient_id.as_str().to_owned(),
            actor_id: self.scope.actor.id(),
            withdrawn_at: Timestamp(self.recorded.at),
            version: self.visit.version.get(),
        }
    }

    fn recording_available(&self, recording: &RecordingRef) -> RecordingAvailable {
        RecordingAvailable {
            session_id: self.visit.id.to_string(),
            patient_id: self.visit.patient_id.as_str().to_owned(),
            recording_ref: recording.to_string(),
            consent_withdrawn_at: self.visit.recording_withdrawn_at.map(Timestamp),
            occurred_at: Timestamp(self.recorded.at),
            version: self.visit.version.get(),
        }
    }

    fn ended(&self, duration_seconds: u32) -> SessionEnded {
        let (encounter_status, end_cause) = match &self.visit.state {
            SessionState::Ended { encounter, cause, .. } => (encounter.status().as_str(), cause.as_str()),
            _ => ("not_required", EndCause::Person.as_str()),
        };
        SessionEnded {
            session_id: self.visit.id.to_string(),
            patient_id: self.visit.patient_id.as_str().to_owned(),
            appointment_id: self.visit.appointment_id.as_ref().map(ToString::to_string),
            provider_id: self.held_by(),
            actual_start: self.visit.state.started_at().map(Timestamp),
            actual_end: Timestamp(self.visit.state.ended_at().unwrap_or(self.recorded.at)),
            duration_seconds,
            encounter_status,
            end_cause,
            recording_ref: self.visit.recordings.first().map(ToString::to_string),
            recording_refs: self.visit.recordings.iter().map(ToString::to_string).collect(),
            version: self.visit.version.get(),
        }
    }
}
