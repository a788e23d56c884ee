//! Asking for a room before it begins, as `mod_reservations` does.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::calls::{Caller, Heard, Message};
use super::refusal::Refusal;
use super::settings::{Reservations, Settings};

/// How long a refusal is told again without asking.
const REFUSAL_KEPT: i64 = 30;

/// What the service said of a room.
#[derive(Debug, Clone)]
pub(super) struct Reservation {
    pub id: String,
    pub ends_at: i64,
    pub max_occupants: Option<usize>,
}

/// A refusal, as long as it is remembered.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub refusal: Refusal,
    pub until: i64,
}

/// Asks for the room that Prosody calls `node`, for the person with that bare JID.
pub(super) async fn ask(
    caller: &Caller,
    settings: &Settings,
    service: &Reservations,
    node: &str,
    owner: &str,
) -> Result<Reservation, Refused> {
    let started = settings.now();
    let asked = create(caller, service, node, owner, started).await;
    let asked = asked.and_then(|reservation| match settings.now() > reservation.ends_at {
        true => Err(Refusal::reservation(419, "Reservation expired")),
        false => Ok(reservation),
    });
    asked.map_err(|refusal| Refused { refusal, until: settings.now() + REFUSAL_KEPT })
}

async fn create(
    caller: &Caller,
    service: &Reservations,
    node: &str,
    owner: &str,
    started: i64,
) -> Result<Reservation, Refusal> {
    let form = [("name", node), ("start_time", &java_date(started)), ("mail_owner", owner)];
    let form: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let message = Message {
        method: "POST",
        url: format!("{}/conference", service.base_url),
        authorization: service.authorization.as_deref(),
        content_type: Some("application/x-www-form-urlencoded"),
        body: form.join("&"),
    };
    match heard(caller.call(service.calls, message).await)? {
        (200 | 201, body) => granted(service, node, &body),
        (409, body) => {
            let conflict = object(&body).and_then(|body| text_or_number(body.get("conflict_id")?));
            let conflict =
                conflict.ok_or_else(|| Refusal::reservation(409, "Invalid response from reservation server"))?;
            let message = to_one(service, "GET", &conflict);
            match heard(caller.call(service.calls, message).await)? {
                (200, body) => granted(service, node, &body),
                (status, body) => Err(denied(status, &body)),
            }
        }
        (status, body) => Err(denied(status, &body)),
    }
}

/// Says that the room is gone.
pub(super) async fn give_back(caller: &Caller, service: &Reservations, id: &str) {
    // Nobody waits for the answer; what it was is among the calls made.
    caller.call(service.calls, to_one(service, "DELETE", id)).await;
}

fn to_one<'a>(service: &'a Reservations, method: &'static str, id: &str) -> Message<'a> {
    Message {
        method,
        url: format!("{}/conference/{id}", service.base_url),
        authorization: service.authorization.as_deref(),
        content_type: None,
        body: String::new(),
    }
}

fn heard(heard: Heard) -> Result<(u16, String), Refusal> {
    match heard {
        Heard::Answer(status, body) => Ok((status, body)),
        Heard::TimedOut => Err(Refusal::reservation(500, "Reservation lookup timed out")),
    }
}

fn granted(service: &Reservations, node: &str, body: &str) -> Result<Reservation, Refusal> {
    let read = || {
        let body = object(body)?;
        let name = body.get("name")?.as_str()?;
        let id = text_or_number(body.get("id")?)?;
        body.get("mail_owner").filter(|owner| !owner.is_null())?;
        let duration = body.get("duration")?;
        let duration = duration.as_f64().or_else(|| duration.as_str()?.trim().parse().ok())?;
        let start = OffsetDateTime::parse(body.get("start_time")?.as_str()?, &Rfc3339).ok()?;
        if !name.eq_ignore_ascii_case(node) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a saturating cast is what is wanted")]
        let ends_at = start.unix_timestamp().saturating_add(duration as i64);
        let max_occupants = body.get("max_occupants").and_then(Value::as_u64);
        let max_occupants = max_occupants.and_then(|max| usize::try_from(max).ok());
        Some(Reservation { id, ends_at, max_occupants: max_occupants.filter(|_| service.max_occupants) })
    };
    read().ok_or_else(|| Refusal::reservation(500, "Invalid response from reservation server"))
}

fn denied(status: u16, body: &str) -> Refusal {
    let message = object(body).and_then(|body| Some(body.get("message")?.as_str()?.to_owned()));
    Refusal::reservation(status, message.unwrap_or_else(|| "Rejected by reservation server".to_owned()))
}

fn object(body: &str) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_str(body).ok()
}

fn text_or_number(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whole seconds, and milliseconds that are always nought.
fn java_date(at: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (at.date(), at.time());
    format!("{date}T{:02}:{:02}:{:02}.000Z", time.hour(), time.minute(), time.second())
}

/// As Prosody encodes a form: small hexadecimal digits, a plus for a space.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'~' | b'_' | b'-' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02x}")),
        }
    }
    encoded
}
