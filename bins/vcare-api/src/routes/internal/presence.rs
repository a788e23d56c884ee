//! `/internal/jitsi/events/…`: who is in a room, as Prosody's `event_sync` component tells it. A room of a tenant that the token
//! is not for is an unknown one.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::rooms::{Presence, Seen};
use vcare_domain::{ConferenceName, ParticipantId};

use super::{Server, trace};
use crate::extract::{Body, Checked};
use crate::problem::{Fault, FieldCode, Problem};
use crate::server::Api;

/// The longest name of a connection that is looked at.
const MAX_OCCUPANT_CHARS: usize = 512;
/// The most connections in one message.
const MAX_OCCUPANTS: usize = 500;

/// Somebody's connection. What else the component tells (names, addresses) is not looked at.
#[derive(Deserialize, ToSchema)]
#[schema(as = Occupant)]
pub struct OccupantDto {
    /// The connection.
    occupant_jid: String,
    /// `context.user.id` of the video token: the participant.
    #[serde(default)]
    id: Option<String>,
    /// When it was made, Unix seconds.
    #[serde(default)]
    joined_at: Option<f64>,
    /// When it was lost, Unix seconds.
    #[serde(default)]
    left_at: Option<f64>,
}

/// Somebody came, or left.
#[derive(Deserialize, ToSchema)]
#[schema(as = OccupantEvent)]
pub struct OccupantEventDto {
    /// The room, or `[tenant]room`.
    room_name: String,
    /// Who.
    occupant: OccupantDto,
}

impl Checked for OccupantEventDto {}

/// A room was made, or is no more.
#[derive(Deserialize, ToSchema)]
#[schema(as = RoomEvent)]
pub struct RoomEventDto {
    /// The room, or `[tenant]room`.
    room_name: String,
    /// When it was destroyed, Unix seconds.
    #[serde(default)]
    destroyed_at: Option<f64>,
    /// Everybody who was in it.
    #[serde(default)]
    all_occupants: Vec<OccupantDto>,
}

fn instant(seconds: f64) -> Option<OffsetDateTime> {
    // The cast saturates; what is no time at all is refused by the conversion.
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a millisecond is no matter")]
    let milliseconds = (seconds * 1000.0) as i64;
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()
}

impl OccupantDto {
    /// What it says of one of our participants; nothing when it is a recorder, or Jitsi itself.
    fn hint(&self, seen: impl FnOnce(&Self) -> Option<Seen>) -> Result<Option<Presence>, Problem> {
        let Some(participant_id) = self.id.as_deref().and_then(|id| id.parse::<ParticipantId>().ok()) else {
            return Ok(None);
        };
        if self.occupant_jid.is_empty() || self.occupant_jid.len() > MAX_OCCUPANT_CHARS {
            return Err(Problem::field("occupant.occupant_jid", Fault(FieldCode::Length, "must be 1 to 512 bytes")));
        }
        let seen = seen(self).ok_or_else(|| {
            Problem::field("occupant", Fault(FieldCode::Required, "must have `joined_at` or `left_at` in Unix seconds"))
        })?;
        Ok(Some(Presence { occupant: self.occupant_jid.clone(), participant_id, seen }))
    }

    fn joined(&self) -> Option<Seen> {
        self.joined_at.and_then(instant).map(Seen::Joined)
    }

    fn left(&self) -> Option<Seen> {
        self.left_at.and_then(instant).map(Seen::Left)
    }
}

async fn note(
    api: &Api,
    server: &Server,
    req: &HttpRequest,
    room: &str,
    hints: &[Presence],
) -> Result<HttpResponse, Problem> {
    let room = ConferenceName::parse_prosody(room).map_err(|error| Problem::field("room_name", error))?;
    if !hints.is_empty() {
        api.app.note_presence(&server.0, &room, hints, trace(req)?).await?;
    }
    Ok(HttpResponse::build(StatusCode::NO_CONTENT).finish())
}

impl Checked for RoomEventDto {}

/// Say that somebody came into a room.
///
/// A person may be there by several connections, and each is told of by itself.
#[utoipa::path(
    post, path = "/internal/jitsi/events/occupant/joined", tag = "Internal", operation_id = "reportOccupantJoined",
    request_body = OccupantEventDto,
    responses(
        (status = 204, description = "Noted"),
    ),
    security(("internalToken" = [])),
)]
pub async fn occupant_joined(
    api: web::Data<Api>,
    server: Server,
    req: HttpRequest,
    body: Body<OccupantEventDto>,
) -> Result<HttpResponse, Problem> {
    let hint = body.value.occupant.hint(OccupantDto::joined)?;
    note(&api, &server, &req, &body.value.room_name, hint.as_slice()).await
}

/// Say that somebody left a room.
///
/// Of one connection: a person who is there by another one has not left.
#[utoipa::path(
    post, path = "/internal/jitsi/events/occupant/left", tag = "Internal", operation_id = "reportOccupantLeft",
    request_body = OccupantEventDto,
    responses(
        (status = 204, description = "Noted"),
    ),
    security(("internalToken" = [])),
)]
pub async fn occupant_left(
    api: web::Data<Api>,
    server: Server,
    req: HttpRequest,
    body: Body<OccupantEventDto>,
) -> Result<HttpResponse, Problem> {
    let hint = body.value.occupant.hint(OccupantDto::left)?;
    note(&api, &server, &req, &body.value.room_name, hint.as_slice()).await
}

/// Say that a room was made.
///
/// Nothing follows from it: that a room may open was asked before.
#[utoipa::path(
    post, path = "/internal/jitsi/events/room/created", tag = "Internal", operation_id = "reportRoomCreated",
    request_body = RoomEventDto,
    responses(
        (status = 204, description = "Noted"),
    ),
    security(("internalToken" = [])),
)]
pub async fn room_created(
    api: web::Data<Api>,
    server: Server,
    req: HttpRequest,
    body: Body<RoomEventDto>,
) -> Result<HttpResponse, Problem> {
    note(&api, &server, &req, &body.value.room_name, &[]).await
}

/// Say that a room is no more, and who had been in it.
///
/// Whoever was still there has left; the visit itself goes on until somebody ends it, or it ends by itself.
#[utoipa::path(
    post, path = "/internal/jitsi/events/room/destroyed", tag = "Internal", operation_id = "reportRoomDestroyed",
    request_body = RoomEventDto,
    responses(
        (status = 204, description = "Noted"),
    ),
    security(("internalToken" = [])),
)]
pub async fn room_destroyed(
    api: web::Data<Api>,
    server: Server,
    req: HttpRequest,
    body: Body<RoomEventDto>,
) -> Result<HttpResponse, Problem> {
    let event = body.value;
    if event.all_occupants.len() > MAX_OCCUPANTS {
        return Err(Problem::field(
            "all_occupants",
            Fault(FieldCode::Length, format!("must be at most {MAX_OCCUPANTS}")),
        ));
    }
    let destroyed = event.destroyed_at.and_then(instant).map(Seen::Left);
    let mut hints = Vec::new();
    for occupant in &event.all_occupants {
        // Who was in it to the end has no `left_at` of their own.
        hints.extend(occupant.hint(|occupant| occupant.left().or(destroyed))?);
    }
    note(&api, &server, &req, &event.room_name, &hints).await
}
