//! What Prosody and jicofo answer inside the deployment only: no browser reaches it.

use serde_json::json;

use super::super::exchange::{Answer, Asked};
use super::settings::{EndMeeting, JicofoHealth};
use super::{Jitsi, token};

impl Jitsi {
    /// Prosody's own port.
    pub(in super::super) fn answer_as_prosody(&self, asked: &Asked, segments: &[&str]) -> Answer {
        match (segments, asked.method.as_str()) {
            (["end-meeting"], _) if self.settings().end_meeting == EndMeeting::Absent => Answer::empty(404),
            (["end-meeting"], "POST") => Answer::empty(self.end_meeting(asked)),
            (["end-meeting"], _) => Answer::not_allowed("POST"),
            (["room-size"], "GET") => self.room_size(asked),
            (["health"], "GET") => Answer::empty(200),
            _ => Answer::empty(404),
        }
    }

    /// jicofo's own port.
    pub(in super::super) fn answer_as_jicofo(&self, asked: &Asked, segments: &[&str]) -> Answer {
        if segments != ["about", "health"] || asked.method != "GET" {
            return Answer::empty(404);
        }
        let text = |status, text: &'static str| Answer::new(status, "text/plain; charset=utf-8", text);
        match self.settings().jicofo {
            JicofoHealth::Ok => Answer::empty(200),
            JicofoHealth::Hard => text(500, "Internal error"),
            JicofoHealth::Soft => text(503, "No operational bridges available"),
            JicofoHealth::NotEnabled => Answer::empty(404),
        }
    }

    /// `POST /end-meeting?conference=room@muc.domain`, in the module's order of checks. Any token of the host's opens it,
    /// whatever its room; a system token's key we do not have.
    fn end_meeting(&self, asked: &Asked) -> u16 {
        let Some(jid) = parameter(asked, "conference") else { return 400 };
        let settings = self.settings();
        let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        // Our module picks a key for logins only: here it is the host's.
        if settings.end_meeting == EndMeeting::SystemKeys {
            return 401;
        }
        if token.is_none() || token::verify(&settings, &settings.app_secret, token).is_err() {
            return 401;
        }
        let node = node_of(&jid, &settings.xmpp_domain);
        let Some(conference) = node.and_then(|node| self.state().conferences.remove(&node)) else { return 404 };
        // The answer does not wait for what is told of it.
        let jitsi = self.clone();
        actix_web::rt::spawn(async move { jitsi.farewell(&settings, conference).await });
        200
    }

    fn room_size(&self, asked: &Asked) -> Answer {
        let (room, tenant) = (parameter(asked, "room").unwrap_or_default(), parameter(asked, "subdomain"));
        let node = super::Address::new(tenant.as_deref(), &room, None).node();
        let state = self.state();
        let ours = parameter(asked, "domain").is_some_and(|domain| domain == state.settings.xmpp_domain);
        match state.conferences.get(&node).filter(|_| ours) {
            Some(conference) => Answer::json(200, &json!({"participants": conference.present().count()})),
            None => Answer::empty(404),
        }
    }
}

fn parameter(asked: &Asked, name: &str) -> Option<String> {
    let mut all = asked.parameters().into_iter();
    all.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
}

/// A browser's name for a room, `room@muc.tenant.domain`, in Prosody's: `[tenant]room`.
fn node_of(jid: &str, domain: &str) -> Option<String> {
    let jid = jid.to_lowercase();
    let (room, host) = jid.split_once('@')?;
    let rest = host.strip_prefix("muc.")?;
    if rest == domain {
        return Some(room.to_owned());
    }
    let tenant = rest.strip_suffix(domain)?.strip_suffix('.')?;
    Some(format!("[{tenant}]{room}"))
}
