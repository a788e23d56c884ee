//! The people of a visit as each audience may see them, their links, and how the visit was held.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::sessions::Names;
use vcare_domain::{LinkUse, MediaSegment, Participant, ParticipantId, ParticipantState, ProviderTime};

use crate::values;

/// What is known beside the visit of the people in it, where that was asked for.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    /// Whether each of those who wait is there.
    pub presence: Presence<'a>,
    /// Who is in the video room and should not be.
    pub uninvited: &'a [ParticipantId],
    /// What they are called.
    pub names: Option<&'a Names>,
}

impl About<'_> {
    /// What somebody is called, as it is shown.
    pub(super) fn name_of(self, participant: &Participant) -> Option<String> {
        self.names?.of(participant.id).map(|name| name.as_str().to_owned())
    }
}

/// Whether each of those who wait is there, where that was asked for.
pub(super) type Presence<'a> = Option<&'a dyn Fn(&Participant) -> Option<bool>>;

/// A person's part in a visit.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Participant)]
pub struct ParticipantDto {
    #[serde(flatten)]
    person: PersonDto,
    /// What their link is used for; absent while it was never probed.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkDto>,
    /// Why they were removed, in the words of the person who removed them; absent when they wrote none.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_reason: Option<String>,
    /// The FHIR RelatedPerson who takes part as the patient's proxy; absent when the patient takes part.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::RelatedPersonId>)]
    related_person_id: Option<String>,
    /// `true`: the person was removed, or was not admitted, and is seen in the video room all the same. Whoever was in it keeps an
    /// address that opens it until it expires: put them out in Jitsi. Absent for everybody else, and where sessions are not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_room: Option<bool>,
}

/// A person's part in a visit: who, as what, and where they are.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
pub struct PersonDto {
    /// The part.
    #[schema(value_type = values::ParticipantId)]
    id: String,
    /// The account of somebody who signs in.
    #[schema(value_type = Option<values::UserId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// What they are called. Absent for people who have no name here, while the key store is unavailable, and in responses to
    /// changes, which are stored for repeated requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "Dr. Parwana Noori")]
    display_name: Option<String>,
    /// The language they read; absent where nobody gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<values::Locale>,
    /// Their role.
    role: values::ParticipantRole,
    /// Where they are.
    status: values::ParticipantStatus,
    /// When they first came.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    joined_at: Option<OffsetDateTime>,
    /// When they were last seen to leave.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    left_at: Option<OffsetDateTime>,
    /// When they were removed.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    removed_at: Option<OffsetDateTime>,
    /// Why they were removed; absent unless removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_reason_code: Option<values::RemovalReasonCode>,
    /// Whether a person in the waiting room is present: their device was heard from in the last two minutes. Only for people
    /// in the waiting room, and only where sessions are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    present: Option<bool>,
}

/// The caller's own part in a visit.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnParticipant)]
pub struct OwnParticipantDto {
    /// The part.
    #[schema(value_type = values::ParticipantId)]
    id: String,
    /// What the caller is called; absent as in `Person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    display_name: Option<String>,
    /// The language they read; absent where nobody gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<values::Locale>,
    /// Their role.
    role: values::ParticipantRole,
    /// Where they are.
    status: values::ParticipantStatus,
    /// What their link is used for; absent while it was never probed.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkDto>,
    /// When they first came.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    joined_at: Option<OffsetDateTime>,
    /// When they were last seen to leave.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    left_at: Option<OffsetDateTime>,
    /// Why they were removed; absent unless removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_reason_code: Option<values::RemovalReasonCode>,
}

/// What a link is used for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Link)]
pub struct LinkDto {
    /// The medium.
    mode: values::MediaMode,
    /// The most kbit/s, each way, that it should use; 0 for messages.
    cap_kbps: u32,
}

impl From<LinkUse> for LinkDto {
    fn from(link: LinkUse) -> Self {
        Self { mode: link.mode.into(), cap_kbps: link.cap_kbps }
    }
}

/// A provider's time with the patient.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderTime)]
pub struct ProviderTimeDto {
    /// The provider's account.
    #[schema(value_type = values::UserId)]
    id: String,
    /// Whole seconds with the patient, as far as they have ended.
    seconds: u32,
}

/// A stretch of a visit in one medium.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Segment)]
pub struct SegmentDto {
    /// The medium.
    mode: values::MediaMode,
    /// When it began.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    start: OffsetDateTime,
    /// When it ended; absent while it runs.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    end: Option<OffsetDateTime>,
    /// Why it began.
    cause: values::SegmentCause,
}

/// Why somebody was removed.
fn removal(participant: &Participant) -> Option<values::RemovalReasonCode> {
    match &participant.state {
        ParticipantState::Removed { reason, .. } => Some(reason.code.into()),
        _ => None,
    }
}

impl ParticipantDto {
    /// The person, and whether they are there, where that was asked for.
    pub(super) fn of(participant: &Participant, about: About<'_>) -> Self {
        let removed_reason = match &participant.state {
            ParticipantState::Removed { reason, .. } => reason.note.as_ref().map(|note| note.as_str().to_owned()),
            _ => None,
        };
        Self {
            person: PersonDto::of(participant, about),
            link: participant.link.map(LinkDto::from),
            removed_reason,
            related_person_id: participant.related_person.as_ref().map(|related| related.as_str().to_owned()),
            in_room: about.uninvited.contains(&participant.id).then_some(true),
        }
    }
}

impl PersonDto {
    /// The person, and whether they are there, where that was asked for.
    pub(super) fn of(participant: &Participant, about: About<'_>) -> Self {
        let removed_at = match &participant.state {
            ParticipantState::Removed { at, .. } => Some(*at),
            _ => None,
        };
        Self {
            id: participant.id.to_string(),
            user_id: participant.user_id.as_ref().map(|user| user.as_str().to_owned()),
            display_name: about.name_of(participant),
            language: participant.language.map(values::Locale::from),
            role: participant.role.into(),
            status: participant.state.status().into(),
            joined_at: participant.joined_at,
            left_at: participant.left_at,
            removed_at,
            removed_reason_code: removal(participant),
            present: about.presence.and_then(|present| present(participant)),
        }
    }
}

impl OwnParticipantDto {
    /// The caller.
    pub(super) fn of(participant: &Participant, about: About<'_>) -> Self {
        Self {
            id: participant.id.to_string(),
            display_name: about.name_of(participant),
            language: participant.language.map(values::Locale::from),
            role: participant.role.into(),
            status: participant.state.status().into(),
            link: participant.link.map(LinkDto::from),
            joined_at: participant.joined_at,
            left_at: participant.left_at,
            removed_reason_code: removal(participant),
        }
    }
}

impl From<ProviderTime> for ProviderTimeDto {
    fn from(time: ProviderTime) -> Self {
        Self { id: time.user.as_str().to_owned(), seconds: time.seconds }
    }
}

impl From<&MediaSegment> for SegmentDto {
    fn from(segment: &MediaSegment) -> Self {
        Self { mode: segment.mode.into(), start: segment.from, end: segment.to, cause: segment.cause.into() }
    }
}
