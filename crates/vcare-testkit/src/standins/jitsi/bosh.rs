//! A login by BOSH: what Prosody answers until somebody is in. Nothing is said of rooms here.

use std::collections::BTreeMap;

use super::super::exchange::{Answer, Asked};
use super::settings::Settings;
use super::stanza::{self, escaped};
use super::token;
use crate::machine;

const BIND: &str = "xmlns='http://jabber.org/protocol/httpbind' xmlns:stream='http://etherx.jabber.org/streams'";
const SASL: &str = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
const KEPT: usize = 1000;

/// The sessions that were begun, by their id: the oldest first.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<String, Session>);

/// What the URL said when it began.
#[derive(Debug)]
struct Session {
    token: Option<String>,
    tenant: Option<String>,
}

impl Sessions {
    /// `POST /http-bind?room=…&token=…[&prefix=…]`.
    pub fn answer(&mut self, settings: &Settings, asked: &Asked) -> Answer {
        let text = String::from_utf8_lossy(&asked.body);
        let Some((body, child)) = stanza::read(&text).filter(|(body, _)| body.name == "body") else {
            return terminated("bad-request");
        };
        let Some(sid) = body.attribute("sid") else { return self.begin(settings, asked, &body) };
        let Some(session) = self.0.get(sid) else { return terminated("item-not-found") };
        if body.attribute("type") == Some("terminate") {
            self.0.remove(sid);
            return within(sid, "type='terminate'", "");
        }
        match child {
            Some(auth) if auth.name == "auth" => within(sid, "", &authenticated(settings, session, &auth)),
            // What comes after a login is not played.
            _ => within(sid, "", ""),
        }
    }

    fn begin(&mut self, settings: &Settings, asked: &Asked, body: &stanza::Element) -> Answer {
        let to = body.attribute("to").unwrap_or_default();
        if !to.eq_ignore_ascii_case(&settings.xmpp_domain) {
            return terminated("improper-addressing");
        }
        if body.attribute("rid").and_then(|rid| rid.parse::<u64>().ok()).is_none() {
            return terminated("bad-request");
        }
        let parameter = |name: &str| {
            let mut all = asked.parameters().into_iter();
            all.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
        };
        let sid = machine::new_id().to_string();
        self.0.insert(sid.clone(), Session { token: parameter("token"), tenant: parameter("prefix") });
        while self.0.len() > KEPT {
            self.0.pop_first();
        }
        let attributes = format!(
            "wait='{}' hold='1' requests='2' inactivity='60' polling='5' maxpause='120' ver='1.6' from='{}' authid='{sid}' \
             xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'",
            body.attribute("wait").and_then(|wait| wait.parse::<u16>().ok()).unwrap_or(60),
            escaped(to)
        );
        let features = format!(
            "<stream:features><mechanisms {SASL}><mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>"
        );
        within(&sid, &attributes, &features)
    }
}

fn authenticated(settings: &Settings, session: &Session, auth: &stanza::Element) -> String {
    if auth.attribute("mechanism") != Some("ANONYMOUS") {
        return format!("<failure {SASL}><invalid-mechanism/></failure>");
    }
    match token::log_in(settings, session.token.as_deref(), session.tenant.as_deref()) {
        Ok(_) => format!("<success {SASL}/>"),
        Err(refusal) => {
            format!("<failure {SASL}><{}/><text>{}</text></failure>", refusal.condition, escaped(&refusal.text))
        }
    }
}

fn within(sid: &str, attributes: &str, content: &str) -> Answer {
    xml(&format!("sid='{}' {attributes}", escaped(sid)), content)
}

/// An error of BOSH's own is a 200, too.
fn terminated(condition: &str) -> Answer {
    xml(&format!("type='terminate' condition='{condition}'"), "")
}

fn xml(attributes: &str, content: &str) -> Answer {
    Answer::new(200, "text/xml; charset=utf-8", format!("<body {BIND} {attributes}>{content}</body>"))
}
