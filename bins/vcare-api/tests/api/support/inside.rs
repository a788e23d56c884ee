//! What the deployment's own servers tell and ask.

use reqwest::Method;
use serde_json::{Value, json};

use super::people::INTERNAL_TOKEN;
use super::{Answer, TestApp};

impl TestApp {
    /// A JSON message of one of the deployment's servers.
    pub async fn tell(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(INTERNAL_TOKEN);
        self.send(request.header("Content-Type", "application/json").body(body.to_string())).await
    }

    /// Prosody asks for a room, in the very form it has on the wire.
    pub async fn reserve(&self, name: &str) -> Answer {
        let form = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let body = format!(
            "name={}&start_time={}&mail_owner={}",
            form(name),
            form("2026-11-23T20:03:11.000Z"),
            form("3f0c@meet.jitsi")
        );
        let request = self.request(Method::POST, "//internal/jitsi/conference").bearer_auth(INTERNAL_TOKEN);
        self.send(request.header("Content-Type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Prosody gives a room back.
    pub async fn give_back(&self, conference: &str) -> Answer {
        let path = format!("//internal/jitsi/conference/{conference}");
        self.send(self.request(Method::DELETE, &path).bearer_auth(INTERNAL_TOKEN)).await
    }

    /// A connection of a participant is seen in a room, now.
    pub async fn seen_to_join(&self, room: &str, participant: &str, connection: &str) -> Answer {
        self.seen("joined", room, participant, connection, self.now().unix_timestamp()).await
    }

    /// It is seen to leave, now.
    pub async fn seen_to_leave(&self, room: &str, participant: &str, connection: &str) -> Answer {
        self.seen("left", room, participant, connection, self.now().unix_timestamp()).await
    }

    /// The component tells of a connection, at a time of its own.
    pub async fn seen(&self, what: &str, room: &str, participant: &str, connection: &str, at: i64) -> Answer {
        let mut occupant = json!({
            "occupant_jid": format!("{room}@muc.meet.jitsi/{connection}"), "name": "Ahmad", "id": participant,
            "email": "ahmad@example.org", "joined_at": at,
        });
        if what == "left" {
            occupant["joined_at"] = json!(at - 60);
            occupant["left_at"] = json!(at);
        }
        let body = json!({
            "event_name": format!("muc-occupant-{what}"), "occupant": occupant, "active_occupants_count": 1,
            "is_breakout": false, "room_jid": format!("{room}@muc.meet.jitsi"), "room_name": room,
        });
        self.tell(&format!("//internal/jitsi/events/occupant/{what}"), &body).await
    }
}
