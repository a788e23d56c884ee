//! A room's address, as a browser reads it.

use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

/// What a browser takes from the address of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The segment before the room, if there is one.
    pub tenant: Option<String>,
    /// The room, in lower case.
    pub room: String,
    /// The token in the fragment, or else in the query.
    pub token: Option<String>,
    /// The settings in the fragment, by their names without `config.`, whether or not a page takes them.
    pub settings: Map<String, Value>,
}

impl Address {
    /// That room, of that tenant, with that token.
    #[must_use]
    pub fn new(tenant: Option<&str>, room: &str, token: Option<&str>) -> Self {
        let (tenant, token) = (tenant.map(str::to_owned), token.map(str::to_owned));
        Self { tenant, room: room.to_lowercase(), token, settings: Map::new() }
    }

    /// Reads `https://host/[tenant/]room#jwt="…"&…`; nothing when that is no room's address. In the fragment every value
    /// is JSON, and a token without quotes is dropped, as Jitsi's own page drops it.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let decoded = |segment: &str| {
            let pair = format!("x={}", segment.replace('+', "%2B"));
            let value = form_urlencoded::parse(pair.as_bytes()).next()?.1.into_owned();
            (!value.is_empty()).then_some(value)
        };
        let segments: Vec<&str> = url.path_segments()?.collect();
        let (tenant, room) = match segments[..] {
            [room] => (None, decoded(room)?),
            [tenant, room] => (Some(decoded(tenant)?), decoded(room)?),
            _ => return None,
        };
        let value = |pairs: &str| {
            let mut pairs = form_urlencoded::parse(pairs.as_bytes());
            pairs.find(|(name, _)| name == "jwt").map(|(_, value)| value.into_owned())
        };
        let in_fragment = value(url.fragment().unwrap_or_default());
        let in_fragment = in_fragment.and_then(|json| serde_json::from_str(&json).ok());
        let token = in_fragment.or_else(|| value(url.query().unwrap_or_default()));
        let settings = form_urlencoded::parse(url.fragment().unwrap_or_default().as_bytes());
        let settings = settings.filter_map(|(name, json)| {
            let name = name.strip_prefix("config.")?.to_owned();
            Some((name, serde_json::from_str(&json).ok()?))
        });
        Some(Self { tenant, room: room.to_lowercase(), token, settings: settings.collect() })
    }

    /// The room's name inside Prosody: `room`, or `[tenant]room`.
    #[must_use]
    pub fn node(&self) -> String {
        match &self.tenant {
            Some(tenant) => format!("[{}]{}", tenant.to_lowercase(), self.room),
            None => self.room.clone(),
        }
    }
}
