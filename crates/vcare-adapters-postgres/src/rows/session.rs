//! `virtual_session`.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use diesel::sql_types::{Binary, Nullable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::StoreError;
use vcare_domain::{
    AppointmentId, CancelCode, Delay, EncounterId, EncounterRecord, EncounterStatus, EndCause, Fallback, FreeText,
    HttpsUrl, NoShowCode, NodeId, PatientId, ReasonCode, RecordingRef, Room, RoomName, Schedule, SessionId,
    SessionParts, SessionState, SessionStatus, TenantId, ThreadId, ThreadRecord, TimeZoneName, UserId, VideoBackend,
    VirtualSession,
};

use crate::record_keys::custody_of;
use crate::rows::documents::{
    LinksDocument, ParticipantDocument, PeopleDocument, RelatedPersonsDocument, SegmentDocument, StaysDocument,
};
use crate::rows::reasons::{RemovalsDocument, noted, reason};
use crate::rows::{version, version_number};
use crate::schema::virtual_session;

const TABLE: &str = "virtual_session";

/// A visit as read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = virtual_session, check_for_backend(diesel::pg::Pg))]
pub(crate) struct SessionRow {
    pub(super) tenant_id: String,
    pub(super) id: Uuid,
    node_id: Option<String>,
    pub(super) patient_id: String,
    appointment_id: Option<String>,
    provider_id: Option<String>,
    initiator_id: String,
    video_backend: String,
    room_name: String,
    room_url: String,
    status: String,
    scheduled_start: OffsetDateTime,
    scheduled_end: OffsetDateTime,
    time_zone: String,
    recording_enabled: bool,
    recording_ref: Option<String>,
    messaging_thread_id: Option<String>,
    started_at: Option<OffsetDateTime>,
    failed_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
    cancelled_at: Option<OffsetDateTime>,
    pub(super) cancel_reason: Option<String>,
    encounter_status: Option<String>,
    encounter_id: Option<String>,
    pub(super) participants: serde_json::Value,
    segments: serde_json::Value,
    version: i32,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    recording_withdrawn_at: Option<OffsetDateTime>,
    further_recordings: Vec<String>,
    links: serde_json::Value,
    messaging_status: Option<String>,
    messaging_requested_by: Option<String>,
    pub(super) messaging_reason: Option<String>,
    related_persons: serde_json::Value,
    pub(super) people: serde_json::Value,
    stays: serde_json::Value,
    encounter_patient_id: Option<String>,
    end_cause: Option<String>,
    pub(super) end_reason: Option<String>,
    no_show_at: Option<OffsetDateTime>,
    delay_minutes: Option<i16>,
    cancel_code: Option<String>,
    no_show_code: Option<String>,
    removals: serde_json::Value,
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) erased_at: Option<OffsetDateTime>,
    #[diesel(select_expression = sql::<Nullable<Binary>>(custody_of!("virtual_session", "id")))]
    #[diesel(select_expression_type = SqlLiteral<Nullable<Binary>>)]
    pub(super) custody: Option<Vec<u8>>,
}

/// What of a visit changes; written by every save.
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = virtual_session, treat_none_as_null = true)]
pub(crate) struct SessionChanges<'a> {
    provider_id: Option<&'a str>,
    status: &'static str,
    recording_enabled: bool,
    recording_ref: Option<&'a str>,
    messaging_thread_id: Option<&'a str>,
    started_at: Option<OffsetDateTime>,
    failed_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
    cancelled_at: Option<OffsetDateTime>,
    pub(super) cancel_reason: Option<&'a str>,
    encounter_status: Option<&'static str>,
    encounter_id: Option<&'a str>,
    pub(super) participants: serde_json::Value,
    segments: serde_json::Value,
    version: i32,
    updated_at: OffsetDateTime,
    recording_withdrawn_at: Option<OffsetDateTime>,
    further_recordings: Vec<&'a str>,
    links: serde_json::Value,
    messaging_status: Option<&'static str>,
    messaging_requested_by: Option<&'a str>,
    pub(super) messaging_reason: Option<&'a str>,
    related_persons: serde_json::Value,
    pub(super) people: serde_json::Value,
    stays: serde_json::Value,
    encounter_patient_id: Option<&'a str>,
    end_cause: Option<&'static str>,
    pub(super) end_reason: Option<&'a str>,
    no_show_at: Option<OffsetDateTime>,
    scheduled_start: OffsetDateTime,
    scheduled_end: OffsetDateTime,
    time_zone: &'a str,
    delay_minutes: Option<i16>,
    cancel_code: Option<&'static str>,
    no_show_code: Option<&'static str>,
    removals: serde_json::Value,
}

/// A visit as first written: what never changes, and what does.
#[derive(Insertable)]
#[diesel(table_name = virtual_session)]
pub(crate) struct NewSessionRow<'a> {
    tenant_id: &'a str,
    id: Uuid,
    node_id: Option<&'a str>,
    patient_id: &'a str,
    appointment_id: Option<&'a str>,
    initiator_id: &'a str,
    video_backend: &'static str,
    room_name: &'a str,
    room_url: &'a str,
    created_at: OffsetDateTime,
    #[diesel(embed)]
    changes: SessionChanges<'a>,
}

/// The reason of a no-show, for a version before this one, which reads it as a cancelled visit.
pub(super) const NO_SHOW: &str = "no-show";

/// The status as it is stored. A no-show is stored as cancelled, with a column of its own that says what it is, as a version
/// before this one cannot read a status that it does not know.
pub(crate) const fn stored_status(status: SessionStatus) -> &'static str {
    match status {
        SessionStatus::NoShow => SessionStatus::Cancelled.as_str(),
        other => other.as_str(),
    }
}

fn delay(minutes: i16) -> Result<Delay, StoreError> {
    u8::try_from(minutes).ok().and_then(Delay::from_minutes).ok_or(corrupt("delay_minutes"))
}

pub(super) fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: TABLE, column }
}

fn documents<D: Serialize>(
    items: impl Iterator<Item = D>,
    column: &'static str,
) -> Result<serde_json::Value, StoreError> {
    let documents: Result<Vec<_>, _> = items.map(serde_json::to_value).collect();
    documents.map(serde_json::Value::Array).map_err(|_| corrupt(column))
}

fn items<D: DeserializeOwned, T>(
    value: serde_json::Value,
    column: &'static str,
    restore: impl Fn(D) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    let documents: Vec<D> = serde_json::from_value(value).map_err(|_| corrupt(column))?;
    documents.into_iter().map(|document| restore(document).ok_or(corrupt(column))).collect()
}

impl<'a> SessionChanges<'a> {
    pub(crate) fn of(visit: &'a SessionParts) -> Result<Self, StoreError> {
        let failed_at = match &visit.state {
            SessionState::Failed { failed_at, .. } => Some(*failed_at),
            _ => None,
        };
        let (cancelled_at, cancel_reason, no_show_at) = match &visit.state {
            SessionState::Cancelled { cancelled_at, reason } => {
                (Some(*cancelled_at), Some(noted(reason, FreeText::as_str)), None)
            }
            SessionState::NoShow { noted_at, .. } => (Some(*noted_at), Some(NO_SHOW), Some(*noted_at)),
            _ => (None, None, None),
        };
        let (end_cause, end_reason) = match &visit.state {
            SessionState::Ended { cause, reason, .. } => (Some(cause.as_str()), reason.as_ref().map(FreeText::as_str)),
            _ => (None, None),
        };
        let encounter = visit.state.encounter();
        let thread = visit.fallback.as_ref().map(|fallback| &fallback.thread);
        Ok(Self {
            provider_id: visit.provider_id.as_ref().map(UserId::as_str),
            status: stored_status(visit.state.status()),
            recording_enabled: visit.recording_enabled,
            recording_ref: visit.recordings.first().map(RecordingRef::as_str),
            messaging_thread_id: thread.and_then(ThreadRecord::id).map(ThreadId::as_str),
            started_at: visit.state.started_at(),
            failed_at,
            ended_at: visit.state.ended_at(),
            cancelled_at,
            cancel_reason,
            encounter_status: encounter.map(|record| record.status().as_str()),
            encounter_id: encounter.and_then(EncounterRecord::id).map(EncounterId::as_str),
            participants: documents(visit.participants.iter().map(ParticipantDocument::from), "participants")?,
            segments: documents(visit.segments.iter().map(SegmentDocument::from), "segments")?,
            version: version_number(visit.version),
            updated_at: visit.updated_at,
            recording_withdrawn_at: visit.recording_withdrawn_at,
            further_recordings: visit.recordings.iter().skip(1).map(RecordingRef::as_str).collect(),
            links: serde_json::to_value(LinksDocument::of(&visit.participants)).map_err(|_| corrupt("links"))?,
            messaging_status: thread.map(ThreadRecord::as_str),
            messaging_requested_by: visit.fallback.as_ref().map(|fallback| fallback.requested_by.as_str()),
            messaging_reason: visit
                .fallback
                .as_ref()
                .and_then(|fallback| fallback.reason.as_ref())
                .map(FreeText::as_str),
            related_persons: serde_json::to_value(RelatedPersonsDocument::of(&visit.participants))
                .map_err(|_| corrupt("related_persons"))?,
            people: serde_json::to_value(PeopleDocument::of(&visit.participants)).map_err(|_| corrupt("people"))?,
            stays: serde_json::to_value(StaysDocument::of(&visit.participants)).map_err(|_| corrupt("stays"))?,
            encounter_patient_id: visit.encounter_patient_id.as_ref().map(PatientId::as_str),
            end_cause,
            end_reason,
            no_show_at,
            scheduled_start: visit.schedule.start(),
            scheduled_end: visit.schedule.end(),
            time_zone: visit.schedule.time_zone().as_str(),
            delay_minutes: visit.delay.map(|delay| delay.minutes().into()),
            cancel_code: visit.state.cancel_code().map(CancelCode::as_str),
            no_show_code: visit.state.no_show_code().map(NoShowCode::as_str),
            removals: serde_json::to_value(RemovalsDocument::of(&visit.participants))
                .map_err(|_| corrupt("removals"))?,
        })
    }
}

impl<'a> NewSessionRow<'a> {
    pub(crate) fn of(visit: &'a SessionParts, changes: SessionChanges<'a>) -> Self {
        Self {
            tenant_id: visit.tenant_id.as_str(),
            id: *visit.id.as_uuid(),
            node_id: visit.node_id.as_ref().map(NodeId::as_str),
            patient_id: visit.patient_id.as_str(),
            appointment_id: visit.appointment_id.as_ref().map(AppointmentId::as_str),
            initiator_id: visit.initiator_id.as_str(),
            video_backend: visit.video_backend.as_str(),
            room_name: visit.room.name.as_str(),
            room_url: visit.room.url.as_str(),
            created_at: visit.created_at,
            changes,
        }
    }
}

impl SessionRow {
    pub(crate) const fn session_id(&self) -> SessionId {
        SessionId::from_uuid(self.id)
    }

    pub(super) fn into_session(self) -> Result<VirtualSession, StoreError> {
        let state = self.state()?;
        let fallback = self.fallback()?;
        let mut participants = items(self.participants, "participants", ParticipantDocument::restore)?;
        let links: LinksDocument = serde_json::from_value(self.links).map_err(|_| corrupt("links"))?;
        links.restore(&mut participants).ok_or(corrupt("links"))?;
        let related: RelatedPersonsDocument =
            serde_json::from_value(self.related_persons).map_err(|_| corrupt("related_persons"))?;
        related.restore(&mut participants).ok_or(corrupt("related_persons"))?;
        let people: PeopleDocument = serde_json::from_value(self.people).map_err(|_| corrupt("people"))?;
        people.restore(&mut participants).ok_or(corrupt("people"))?;
        let removals: RemovalsDocument = serde_json::from_value(self.removals).map_err(|_| corrupt("removals"))?;
        removals.restore(&mut participants);
        let stays: StaysDocument = serde_json::from_value(self.stays).map_err(|_| corrupt("stays"))?;
        let participants = stays.restore(participants);
        let text = |column| move |_| corrupt(column);
        let parts = SessionParts {
            id: SessionId::from_uuid(self.id),
            tenant_id: TenantId::parse(self.tenant_id).map_err(text("tenant_id"))?,
            node_id: self.node_id.map(NodeId::parse).transpose().map_err(text("node_id"))?,
            patient_id: PatientId::parse(self.patient_id).map_err(text("patient_id"))?,
            encounter_patient_id: self
                .encounter_patient_id
                .map(PatientId::parse)
                .transpose()
                .map_err(text("encounter_patient_id"))?,
            appointment_id: self
                .appointment_id
                .map(AppointmentId::parse)
                .transpose()
                .map_err(text("appointment_id"))?,
            provider_id: self.provider_id.map(UserId::parse).transpose().map_err(text("provider_id"))?,
            initiator_id: UserId::parse(self.initiator_id).map_err(text("initiator_id"))?,
            video_backend: VideoBackend::from_name(&self.video_backend).ok_or(corrupt("video_backend"))?,
            room: Room {
                name: RoomName::parse(self.room_name).map_err(|_| corrupt("room_name"))?,
                url: HttpsUrl::parse(&self.room_url).map_err(text("room_url"))?,
            },
            schedule: Schedule::restore(
                self.scheduled_start,
                self.scheduled_end,
                TimeZoneName::restore(self.time_zone).map_err(text("time_zone"))?,
            ),
            delay: self.delay_minutes.map(delay).transpose()?,
            recording_enabled: self.recording_enabled,
            recording_withdrawn_at: self.recording_withdrawn_at,
            recordings: self
                .recording_ref
                .into_iter()
                .chain(self.further_recordings)
                .map(|key| RecordingRef::parse(key).map_err(text("recording_ref")))
                .collect::<Result<_, _>>()?,
            fallback,
            state,
            participants,
            segments: items(self.segments, "segments", SegmentDocument::restore)?,
            version: version(TABLE, self.version)?,
            created_at: self.created_at,
            updated_at: self.updated_at,
            erased_at: self.erased_at,
        };
        Ok(VirtualSession::restore(parts))
    }

    fn state(&self) -> Result<SessionState, StoreError> {
        let started_at = self.started_at.ok_or(corrupt("started_at"));
        Ok(match SessionStatus::from_name(&self.status).ok_or(corrupt("status"))? {
            SessionStatus::Scheduled => SessionState::Scheduled,
            SessionStatus::Waiting => SessionState::Waiting,
            SessionStatus::Active => SessionState::Active { started_at: started_at? },
            SessionStatus::Failed => {
                SessionState::Failed { started_at: started_at?, failed_at: self.failed_at.ok_or(corrupt("failed_at"))? }
            }
            SessionStatus::Ended => SessionState::Ended {
                started_at: self.started_at,
                ended_at: self.ended_at.ok_or(corrupt("ended_at"))?,
                cause: self.end_cause()?,
                reason: self.end_reason.as_deref().and_then(|reason| FreeText::parse(reason).ok()),
                encounter: self.encounter()?,
            },
            SessionStatus::NoShow => return Err(corrupt("status")),
            SessionStatus::Cancelled if self.no_show_at.is_some() => {
                let code = NoShowCode::restore(self.no_show_code.as_deref());
                SessionState::NoShow { noted_at: self.no_show_at.ok_or(corrupt("no_show_at"))?, code }
            }
            SessionStatus::Cancelled => {
                let (code, note) = (self.cancel_code.as_deref(), self.cancel_reason.as_deref());
                SessionState::Cancelled {
                    cancelled_at: self.cancelled_at.ok_or(corrupt("cancelled_at"))?,
                    reason: reason(code, note, FreeText::parse).map_err(|_| corrupt("cancel_reason"))?,
                }
            }
        })
    }

    /// A version before this one writes none: there, a person had ended it.
    fn end_cause(&self) -> Result<EndCause, StoreError> {
        match self.end_cause.as_deref() {
            None => Ok(EndCause::Person),
            Some(name) => EndCause::from_name(name).ok_or(corrupt("end_cause")),
        }
    }

    fn fallback(&self) -> Result<Option<Fallback>, StoreError> {
        let Some(status) = &self.messaging_status else { return Ok(None) };
        let thread = self.messaging_thread_id.as_deref().map(ThreadId::parse).transpose();
        let thread = thread.map_err(|_| corrupt("messaging_thread_id"))?;
        let requested_by = self.messaging_requested_by.as_deref().and_then(|user| UserId::parse(user).ok());
        let reason = self.messaging_reason.as_deref().map(FreeText::parse).transpose();
        Ok(Some(Fallback {
            reason: reason.map_err(|_| corrupt("messaging_reason"))?,
            requested_by: requested_by.ok_or(corrupt("messaging_requested_by"))?,
            thread: ThreadRecord::restore(status, thread).ok_or(corrupt("messaging_status"))?,
        }))
    }

    fn encounter(&self) -> Result<EncounterRecord, StoreError> {
        let status = self.encounter_status.as_deref().and_then(EncounterStatus::from_name);
        Ok(match status.ok_or(corrupt("encounter_status"))? {
            EncounterStatus::NotRequired => EncounterRecord::NotRequired,
            EncounterStatus::Pending => EncounterRecord::Pending,
            EncounterStatus::Parked => EncounterRecord::Parked,
            EncounterStatus::Created => {
                let id = self.encounter_id.as_deref().and_then(|id| EncounterId::parse(id).ok());
                EncounterRecord::Created(id.ok_or(corrupt("encounter_id"))?)
            }
        })
    }
}
