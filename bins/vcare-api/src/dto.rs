//! What is answered.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::sessions::{Admission, IssuedJoinToken, Joined, SeenSession};
use vcare_app::waiting::JoinStatus;
use vcare_domain::{
    LinkUse, MediaSegment, Participant, ParticipantId, ParticipantState, ParticipantStatus, SessionParts, SessionState,
    ThreadRecord, VirtualSession,
};

/// A telehealth visit.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VirtualSessionDto {
    /// The session.
    #[schema(example = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R")]
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// The facility.
    node_id: Option<String>,
    /// The FHIR Patient's id.
    patient_id: String,
    /// The FHIR Appointment's id.
    appointment_id: Option<String>,
    /// The FHIR Encounter's id; null while there is none.
    encounter_id: Option<String>,
    /// What has become of the Encounter: `pending`, `created`, `parked` or `not_required`; null before the end.
    encounter_status: Option<&'static str>,
    /// Who created it.
    initiator_id: String,
    /// Who cares.
    provider_id: Option<String>,
    /// Where it takes place.
    #[schema(example = "jitsi")]
    video_backend: &'static str,
    /// The room's name.
    #[schema(example = "kabul-k3j9x2qa")]
    room_name: String,
    /// The room's address. Opens nothing without a token.
    #[schema(example = "https://meet.example/kabul-k3j9x2qa")]
    room_url: String,
    /// `scheduled`, `waiting`, `active`, `ended`, `cancelled` or `failed`.
    #[schema(example = "scheduled")]
    status: &'static str,
    /// Planned start, UTC.
    #[serde(with = "time::serde::rfc3339")]
    scheduled_start: OffsetDateTime,
    /// Planned end, UTC.
    #[serde(with = "time::serde::rfc3339")]
    scheduled_end: OffsetDateTime,
    /// The zone in which people speak of it.
    #[schema(example = "Asia/Kabul")]
    time_zone: String,
    /// When the patient was admitted.
    #[serde(with = "time::serde::rfc3339::option")]
    actual_start: Option<OffsetDateTime>,
    /// When it was ended.
    #[serde(with = "time::serde::rfc3339::option")]
    actual_end: Option<OffsetDateTime>,
    /// Whole seconds; null before the end.
    duration_seconds: Option<u32>,
    /// Recording was asked for and consented to.
    recording_enabled: bool,
    /// Storage key of the recording, once it is finished.
    recording_ref: Option<String>,
    /// Why it failed: `connection_lost`.
    failure_reason: Option<&'static str>,
    /// Why it was cancelled, in the words of who did.
    cancel_reason: Option<String>,
    /// Thread of the message fallback.
    messaging_thread_id: Option<String>,
    /// What has become of that thread: `pending`, `created` or `parked`; null while nobody asked for it.
    messaging_status: Option<&'static str>,
    /// Who takes part, in the order of invitation.
    participants: Vec<ParticipantDto>,
    /// How it was held: stretches of one medium without gaps.
    segments: Vec<SegmentDto>,
    /// How often it was changed, from 1. Send it back in `If-Match`.
    #[schema(minimum = 1)]
    version: u32,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

/// A person's part in a visit.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantDto {
    /// The part.
    #[schema(example = "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S")]
    id: String,
    /// The account of somebody who signs in.
    user_id: Option<String>,
    /// `provider`, `patient`, `interpreter` or `observer`.
    role: &'static str,
    /// `invited`, `waiting`, `admitted`, `active`, `disconnected` or `removed`.
    status: &'static str,
    /// What their link is used for; null while it was never probed.
    link: Option<LinkDto>,
    /// When they first came.
    #[serde(with = "time::serde::rfc3339::option")]
    joined_at: Option<OffsetDateTime>,
    /// When they were last seen to leave.
    #[serde(with = "time::serde::rfc3339::option")]
    left_at: Option<OffsetDateTime>,
    /// When they were put out.
    #[serde(with = "time::serde::rfc3339::option")]
    removed_at: Option<OffsetDateTime>,
    /// Why they were put out, in the words of who did.
    removed_reason: Option<String>,
    /// Whether somebody who waits is there now, as far as their device was heard of in the last two minutes. Only of who
    /// waits, and only where sessions are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    present: Option<bool>,
}

/// What a link is used for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkDto {
    /// `video`, `audio` or `message`.
    mode: &'static str,
    /// The most kbit/s, each way, that it should use; 0 for messages.
    cap_kbps: u32,
}

impl From<LinkUse> for LinkDto {
    fn from(link: LinkUse) -> Self {
        Self { mode: link.mode.as_str(), cap_kbps: link.cap_kbps }
    }
}

/// A stretch of a visit in one medium.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SegmentDto {
    /// `video`, `audio` or `message`.
    mode: &'static str,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    /// When it ended; null while it runs.
    #[serde(with = "time::serde::rfc3339::option")]
    to: Option<OffsetDateTime>,
    /// Why it began: `started`, `link_degraded`, `link_recovered` or `chosen`.
    cause: &'static str,
}

impl From<&VirtualSession> for VirtualSessionDto {
    fn from(session: &VirtualSession) -> Self {
        Self::of(session.parts())
    }
}

impl VirtualSessionDto {
    /// The same, and who of those who wait is there.
    #[must_use]
    pub fn with_presence(seen: &SeenSession) -> Self {
        let mut dto = Self::from(&seen.session);
        for (person, told) in seen.session.parts().participants.iter().zip(&mut dto.participants) {
            let waits = person.state.status() == ParticipantStatus::Waiting && !seen.session.is_over();
            told.present = waits.then(|| seen.there.contains(&person.id));
        }
        dto
    }

    fn of(visit: &SessionParts) -> Self {
        let encounter = visit.state.encounter();
        let thread = visit.fallback.as_ref().map(|fallback| &fallback.thread);
        let cancel_reason = match &visit.state {
            SessionState::Cancelled { reason, .. } => Some(reason.as_str().to_owned()),
            _ => None,
        };
        Self {
            id: visit.id.to_string(),
            tenant_id: visit.tenant_id.to_string(),
            node_id: visit.node_id.as_ref().map(ToString::to_string),
            patient_id: visit.patient_id.as_str().to_owned(),
            appointment_id: visit.appointment_id.as_ref().map(ToString::to_string),
            encounter_id: encounter.and_then(|record| record.id()).map(ToString::to_string),
            encounter_status: encounter.map(|record| record.status().as_str()),
            initiator_id: visit.initiator_id.as_str().to_owned(),
            provider_id: visit.provider_id.as_ref().map(|provider| provider.as_str().to_owned()),
            video_backend: visit.video_backend.as_str(),
            room_name: visit.room.name.to_string(),
            room_url: visit.room.url.as_str().to_owned(),
            status: visit.state.status().as_str(),
            scheduled_start: visit.schedule.start(),
            scheduled_end: visit.schedule.end(),
            time_zone: visit.schedule.time_zone().to_string(),
            actual_start: visit.state.started_at(),
            actual_end: visit.state.ended_at(),
            duration_seconds: visit.state.ended_at().map(|_| visit.seconds().total()),
            recording_enabled: visit.recording_enabled,
            recording_ref: visit.recordings.first().map(ToString::to_string),
            failure_reason: matches!(visit.state, SessionState::Failed { .. }).then_some("connection_lost"),
            cancel_reason,
            messaging_thread_id: thread.and_then(ThreadRecord::id).map(ToString::to_string),
            messaging_status: thread.map(ThreadRecord::as_str),
            participants: visit.participants.iter().map(ParticipantDto::from).collect(),
            segments: visit.segments.iter().map(SegmentDto::from).collect(),
            version: visit.version.get(),
            created_at: visit.created_at,
            updated_at: visit.updated_at,
        }
    }
}

impl From<&Participant> for ParticipantDto {
    fn from(participant: &Participant) -> Self {
        let (removed_at, removed_reason) = match &participant.state {
            ParticipantState::Removed { at, reason } => (Some(*at), Some(reason.as_str().to_owned())),
            _ => (None, None),
        };
        Self {
            id: participant.id.to_string(),
            user_id: participant.user_id.as_ref().map(|user| user.as_str().to_owned()),
            role: participant.role.as_str(),
            status: participant.state.status().as_str(),
            link: participant.link.map(LinkDto::from),
            joined_at: participant.joined_at,
            left_at: participant.left_at,
            removed_at,
            removed_reason,
            present: None,
        }
    }
}

impl From<&MediaSegment> for SegmentDto {
    fn from(segment: &MediaSegment) -> Self {
        Self { mode: segment.mode.as_str(), from: segment.from, to: segment.to, cause: segment.cause.as_str() }
    }
}

/// One page of visits, by planned start.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionListDto {
    /// The visits.
    pub items: Vec<VirtualSessionDto>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// Somebody was let in, or came as provider.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionDto {
    /// Opens the video room for the caller. A secret: it holds their token. Null for a caller with no part in the visit.
    #[schema(example = "https://meet.example/kabul-k3j9x2qa#jwt=%22eyJ…%22")]
    video_join_url: Option<String>,
    /// Who was let in, or came.
    participant: Option<ParticipantDto>,
    /// The session's version.
    version: u32,
}

impl From<&Admission> for AdmissionDto {
    fn from(admission: &Admission) -> Self {
        let visit = admission.session.parts();
        let participant = |id: ParticipantId| visit.participant(id).map(ParticipantDto::from);
        Self {
            video_join_url: admission.video_join_url.clone(),
            participant: participant(admission.participant_id),
            version: visit.version.get(),
        }
    }
}

/// A join link. All of it is a secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinTokenDto {
    /// The token.
    join_token: String,
    /// The link to send: the token is in its fragment, which no server and no log sees.
    #[schema(example = "https://care.example/visit#eyJ…")]
    join_url: String,
    /// The same link for a short message: at most 40 characters behind the host. It ends with the token.
    #[schema(example = "https://care.example/v#3kTMd9aZ0QwErTyUiOpAsD")]
    short_url: String,
    /// When it stops opening.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl From<IssuedJoinToken> for JoinTokenDto {
    fn from(issued: IssuedJoinToken) -> Self {
        Self {
            join_token: issued.token,
            join_url: issued.url,
            short_url: issued.short_url,
            expires_at: issued.expires_at,
        }
    }
}

/// Where somebody who came by link is led.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinedDto {
    /// `waiting_room`, or `direct_join` once admitted.
    #[schema(example = "waiting_room")]
    destination: &'static str,
    /// The waiting room's page, or the video room. A secret: it holds a token.
    url: String,
    /// The session's state as the token was checked: `scheduled` on the first join.
    #[schema(example = "scheduled")]
    session_status: &'static str,
    /// When the waiting room is said to open.
    #[serde(with = "time::serde::rfc3339")]
    opens_at: OffsetDateTime,
    /// The zone in which the clinic tells the time.
    #[schema(example = "Asia/Kabul")]
    time_zone: String,
    /// The session's version.
    version: u32,
    /// The patient's place in line, from 1; absent for who does not wait in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    place_in_line: Option<u32>,
    /// How long it will take, in whole minutes; absent when nobody can know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    estimated_wait_minutes: Option<u32>,
    /// The language in which the clinic speaks to people: `en`, `fa-AF` or `ps`.
    #[schema(example = "fa-AF")]
    locale: &'static str,
    /// The server's time: phones have wrong clocks.
    #[serde(with = "time::serde::rfc3339")]
    server_time: OffsetDateTime,
}

impl From<Joined> for JoinedDto {
    fn from(joined: Joined) -> Self {
        Self {
            destination: joined.entry.as_str(),
            url: joined.url,
            session_status: joined.status_before.as_str(),
            opens_at: joined.opens_at,
            time_zone: joined.time_zone,
            version: joined.version.get(),
            place_in_line: joined.place.map(|place| place.number),
            estimated_wait_minutes: joined.place.and_then(|place| place.minutes),
            locale: joined.locale.as_str(),
            server_time: joined.server_time,
        }
    }
}

/// How somebody who waits stands. Small: it is asked for over and over, on poor links.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinStatusDto {
    /// `waiting_room`, or `direct_join` once admitted: then join again for the video room's address.
    #[schema(example = "waiting_room")]
    destination: &'static str,
    /// The person's state.
    #[schema(example = "waiting")]
    participant_status: &'static str,
    /// The session's state.
    #[schema(example = "waiting")]
    session_status: &'static str,
    /// The session's version.
    version: u32,
    /// The patient's place in line, from 1; absent for who does not wait in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    place_in_line: Option<u32>,
    /// How long it will take, in whole minutes; absent when nobody can know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    estimated_wait_minutes: Option<u32>,
}

impl From<JoinStatus> for JoinStatusDto {
    fn from(status: JoinStatus) -> Self {
        Self {
            destination: status.entry.as_str(),
            participant_status: status.participant.as_str(),
            session_status: status.session.as_str(),
            version: status.version.get(),
            place_in_line: status.place.map(|place| place.number),
            estimated_wait_minutes: status.place.and_then(|place| place.minutes),
        }
    }
}
