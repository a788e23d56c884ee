//! Zoom as a video backend, with the tenant's own account: server-to-server OAuth and the Meetings API.
//!
//! A meeting is planned when the visit is; whoever is let in gets an address that is fetched then, the host's for providers
//! and the participants' for everybody else. The address of the room that is stored and shown opens nothing by itself.

mod oauth;

use std::time::Instant;

use async_trait::async_trait;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use time::Duration;
use time::format_description::well_known::Rfc3339;
use url::Url;
use vcare_app::TraceContext;
use vcare_app::ports::{
    Clock, ConnectionCheck, ConnectionProblem, ConnectionReport, NeighbourError, NeighbourFault, RoomWish,
    TenantSecrets, VideoError, VideoGrant, VideoProvider,
};
use vcare_domain::{HttpsUrl, ParticipantRole, Room, TenantConfig, ZoomSettings};

use crate::client::{Answer, Call, HttpClient};
use crate::neighbour::InvalidBaseUrl;
use oauth::Tokens;

const NEIGHBOUR: &str = "zoom";
/// What a meeting of ours says in its agenda; nothing about a visit.
const AGENDA: &str = "virtual care";
const SCHEDULED: u8 = 2;

/// Where Zoom is.
#[derive(Debug, Clone)]
pub struct ZoomConfig {
    /// Where access tokens are given out.
    pub oauth_base: Url,
    /// The API, version included.
    pub api_base: Url,
    /// How long one call may take.
    pub deadline: Duration,
}

impl ZoomConfig {
    /// Zoom at these addresses; they end in a path without a trailing slash.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`].
    pub fn new(oauth_base: &str, api_base: &str, deadline: Duration) -> Result<Self, InvalidBaseUrl> {
        let parse = |text: &str| {
            let url = Url::parse(text).map_err(|_| InvalidBaseUrl)?;
            if url.cannot_be_a_base() || url.query().is_some() { Err(InvalidBaseUrl) } else { Ok(url) }
        };
        Ok(Self { oauth_base: parse(oauth_base)?, api_base: parse(api_base)?, deadline })
    }
}

/// The tenants' Zoom accounts.
pub struct ZoomVideo {
    client: HttpClient,
    config: ZoomConfig,
    tokens: Tokens,
}

#[derive(Deserialize)]
struct Planned {
    id: u64,
    join_url: String,
}

#[derive(Deserialize)]
struct Meeting {
    start_url: String,
    join_url: String,
}

impl ZoomVideo {
    /// Meetings in the tenants' accounts, with the keys that the tenants brought.
    #[must_use]
    pub fn new(client: HttpClient, config: ZoomConfig, secrets: Arc<dyn TenantSecrets>, clock: Arc<dyn Clock>) -> Self {
        let tokens = Tokens::new(client.clone(), config.clone(), secrets, clock);
        Self { client, config, tokens }
    }

    /// One call of the API, with a token of the tenant; with a new one when Zoom does not take the kept one.
    async fn call<T>(
        &self,
        config: &TenantConfig,
        request: Request<'_>,
        read: impl Fn(&Answer) -> Result<T, NeighbourFault>,
    ) -> Result<T, VideoError> {
        let zoom = config.zoom().ok_or(VideoError::NotConfigured)?;
        let tenant = config.tenant_id();
        let mut token = self.tokens.get(tenant, zoom, request.trace).await?;
        let mut renewed = false;
        loop {
            let call = self.request(&request, &token);
            match self.client.exchange(call, &read).await {
                Err(error) if error.fault == NeighbourFault::Status(401) && !renewed => {
                    renewed = true;
                    self.tokens.forget(tenant, &token);
                    token = self.tokens.get(tenant, zoom, request.trace).await?;
                }
                Err(error) => return Err(quota(error)),
                Ok(done) => return Ok(done),
            }
        }
    }

    fn request<'a>(&self, request: &Request<'a>, token: &'a oauth::Token) -> Call<'a> {
        let mut url = self.config.api_base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(request.path);
        }
        let mut call = Call::new(NEIGHBOUR, request.method.clone(), url, self.config.deadline);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = &request.body {
            call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            call.body = Some(body.to_string().into_bytes());
        }
        (call.bearer, call.trace) = (Some(&token.secret), Some(request.trace));
        call
    }

    /// A light call that needs everything a visit needs: keys, account, the host.
    async fn host(&self, config: &TenantConfig, trace: &TraceContext) -> Result<(), VideoError> {
        let zoom = config.zoom().ok_or(VideoError::NotConfigured)?;
        let path = &["users", zoom.host_user.as_str()];
        self.call(config, Request { method: Method::GET, path, body: None, trace }, |answer| match answer.status {
            StatusCode::OK => Ok(()),
            _ => Err(answer.refusal()),
        })
        .await
    }
}

/// One call of the API.
struct Request<'a> {
    method: Method,
    path: &'a [&'a str],
    body: Option<serde_json::Value>,
    trace: &'a TraceContext,
}

fn quota(error: NeighbourError) -> VideoError {
    match error.fault {
        NeighbourFault::Status(429) => VideoError::QuotaExceeded { retry_after: error.retry_after },
        _ => VideoError::Unavailable(error),
    }
}

const fn malformed() -> VideoError {
    VideoError::Unavailable(NeighbourError {
        neighbour: NEIGHBOUR,
        fault: NeighbourFault::Malformed,
        retry_after: None,
    })
}

/// The meeting's number: the end of the room's address.
fn meeting_number(room: &Room) -> Result<&str, VideoError> {
    let (_, number) = room.url.as_str().rsplit_once('/').ok_or_else(malformed)?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(number) } else { Err(malformed()) }
}

/// The address without its passcode: what may be stored and shown.
fn bare(join_url: &str) -> Option<HttpsUrl> {
    let mut url = Url::parse(join_url).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    HttpsUrl::parse(url.as_str()).ok()
}

/// A meeting that does not run (400) or is not there (404) is what was wanted.
fn gone(answer: &Answer) -> Result<(), NeighbourFault> {
    match answer.status {
        StatusCode::NO_CONTENT | StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => Ok(()),
        _ => Err(answer.refusal()),
    }
}

fn is_https(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "https")
}

#[async_trait]
impl VideoProvider for ZoomVideo {
    async fn health(&self, config: &TenantConfig, trace: &TraceContext) -> Result<(), VideoError> {
        self.host(config, trace).await
    }

    /// `POST /users/{host}/meetings`.
    async fn create_room(&self, config: &TenantConfig, wish: &RoomWish<'_>) -> Result<Room, VideoError> {
        let zoom: &ZoomSettings = config.zoom().ok_or(VideoError::NotConfigured)?;
        let start = wish.schedule.start();
        let minutes = (wish.schedule.end() - start).whole_minutes().max(1);
        let start = start.replace_nanosecond(0).unwrap_or(start).format(&Rfc3339).map_err(|_| malformed())?;
        let body = json!({
            // The room's name: whoever reads the account's list of meetings learns of no patient.
            "topic": wish.name.as_str(),
            "agenda": AGENDA,
            "type": SCHEDULED,
            "start_time": start,
            "timezone": "UTC",
            "duration": minutes,
            "settings": {
                // Who may come in is decided in our waiting room: nobody has the address before.
                "waiting_room": false,
                "join_before_host": true,
                "jbh_time": 0,
                "auto_recording": "none",
                "approval_type": 2,
                "email_notification": false,
                "meeting_authentication": false,
            },
        });
        let path = &["users", zoom.host_user.as_str(), "meetings"];
        let request = Request { method: Method::POST, path, body: Some(body), trace: wish.trace };
        let planned: Planned = self
            .call(config, request, |answer| match answer.status {
                StatusCode::CREATED => answer.json(),
                _ => Err(answer.refusal()),
            })
            .await?;
        let url = bare(&planned.join_url).ok_or_else(malformed)?;
        let room = Room { name: wish.name.clone(), url };
        if meeting_number(&room)? == planned.id.to_string() { Ok(room) } else { Err(malformed()) }
    }

    /// `GET /meetings/{id}`: the host's address lives for two hours, so that it is fetched when it is needed.
    async fn join_url(&self, config: &TenantConfig, grant: &VideoGrant<'_>) -> Result<String, VideoError> {
        let path = &["meetings", meeting_number(grant.room)?];
        let request = Request { method: Method::GET, path, body: None, trace: grant.trace };
        let meeting: Meeting = self
            .call(config, request, |answer| match answer.status {
                StatusCode::OK => answer.json(),
                _ => Err(answer.refusal()),
            })
            .await?;
        let url = match grant.role {
            ParticipantRole::Provider => meeting.start_url,
            ParticipantRole::Patient | ParticipantRole::Interpreter | ParticipantRole::Observer => meeting.join_url,
        };
        if is_https(&url) { Ok(url) } else { Err(malformed()) }
    }

    /// Ends the meeting and deletes it, so that its addresses are dead.
    async fn close_room(&self, config: &TenantConfig, room: &Room, trace: &TraceContext) -> Result<(), VideoError> {
        let body = Some(json!({ "action": "end" }));
        let path = &["meetings", meeting_number(room)?, "status"];
        self.call(config, Request { method: Method::PUT, path, body, trace }, gone).await?;
        self.release_room(config, room, trace).await
    }

    async fn release_room(&self, config: &TenantConfig, room: &Room, trace: &TraceContext) -> Result<(), VideoError> {
        let path = &["meetings", meeting_number(room)?];
        self.call(config, Request { method: Method::DELETE, path, body: None, trace }, gone).await
    }

    async fn test_connection(&self, config: &TenantConfig, trace: &TraceContext) -> ConnectionReport {
        let began = Instant::now();
        let mut checks = Vec::new();
        let login = match config.zoom() {
            None => Some(ConnectionProblem { setting: Some("zoomAccountId"), message: "is not set" }),
            Some(zoom) => {
                // With a token that was not asked for before: the keys may have changed since.
                self.tokens.forget_all(config.tenant_id());
                self.tokens.get(config.tenant_id(), zoom, trace).await.err().map(login_problem)
            }
        };
        checks.push(ConnectionCheck { check: "login", problem: login });
        if login.is_none() {
            let problem = self.host(config, trace).await.err().map(|error| match error {
                VideoError::Unavailable(NeighbourError { fault: NeighbourFault::Status(404), .. }) => {
                    ConnectionProblem { setting: Some("zoomHostUser"), message: "the account has no such user" }
                }
                VideoError::Unavailable(NeighbourError { fault: NeighbourFault::Status(400 | 403), .. }) => {
                    ConnectionProblem { setting: None, message: "the app lacks the scopes for users and meetings" }
                }
                VideoError::QuotaExceeded { .. } => {
                    ConnectionProblem { setting: None, message: "the account's quota is used up for now" }
                }
                _ => ConnectionProblem { setting: None, message: "Zoom does not answer" },
            });
            checks.push(ConnectionCheck { check: "host", problem });
        }
        let latency = Duration::try_from(began.elapsed()).unwrap_or(Duration::MAX);
        ConnectionReport { latency, checks }
    }
}

fn login_problem(error: VideoError) -> ConnectionProblem {
    let (setting, message) = match error {
        VideoError::NotConfigured => (Some("zoomApiKey"), "zoomApiKey and zoomApiSecret are not both set"),
        VideoError::Unavailable(NeighbourError { fault: NeighbourFault::Status(401), .. }) => {
            (Some("zoomApiSecret"), "Zoom does not accept the key and secret")
        }
        VideoError::Unavailable(NeighbourError { fault: NeighbourFault::Status(400), .. }) => {
            (Some("zoomAccountId"), "Zoom does not accept the account id, or the key and secret are not of its app")
        }
        VideoError::QuotaExceeded { .. } => (None, "the account's quota is used up for now"),
        VideoError::Secrets(_) => (None, "the key store is unavailable"),
        VideoError::Unavailable(_) => (None, "Zoom does not answer"),
    };
    ConnectionProblem { setting, message }
}

#[cfg(test)]
mod tests {
    use vcare_domain::RoomName;

    use super::*;

    #[test]
    fn the_stored_address_holds_no_passcode() {
        let url = bare("https://us05web.zoom.example/j/85746065?pwd=c2VjcmV0#success").unwrap();
        assert_eq!(url.as_str(), "https://us05web.zoom.example/j/85746065");
        let room = Room { name: RoomName::parse("kabul-abcdefgh").unwrap(), url };
        assert_eq!(meeting_number(&room).ok(), Some("85746065"));
    }

    #[test]
    fn an_address_without_a_meeting_number_is_malformed() {
        for bad in ["https://zoom.example/j/", "https://zoom.example/my/doctor", "https://zoom.example"] {
            let room = Room { name: RoomName::parse("kabul-abcdefgh").unwrap(), url: HttpsUrl::parse(bad).unwrap() };
            assert!(meeting_number(&room).is_err(), "{bad}");
        }
    }
}
