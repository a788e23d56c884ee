//! Zoom as a video backend, with the tenant's own account: server-to-server OAuth and the Meetings API.
//!
//! A meeting is planned when the visit is; whoever is let in gets an address that is fetched then, the host's for providers
//! and the participants' for everybody else. The address of the room that is stored and shown opens nothing by itself: it
//! lacks the passcode.

mod api;
mod diagnosis;
mod meeting;
mod oauth;

use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, StatusCode};
use serde_json::json;
use time::Duration;
use url::Url;
use vcare_app::TraceContext;
use vcare_app::ports::{
    ConnectionReport, NeighbourError, NeighbourFault, ReservedRoom, RoomClosing, RoomWish, TenantSecrets, VideoError,
    VideoGrant, VideoProvider,
};
use vcare_domain::{ParticipantRole, Room, TenantConfig};

use crate::client::{Answer, HttpClient};
use crate::neighbour::InvalidBaseUrl;
use api::Request;
use meeting::{Addresses, Page, Planned};
use oauth::Tokens;

const NEIGHBOUR: &str = "zoom";
const PAGE_SIZE: &str = "100";
/// A page is longer than other answers: a meeting takes about a kilobyte.
const PAGE_LIMIT: usize = 1024 * 1024;
/// Nobody has so many; a list that goes on all the same is no list.
const MOST_PAGES: usize = 100;

/// Where Zoom is.
#[derive(Debug, Clone)]
pub struct ZoomConfig {
    /// Where access tokens are given out.
    pub oauth_base: Url,
    /// The API, version included.
    pub api_base: Url,
    /// How long one call may take.
    pub deadline: Duration,
    /// Who we are among all that plan meetings in the same accounts: our public address.
    pub deployment: String,
}

impl ZoomConfig {
    /// Zoom at these addresses; they end in a path without a trailing slash.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`].
    pub fn new(oauth_base: &str, api_base: &str, deadline: Duration, deployment: &str) -> Result<Self, InvalidBaseUrl> {
        let parse = |text: &str| {
            let url = Url::parse(text).map_err(|_| InvalidBaseUrl)?;
            if url.cannot_be_a_base() || url.query().is_some() { Err(InvalidBaseUrl) } else { Ok(url) }
        };
        let (oauth_base, api_base) = (parse(oauth_base)?, parse(api_base)?);
        Ok(Self { oauth_base, api_base, deadline, deployment: deployment.to_owned() })
    }
}

/// The tenants' Zoom accounts.
pub struct ZoomVideo {
    client: HttpClient,
    config: ZoomConfig,
    tokens: Tokens,
}

impl ZoomVideo {
    /// Meetings in the tenants' accounts, with the keys that the tenants brought.
    #[must_use]
    pub fn new(client: HttpClient, config: ZoomConfig, secrets: Arc<dyn TenantSecrets>) -> Self {
        let tokens = Tokens::new(client.clone(), config.clone(), secrets);
        Self { client, config, tokens }
    }

    /// `GET /users/{host}/meetings`, one of them: needs all that a visit needs: keys, account, the host.
    async fn see_host(&self, config: &TenantConfig, trace: &TraceContext) -> Result<(), VideoError> {
        let zoom = config.zoom().ok_or(VideoError::NotConfigured)?;
        let query = [("type", "scheduled"), ("page_size", "1")];
        let request = Request::new(Method::GET, &["users", &zoom.host_user, "meetings"], trace).query(&query);
        // What is in it does not matter here.
        self.call(config, request, |answer| expect(answer, StatusCode::OK)).await
    }

    /// `POST /users/{host}/meetings`.
    async fn plan(&self, config: &TenantConfig, wish: &RoomWish<'_>) -> Result<Planned, VideoError> {
        let zoom = config.zoom().ok_or(VideoError::NotConfigured)?;
        let mark = meeting::mark(config.tenant_id(), &self.config.deployment);
        let body = meeting::wanted(wish, &mark, self.client.ids()).ok_or_else(malformed)?;
        let request = Request::new(Method::POST, &["users", &zoom.host_user, "meetings"], wish.trace).body(&body);
        self.call(config, request, |answer| {
            expect(answer, StatusCode::CREATED)?;
            answer.json()
        })
        .await
    }

    /// `GET /meetings/{id}`.
    async fn addresses(
        &self,
        config: &TenantConfig,
        room: &Room,
        trace: &TraceContext,
    ) -> Result<Addresses, VideoError> {
        let number = meeting::number(room).ok_or_else(malformed)?;
        self.call(config, Request::new(Method::GET, &["meetings", number], trace), |answer| {
            expect(answer, StatusCode::OK)?;
            answer.json()
        })
        .await
    }
}

fn expect(answer: &Answer, status: StatusCode) -> Result<(), NeighbourFault> {
    if answer.status == status { Ok(()) } else { Err(answer.refusal()) }
}

/// The quota is a thing of its own, whatever was asked for.
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

#[async_trait]
impl VideoProvider for ZoomVideo {
    async fn health(&self, config: &TenantConfig, trace: &TraceContext) -> Result<(), VideoError> {
        self.see_host(config, trace).await
    }

    async fn create_room(&self, config: &TenantConfig, wish: &RoomWish<'_>) -> Result<Room, VideoError> {
        self.plan(config, wish).await?.room(wish.name).ok_or_else(malformed)
    }

    /// The host's address opens for two hours after it was given out, so that it is fetched when somebody comes.
    async fn join_url(&self, config: &TenantConfig, grant: &VideoGrant<'_>) -> Result<String, VideoError> {
        let Addresses { start_url, join_url } = self.addresses(config, grant.room, grant.trace).await?;
        let url = match grant.role {
            ParticipantRole::Provider => start_url,
            ParticipantRole::Patient | ParticipantRole::Interpreter | ParticipantRole::Observer => join_url,
        };
        if meeting::is_https(&url) { Ok(url) } else { Err(malformed()) }
    }

    /// `PUT /meetings/{id}/status` sends everybody out; then it is deleted, so that its addresses are dead.
    async fn close_room(
        &self,
        config: &TenantConfig,
        room: &Room,
        trace: &TraceContext,
    ) -> Result<RoomClosing, VideoError> {
        let (number, end) = (meeting::number(room).ok_or_else(malformed)?, json!({"action": "end"}));
        let request = Request::new(Method::PUT, &["meetings", number, "status"], trace).body(&end);
        self.call(config, request, |answer| match answer.status {
            // 400 says that there is nothing to end, or that we may not: deleting a running meeting is refused, and tells.
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => Ok(()),
            _ => Err(answer.refusal()),
        })
        .await?;
        self.release_room(config, room, trace).await?;
        Ok(RoomClosing::Closed)
    }

    /// `DELETE /meetings/{id}`.
    async fn release_room(&self, config: &TenantConfig, room: &Room, trace: &TraceContext) -> Result<(), VideoError> {
        let number = meeting::number(room).ok_or_else(malformed)?;
        // The host need not be written to.
        let query = [("schedule_for_reminder", "false")];
        let request = Request::new(Method::DELETE, &["meetings", number], trace).query(&query);
        self.call(config, request, |answer| match answer.status {
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(()),
            _ => Err(answer.refusal()),
        })
        .await
    }

    /// `GET /users/{host}/meetings`, page by page.
    async fn reserved_rooms(
        &self,
        config: &TenantConfig,
        trace: &TraceContext,
    ) -> Result<Vec<ReservedRoom>, VideoError> {
        let zoom = config.zoom().ok_or(VideoError::NotConfigured)?;
        let mark = meeting::mark(config.tenant_id(), &self.config.deployment);
        let (mut rooms, mut next) = (Vec::new(), String::new());
        for _ in 0..MOST_PAGES {
            let query = [("type", "scheduled"), ("page_size", PAGE_SIZE), ("next_page_token", next.as_str())];
            let request = Request::new(Method::GET, &["users", &zoom.host_user, "meetings"], trace);
            let request = request.query(&query).body_limit(PAGE_LIMIT);
            let page: Page = self
                .call(config, request, |answer| {
                    expect(answer, StatusCode::OK)?;
                    answer.json()
                })
                .await?;
            rooms.extend(page.meetings.iter().filter_map(|meeting| meeting.reserved(&mark)));
            next = page.next_page_token;
            if next.is_empty() {
                return Ok(rooms);
            }
        }
        Err(malformed())
    }

    async fn test_connection(&self, config: &TenantConfig, trace: &TraceContext) -> ConnectionReport {
        self.diagnose(config, trace).await
    }
}
