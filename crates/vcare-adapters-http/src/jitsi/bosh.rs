//! A login by BOSH (XEP-0124, XEP-0206), as every browser that opens a room makes one.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use roxmltree::Document;
use vcare_app::TraceContext;
use vcare_app::ports::{ConnectionProblem, NeighbourError, NeighbourFault};
use vcare_domain::{JitsiSettings, RoomName};

use super::{DEADLINE, NEIGHBOUR, http_bind, unreachable};
use crate::client::{Answer, Call, HttpClient};

/// How often we look again when Prosody has nothing to say yet.
const LOOKS: u32 = 3;
const FIRST_RID: u32 = 1;

/// What one answer of Prosody says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// The session is there and takes anonymous logins.
    Session(String),
    /// The session is there and takes none.
    NoAnonymousLogin,
    /// The login is made.
    Success,
    /// The login is refused, with this text.
    Failure(String),
    /// Prosody ends the session.
    Terminated(String),
    /// Nothing yet.
    Nothing,
}

/// Signs in with that token.
///
/// # Errors
/// What is wrong, and which setting it probably is.
pub(super) async fn login(
    client: &HttpClient,
    jitsi: &JitsiSettings,
    room: &RoomName,
    token: &str,
    trace: &TraceContext,
) -> Result<(), ConnectionProblem> {
    let mut url = http_bind(jitsi).map_err(unreachable)?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("room", room.as_str()).append_pair("token", token);
        if let Some(tenant) = &jitsi.tenant {
            query.append_pair("prefix", tenant);
        }
    }
    let exchange = async |body: String| {
        let mut call = Call::new(NEIGHBOUR, Method::POST, url.clone(), DEADLINE);
        call.trace = Some(trace);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        call.body = Some(body.into_bytes());
        client.exchange(call, read).await.map_err(|error: NeighbourError| unreachable(error))
    };
    let opened = exchange(format!(
        "<body xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh' to='{}' rid='{FIRST_RID}' \
         wait='1' hold='1' ver='1.6' xmpp:version='1.0' content='text/xml; charset=utf-8' xml:lang='en'/>",
        jitsi.xmpp_domain
    ))
    .await?;
    let sid = match opened {
        Said::Session(sid) => sid,
        other => return Err(problem(&other)),
    };
    let auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>";
    let mut said = exchange(envelope(&sid, FIRST_RID + 1, auth)).await?;
    let mut rid = FIRST_RID + 2;
    while said == Said::Nothing && rid < FIRST_RID + 2 + LOOKS {
        said = exchange(envelope(&sid, rid, "")).await?;
        rid += 1;
    }
    match said {
        Said::Success => Ok(()),
        other => Err(problem(&other)),
    }
}

/// `sid` is Prosody's own text; it goes back as an attribute.
fn envelope(sid: &str, rid: u32, inside: &str) -> String {
    format!("<body xmlns='http://jabber.org/protocol/httpbind' rid='{rid}' sid='{sid}'>{inside}</body>")
}

fn read(answer: &Answer) -> Result<Said, NeighbourFault> {
    if answer.status != StatusCode::OK {
        return Err(answer.refusal());
    }
    let text = std::str::from_utf8(answer.bytes()?).map_err(|_| NeighbourFault::Malformed)?;
    said(text).ok_or(NeighbourFault::Malformed)
}

fn said(text: &str) -> Option<Said> {
    let document = Document::parse(text).ok()?;
    let body = document.root_element();
    if body.tag_name().name() != "body" {
        return None;
    }
    let named = |name: &str| body.descendants().find(|node| node.tag_name().name() == name);
    if body.attribute("type") == Some("terminate") {
        return Some(Said::Terminated(body.attribute("condition").unwrap_or_default().to_owned()));
    }
    if named("success").is_some() {
        return Some(Said::Success);
    }
    if let Some(failure) = named("failure") {
        let text = failure.descendants().find(|node| node.tag_name().name() == "text").and_then(|text| text.text());
        return Some(Said::Failure(text.unwrap_or_default().to_owned()));
    }
    if let Some(sid) = body.attribute("sid") {
        // A session id is put into an attribute again: one that could end it is none.
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return None;
        }
        let anonymous =
            body.descendants().any(|node| node.tag_name().name() == "mechanism" && node.text() == Some("ANONYMOUS"));
        return Some(if anonymous { Said::Session(sid.to_owned()) } else { Said::NoAnonymousLogin });
    }
    Some(Said::Nothing)
}

/// Prosody's texts are those of Jitsi's token plugin.
fn problem(said: &Said) -> ConnectionProblem {
    let (setting, message) = match said {
        Said::Terminated(condition) if matches!(condition.as_str(), "improper-addressing" | "host-unknown") => {
            (Some("jitsiXmppDomain"), "Prosody has no such domain")
        }
        Said::Failure(text) if text.contains("signature") => {
            (Some("jitsiJwtSecret"), "the secret is not the one that Prosody has")
        }
        Said::Failure(text) if text.contains("'iss'") => (Some("jitsiAppId"), "Prosody accepts another app id"),
        Said::Failure(text) if text.contains("'aud'") => (Some("jitsiAudience"), "Prosody accepts other audiences"),
        Said::Failure(text) if text.contains("by exp") || text.contains("by nbf") => {
            (None, "the clocks of Prosody and of this service differ")
        }
        Said::Failure(_) => (None, "Prosody refuses the token"),
        Said::NoAnonymousLogin => (None, "Prosody does not sign people in by token"),
        Said::Terminated(_) => (None, "Prosody ended the session"),
        Said::Session(_) | Said::Success | Said::Nothing => (None, "Prosody did not answer the login"),
    };
    ConnectionProblem { setting, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_one_that_takes_anonymous_logins() {
        let session = |mechanism: &str| {
            said(&format!(
                "<body xmlns='http://jabber.org/protocol/httpbind' sid='ab-1'><features><mechanisms>\
                 <mechanism>{mechanism}</mechanism></mechanisms></features></body>"
            ))
        };
        assert_eq!(session("ANONYMOUS"), Some(Said::Session("ab-1".to_owned())));
        assert_eq!(session("PLAIN"), Some(Said::NoAnonymousLogin));
    }

    #[test]
    fn what_is_no_answer_of_prosody_is_malformed() {
        for bad in ["", "<html/>", "<body sid='a&#39;b'/>", "<body", "<!DOCTYPE a [<!ENTITY b \"c\">]><body>&b;</body>"]
        {
            assert_eq!(said(bad), None, "{bad}");
        }
    }
}
