//! What the tenants' own servers tell and ask.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use vcare_domain::TenantId;

use super::people::TENANT;
use super::{Answer, TestApp};

/// A request that nobody has signed yet, in the very form that Prosody gives it.
pub fn reservation(app: &TestApp, name: &str) -> RequestBuilder {
    let form = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let body = format!(
        "name={}&start_time={}&mail_owner={}",
        form(name),
        form("2026-11-23T20:03:11.000Z"),
        form("3f0c@meet.jitsi")
    );
    let request = app.request(Method::POST, "//internal/jitsi/conference");
    request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
}

/// The component's report of a connection that came or left.
pub fn occupant(what: &str, room: &str, participant: &str, connection: &str, at: i64) -> Value {
    let mut occupant = json!({
        "occupant_jid": format!("{room}@muc.meet.jitsi/{connection}"), "name": "Ahmad", "id": participant,
        "email": "ahmad@example.org", "joined_at": at,
    });
    if what == "left" {
        occupant["joined_at"] = json!(at - 60);
        occupant["left_at"] = json!(at);
    }
    json!({
        "event_name": format!("muc-occupant-{what}"), "occupant": occupant, "active_occupants_count": 1,
        "is_breakout": false, "room_jid": format!("{room}@muc.meet.jitsi"), "room_name": room,
    })
}

impl TestApp {
    /// The token that a tenant's own Jitsi shows, in that version.
    pub async fn internal_token(&self, tenant: &str, version: u32) -> String {
        let token = self.app.secrets.internal_token(&TenantId::parse(tenant).unwrap(), version).await.unwrap();
        String::from_utf8(token.expose().to_vec()).unwrap()
    }

    /// A JSON message of the Jitsi of [`TENANT`].
    pub async fn tell(&self, path: &str, body: &Value) -> Answer {
        self.tell_as(&self.internal_token(TENANT, 1).await, path, body).await
    }

    /// A JSON message of whoever shows that token.
    pub async fn tell_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(token);
        self.send(request.header("Content-Type", "application/json").body(body.to_string())).await
    }

    /// The Prosody of [`TENANT`] asks for a room.
    pub async fn reserve(&self, name: &str) -> Answer {
        self.send(reservation(self, name).bearer_auth(self.internal_token(TENANT, 1).await)).await
    }

    /// It gives a room back.
    pub async fn give_back(&self, conference: &str) -> Answer {
        let path = format!("//internal/jitsi/conference/{conference}");
        self.send(self.request(Method::DELETE, &path).bearer_auth(self.internal_token(TENANT, 1).await)).await
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
        let body = occupant(what, room, participant, connection, at);
        self.tell(&format!("//internal/jitsi/events/occupant/{what}"), &body).await
    }
}
