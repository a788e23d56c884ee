//! `/internal/jitsi/conference`: the server behind Prosody's reservation plugin (`mod_reservations`).
//!
//! Form-encoded in, JSON out, and refusals as `{"message"}`: Prosody shows the message to whoever wanted to come in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::tz::TimeZone;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded;
use utoipa::ToSchema;
use vcare_app::ports::StoreError;
use vcare_app::rooms::{Conference, ConferenceId, ConferenceRefused};
use vcare_domain::{ConferenceName, RoomClosed, SessionStatus};

use super::{Server, trace};
use crate::answer::send;
use crate::extract::RawBody;
use crate::problem::Problem;
use crate::server::Api;

/// What Prosody asks for.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: what is read is in `Asked`")]
pub struct ConferenceRequest {
    /// The room, or `[tenant]room`.
    #[schema(example = "[acme]acme-k3j9x2qa")]
    name: String,
    /// Now, by Prosody's clock.
    start_time: String,
    /// Who is first, by an address that tells nothing.
    mail_owner: String,
}

/// A room that may be open, as Prosody reads it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conference)]
pub struct ConferenceDto {
    /// How it is asked for and given back.
    id: String,
    /// The room, as it was asked for.
    name: String,
    /// As it was asked for.
    mail_owner: String,
    /// As it was asked for: from here `duration` counts.
    start_time: String,
    /// After how many seconds Prosody ends the room.
    duration: u32,
    /// The most people in it.
    max_occupants: u8,
}

/// Why a room stays closed, for whoever wanted to come in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConferenceRefusal)]
pub struct ConferenceRefusalDto {
    /// In words that a patient understands.
    message: String,
}

#[derive(Default)]
struct Asked {
    name: Option<String>,
    start_time: Option<String>,
    mail_owner: Option<String>,
}

impl Asked {
    fn parse(body: &[u8]) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let field = match &*name {
                "name" => &mut asked.name,
                "start_time" => &mut asked.start_time,
                "mail_owner" => &mut asked.mail_owner,
                _ => continue,
            };
            field.get_or_insert_with(|| value.into_owned());
        }
        asked
    }
}

fn refuse(status: StatusCode, message: impl Into<String>) -> Result<HttpResponse, Problem> {
    send(status, &ConferenceRefusalDto { message: message.into() })
}

fn refused(refused: ConferenceRefused) -> Result<HttpResponse, Problem> {
    match refused {
        ConferenceRefused::Unknown => refuse(StatusCode::FORBIDDEN, "This link does not lead to a visit."),
        ConferenceRefused::Closed { closed, time_zone } => refuse(StatusCode::FORBIDDEN, sentence(closed, &time_zone)),
        ConferenceRefused::Store(error) => Err(unavailable(error)),
    }
}

fn unavailable(error: StoreError) -> Problem {
    vcare_app::AppError::from(error).into()
}

fn sentence(closed: RoomClosed, time_zone: &str) -> String {
    match closed {
        RoomClosed::TooEarly { opens_at } => {
            let time = local_time(opens_at, time_zone);
            format!("This visit has not begun. Its room opens at {time}.")
        }
        RoomClosed::TooLate => "The time of this visit is over. Please call your clinic.".to_owned(),
        RoomClosed::Over(SessionStatus::Cancelled) => "This visit was cancelled. Please call your clinic.".to_owned(),
        RoomClosed::Over(SessionStatus::Failed) => {
            "This visit was interrupted. Please wait for your clinic to call you.".to_owned()
        }
        RoomClosed::Over(_) => "This visit is over.".to_owned(),
    }
}

/// `14:00 (Asia/Kabul)`, and the day where it is not this one's. A zone that is not known any more is told in UTC.
fn local_time(instant: OffsetDateTime, time_zone: &str) -> String {
    let (zone, name) = TimeZone::get(time_zone).map_or((TimeZone::UTC, "UTC"), |zone| (zone, time_zone));
    jiff::Timestamp::from_second(instant.unix_timestamp())
        .map(|instant| format!("{} ({name})", instant.to_zoned(zone).strftime("%H:%M on %-d %B")))
        .unwrap_or_default()
}

fn dto(conference: &Conference, name: String, start_time: String, mail_owner: String) -> ConferenceDto {
    ConferenceDto {
        id: conference.id.to_string(),
        name,
        mail_owner,
        start_time,
        duration: conference.seconds_left,
        max_occupants: conference.max_occupants,
    }
}

/// Ask whether a room may open.
///
/// Prosody asks when the first person comes. The room opens only while the visit's state says so, and ends by itself after
/// `duration`. A room of a tenant that the token is not for is answered like one that there is not.
#[utoipa::path(
    post, path = "/internal/jitsi/conference", tag = "Internal", operation_id = "reserveConference",
    request_body(content = ConferenceRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "It may", body = ConferenceDto),
        (status = 400, description = "A field is missing", body = ConferenceRefusalDto),
        (status = 403, description = "It may not", body = ConferenceRefusalDto),
    ),
    security(("internalToken" = [])),
)]
pub async fn reserve(api: web::Data<Api>, server: Server, body: RawBody) -> Result<HttpResponse, Problem> {
    let Asked { name: Some(name), start_time: Some(start_time), mail_owner: Some(mail_owner) } = Asked::parse(&body.0)
    else {
        return refuse(StatusCode::BAD_REQUEST, "name, start_time and mail_owner are needed");
    };
    let Ok(room) = ConferenceName::parse_prosody(&name) else { return refused(ConferenceRefused::Unknown) };
    match api.app.reserve_conference(&server.0, &room).await {
        Ok(conference) => send(StatusCode::OK, &dto(&conference, name, start_time, mail_owner)),
        Err(error) => refused(error),
    }
}

/// See a room that was asked for.
///
/// Prosody reads it after a conflict; we never answer one. The id of a room of a tenant that the token is not for is unknown.
#[utoipa::path(
    get, path = "/internal/jitsi/conference/{conferenceId}", tag = "Internal", operation_id = "getConference",
    params(("conferenceId" = String, Path, description = "The id that was answered", pattern = "^[^/]+$")),
    responses(
        (status = 200, description = "It may be open", body = ConferenceDto),
        (status = 403, description = "It may not", body = ConferenceRefusalDto),
        (status = 404, description = "There is none of that id", body = ConferenceRefusalDto),
    ),
    security(("internalToken" = [])),
)]
pub async fn read(api: web::Data<Api>, server: Server, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let Some(id) = ConferenceId::parse(&path) else { return unknown() };
    match api.app.conference(&server.0, &id).await {
        Ok(conference) => {
            let now = api.app.clock.now().format(&Rfc3339).map_err(|_| Problem::internal())?;
            let name = conference.name.to_string();
            send(StatusCode::OK, &dto(&conference, name, now, "virtual-care-service".to_owned()))
        }
        Err(ConferenceRefused::Unknown) => unknown(),
        Err(error) => refused(error),
    }
}

fn unknown() -> Result<HttpResponse, Problem> {
    refuse(StatusCode::NOT_FOUND, "there is no such conference")
}

/// Say that a room is closed.
///
/// The last one left, or its time was over: whoever was in it has lost the connection. The id of a room of a tenant that the
/// token is not for is unknown.
#[utoipa::path(
    delete, path = "/internal/jitsi/conference/{conferenceId}", tag = "Internal", operation_id = "closeConference",
    params(("conferenceId" = String, Path, description = "The id that was answered", pattern = "^[^/]+$")),
    responses(
        (status = 204, description = "Noted"),
        (status = 404, description = "There is none of that id", body = ConferenceRefusalDto),
    ),
    security(("internalToken" = [])),
)]
pub async fn closed(
    api: web::Data<Api>,
    server: Server,
    req: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let Some(id) = ConferenceId::parse(&path) else { return unknown() };
    match api.app.conference_closed(&server.0, &id, trace(&req)?).await {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(vcare_app::AppError::NotFound(_)) => unknown(),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_time_is_told_as_the_clinic_tells_it() {
        let at = datetime!(2026-03-01 09:30 UTC);
        assert_eq!(local_time(at, "Asia/Kabul"), "14:00 on 1 March (Asia/Kabul)");
        assert_eq!(local_time(at, "Mars/Olympus"), "09:30 on 1 March (UTC)");
    }

    #[test]
    fn of_a_field_that_stands_twice_the_first_counts() {
        let asked = Asked::parse(b"name=a&name=b&x=y&start_time=now");
        assert_eq!((asked.name.as_deref(), asked.start_time.as_deref()), (Some("a"), Some("now")));
        assert_eq!(asked.mail_owner, None);
    }
}
