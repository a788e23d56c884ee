//! Telling who comes and goes, as `event_sync_component` does.

use serde_json::{Map, Value, json};

use super::calls::{Caller, Heard, Message};
use super::rooms::{Conference, Seat};
use super::settings::EventSync;

/// What is told. The component numbers and signs nothing: whoever is told twice, or late, cannot see it but by the times
/// in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What `api_prefix` is followed by: `/events/room/created`, …
    pub path: &'static str,
    /// What is sent.
    pub body: Value,
}

impl Event {
    pub(super) fn created(conference: &Conference) -> Self {
        let body = json!({"event_name": "muc-room-created", "created_at": conference.created_at});
        Self::of(conference, "/events/room/created", body)
    }

    pub(super) fn joined(conference: &Conference, seat: &Seat) -> Self {
        Self::occupant(conference, seat, "/events/occupant/joined", "muc-occupant-joined")
    }

    pub(super) fn left(conference: &Conference, seat: &Seat) -> Self {
        Self::occupant(conference, seat, "/events/occupant/left", "muc-occupant-left")
    }

    pub(super) fn destroyed(conference: &Conference, at: i64) -> Self {
        let all: Vec<Value> = conference.seats.iter().map(occupant).collect();
        let body = json!({
            "event_name": "muc-room-destroyed",
            "created_at": conference.created_at,
            "destroyed_at": at,
            "all_occupants": all,
        });
        Self::of(conference, "/events/room/destroyed", body)
    }

    fn occupant(conference: &Conference, seat: &Seat, path: &'static str, name: &str) -> Self {
        let body = json!({
            "event_name": name,
            "occupant": occupant(seat),
            "active_occupants_count": conference.present().count(),
        });
        Self::of(conference, path, body)
    }

    fn of(conference: &Conference, path: &'static str, mut body: Value) -> Self {
        body["is_breakout"] = json!(false);
        body["room_jid"] = json!(conference.jid);
        body["room_name"] = json!(conference.node);
        Self { path, body }
    }

    /// Sends it, and answers the last status; 0 when there was no answer.
    pub(super) async fn send(&self, caller: &Caller, listener: &EventSync) -> u16 {
        let message = Message {
            method: "POST",
            url: format!("{}{}", listener.api_prefix, self.path),
            authorization: listener.authorization.as_deref(),
            content_type: Some("application/json"),
            body: self.body.to_string(),
        };
        match caller.call(listener.calls, message).await {
            Heard::Answer(status, _) => status,
            Heard::TimedOut => 0,
        }
    }
}

/// What the token did not say is left out.
fn occupant(seat: &Seat) -> Value {
    let mut fields = Map::new();
    fields.insert("occupant_jid".to_owned(), json!(seat.occupant.jid));
    for name in ["name", "id", "email"] {
        if let Some(value) = seat.occupant.login.user(name) {
            fields.insert(name.to_owned(), json!(value));
        }
    }
    fields.insert("joined_at".to_owned(), json!(seat.joined_at));
    if let Some(left_at) = seat.left_at {
        fields.insert("left_at".to_owned(), json!(left_at));
    }
    Value::Object(fields)
}
