//! What Jitsi's web server shows.

use actix_web::web::Bytes;
use url::form_urlencoded;

use super::super::exchange::{Answer, Asked};

/// `GET /http-bind`, `GET /config.js`, and a page for every room.
pub(super) fn answer(url: &str, domain: &str, asked: &Asked, segments: &[&str]) -> Answer {
    if segments == ["http-bind"] {
        // What Prosody says to who only looks.
        return match asked.method.as_str() {
            "GET" | "HEAD" => Answer::html(200, "<html><body><p>It works! Now point your BOSH client to this URL.</p>"),
            _ => Answer::empty(501),
        };
    }
    if !asked.reads() {
        return Answer::not_allowed("GET");
    }
    match segments {
        ["config.js"] => Answer::new(200, "application/javascript", config(url, domain)),
        // A logo, as a tenant may have one beside its rooms, and what is no picture.
        ["logo.png"] => Answer::new(200, "image/png", &include_bytes!("logo.png")[..]),
        ["logo.svg"] => Answer::new(200, "image/svg+xml", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        [""] => {
            Answer::html(200, page("Jitsi stand-in", "Nobody is here. A room's address is its name below this one."))
        }
        [room] => Answer::html(200, room_page(room, None)),
        [tenant, room] => Answer::html(200, room_page(room, Some(tenant))),
        _ => Answer::html(404, page("Not found", "A room has at most one tenant in front of it.")),
    }
}

fn config(url: &str, domain: &str) -> String {
    format!(
        "var config = {{\n  hosts: {{ domain: '{domain}', muc: 'muc.{domain}' }},\n  bosh: '{url}/http-bind',\n}};\n"
    )
}

/// A token never comes here: it is in the fragment, which browsers keep for themselves.
fn room_page(room: &str, tenant: Option<&str>) -> String {
    let of = tenant.map(|tenant| format!(" of <b>{}</b>", escaped(tenant))).unwrap_or_default();
    let text = format!("This stands in for the Jitsi room <b>{}</b>{of}. There is no video here.", escaped(room));
    page(&format!("Room {}", escaped(room)), &text)
}

fn page(title: &str, text: &str) -> String {
    format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><p>{text}</p></html>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The request without the tokens that Jitsi's own client puts into the query: what is recorded can be read by anybody.
pub(in super::super) fn masked(asked: &Asked) -> Asked {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in asked.parameters() {
        let secret = matches!(name.as_str(), "jwt" | "token");
        query.append_pair(&name, if secret { "masked" } else { &value });
    }
    Asked {
        method: asked.method.clone(),
        path: asked.path.clone(),
        query: if asked.query.is_empty() { String::new() } else { query.finish() },
        headers: asked.headers.clone(),
        body: Bytes::clone(&asked.body),
    }
}
