//! What is answered.

mod admission;
mod bytes;
mod people;
mod session;
mod session_parts;
mod summary;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::sessions::{IssuedJoinToken, Joined};
use vcare_app::waiting::JoinStatus;
use vcare_domain::FallbackOffer;

use crate::values;

pub use admission::AdmissionDto;
pub use bytes::Bytes;
pub use people::{LinkDto, OwnParticipantDto, ParticipantDto, PersonDto, ProviderTimeDto, SegmentDto};
pub use session::{
    GuestSessionDto, PatientSessionDto, SchedulerSessionDto, StaffSessionDto, TreatingSessionDto, VirtualSessionDto,
};
pub use summary::{SessionListDto, SessionSummaryDto};

/// A join link. All of it is a secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JoinToken)]
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
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
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
#[schema(as = Joined)]
pub struct JoinedDto {
    /// `waiting_room`, or `direct_join` once admitted.
    destination: values::Destination,
    /// The waiting room's page, or the video room. A secret: it holds a token.
    url: String,
    /// The session's state as the token was checked: `scheduled` on the first join.
    session_status: values::SessionStatus,
    /// The planned start: it may move.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    scheduled_start: OffsetDateTime,
    /// When the patient said that they come, if later than planned.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    expected_at: Option<OffsetDateTime>,
    /// When the waiting room is said to open.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    opens_at: OffsetDateTime,
    /// The zone in which the clinic tells the time.
    #[schema(value_type = values::TimeZone)]
    time_zone: String,
    /// The session's version.
    version: u32,
    /// The patient's place in line, from 1; absent for people who do not wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    place_in_line: Option<u32>,
    /// How long it will take, in whole minutes; absent when it cannot be estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    estimated_wait_minutes: Option<u32>,
    /// The language of the person: `en`, `fa-AF` or `ps`; where nobody gave it, the clinic's.
    locale: values::Locale,
    /// The tag of what is shown of the clinic: `getClinic` has it.
    #[schema(example = "1f09c2ab")]
    clinic: String,
    /// What the provider is called; absent where nobody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "Dr. Parwana Noori")]
    provider_name: Option<String>,
    /// The server's time: phones have wrong clocks.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    server_time: OffsetDateTime,
}

impl From<Joined> for JoinedDto {
    fn from(joined: Joined) -> Self {
        Self {
            destination: joined.entry.into(),
            url: joined.url,
            session_status: joined.status_before.into(),
            scheduled_start: joined.scheduled_start,
            expected_at: joined.expected_at,
            opens_at: joined.opens_at,
            time_zone: joined.time_zone,
            version: joined.version.get(),
            place_in_line: joined.place.map(|place| place.number),
            estimated_wait_minutes: joined.place.and_then(|place| place.minutes),
            locale: joined.locale.into(),
            clinic: joined.clinic,
            provider_name: joined.provider_name.map(|name| name.as_str().to_owned()),
            server_time: joined.server_time,
        }
    }
}

/// The status of a person in the waiting room. Small, because clients poll it, also on poor links.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JoinStatus)]
pub struct JoinStatusDto {
    /// `waiting_room`, or `direct_join` once admitted: then join again for the video room's address.
    destination: values::Destination,
    /// The person's state. `invited` after they came: the visit was moved to a time that has not come; join again.
    participant_status: values::ParticipantStatus,
    /// The session's state.
    session_status: values::SessionStatus,
    /// The session's version.
    version: u32,
    /// The patient's place in line, from 1; absent for people who do not wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    place_in_line: Option<u32>,
    /// How long it will take, in whole minutes; absent when it cannot be estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    estimated_wait_minutes: Option<u32>,
    /// How the patient may go on without a live link; present when the session failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    fallback: Option<FallbackOfferDto>,
    /// When the patient said that they come, if later than planned.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    expected_at: Option<OffsetDateTime>,
}

/// How the patient of a session that failed may go on without a live link.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FallbackOffer)]
pub struct FallbackOfferDto {
    /// The thread in which the clinician writes; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<values::ThreadId>)]
    messaging_thread_id: Option<String>,
    /// Whether the patient may send the rest in writing: `continueSessionAsync` of the session.
    continue_async: bool,
}

impl From<FallbackOffer> for FallbackOfferDto {
    fn from(offer: FallbackOffer) -> Self {
        Self {
            messaging_thread_id: offer.thread.as_ref().map(ToString::to_string),
            continue_async: offer.continue_async,
        }
    }
}

impl From<JoinStatus> for JoinStatusDto {
    fn from(status: JoinStatus) -> Self {
        Self {
            destination: status.entry.into(),
            participant_status: status.participant.into(),
            session_status: status.session.into(),
            version: status.version.get(),
            place_in_line: status.place.map(|place| place.number),
            estimated_wait_minutes: status.place.and_then(|place| place.minutes),
            fallback: status.fallback.map(FallbackOfferDto::from),
            expected_at: status.expected_at,
        }
    }
}
