//! Jitsi Meet as the video backend.
//!
//! Jitsi has no call that creates a room: a room begins when its first person comes. Reserving one is choosing its name;
//! that it may begin is said by our answer to Prosody's reservation plugin, and who may come in by the tokens, which Prosody
//! checks with the secret it shares with us.

mod bosh;
mod claims;
mod end_meeting;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use http::{Method, StatusCode};
use time::Duration;
use url::Url;
use vcare_app::TraceContext;
use vcare_app::ports::{
    Clock, ConnectionCheck, ConnectionProblem, ConnectionReport, NeighbourError, NeighbourFault, ReservedRoom,
    RoomClosing, RoomWish, Secret, SecretsError, TenantSecrets, VideoError, VideoGrant, VideoProvider,
};
use vcare_domain::{HttpsUrl, InternalUrl, JitsiSettings, LinkUse, MediaMode, Room, RoomName, TenantConfig, TenantId};
use vcare_jose::hs256;

use crate::client::{Answer, Call, HttpClient};
use claims::VideoClaims;
use end_meeting::{EndMeeting, Ended};

const NEIGHBOUR: &str = "jitsi";
const DEADLINE: Duration = Duration::seconds(2);
/// For how long a token of our own opens.
const OWN_TOKEN: Duration = Duration::seconds(60);

/// The tenants' Jitsi servers.
#[derive(Clone)]
pub struct JitsiVideo {
    public: HttpClient,
    inside: HttpClient,
    secrets: Arc<dyn TenantSecrets>,
    clock: Arc<dyn Clock>,
}

impl JitsiVideo {
    /// Rooms at the tenants' servers, with tokens under the tenants' secrets. `public` calls the addresses that tenants
    /// choose: its [`AddressPolicy`](crate::AddressPolicy) is the wall. `inside` calls those that operators set.
    #[must_use]
    pub fn new(public: HttpClient, inside: HttpClient, secrets: Arc<dyn TenantSecrets>, clock: Arc<dyn Clock>) -> Self {
        Self { public, inside, secrets, clock }
    }

    /// `GET {server}/http-bind`: 200 says that both the web server and the Prosody behind it are up.
    async fn web_health(&self, jitsi: &JitsiSettings, trace: &TraceContext) -> Result<(), NeighbourError> {
        let mut call = Call::new(NEIGHBOUR, Method::GET, http_bind(jitsi)?, DEADLINE);
        call.trace = Some(trace);
        self.public.exchange(call, ok).await
    }

    /// Jicofo alone knows whether a bridge works. 404 says that its health checks are off: that is not healthy.
    async fn bridge_health(&self, jicofo: Option<&InternalUrl>, trace: &TraceContext) -> Result<(), NeighbourError> {
        let Some(jicofo) = jicofo else { return Ok(()) };
        let mut call = Call::new("jicofo", Method::GET, jicofo.url().clone(), DEADLINE);
        call.trace = Some(trace);
        self.inside.exchange(call, ok).await
    }

    async fn sign(&self, tenant: &TenantId, claims: &VideoClaims<'_>) -> Result<String, SecretsError> {
        let secret = self.secrets.jitsi_secret(tenant).await?;
        hs256::sign(secret.expose(), claims).map_err(|fault| SecretsError(Box::new(fault)))
    }

    /// A token of our own, which moderates nothing.
    async fn own_token(
        &self,
        config: &TenantConfig,
        jitsi: &JitsiSettings,
        room: &RoomName,
    ) -> Result<Secret, SecretsError> {
        let claims = VideoClaims::of_the_service(jitsi, room, self.clock.now(), OWN_TOKEN);
        Ok(Secret::new(self.sign(config.tenant_id(), &claims).await?))
    }

    /// Where rooms are ended; none where operators did not say where Prosody is.
    fn end_meeting<'a>(&'a self, jitsi: &'a JitsiSettings, trace: &'a TraceContext) -> Option<EndMeeting<'a>> {
        jitsi.prosody_url.as_ref().map(|prosody| EndMeeting { client: &self.inside, prosody, trace })
    }

    /// Signs in as a browser would, with a token of our own for a room that does not exist. Opens no room.
    async fn login(
        &self,
        config: &TenantConfig,
        jitsi: &JitsiSettings,
        trace: &TraceContext,
    ) -> Option<ConnectionProblem> {
        let Some(room) = nobodys_room(config) else {
            return Some(ConnectionProblem { setting: Some("roomSlugPrefix"), message: "is no room name" });
        };
        let claims = VideoClaims::of_the_service(jitsi, &room, self.clock.now(), OWN_TOKEN);
        let Ok(token) = self.sign(config.tenant_id(), &claims).await else {
            return Some(ConnectionProblem { setting: None, message: "the key store is unavailable" });
        };
        bosh::login(&self.public, jitsi, &room, &token, trace).await.err()
    }

    /// Whether rooms can be closed when their visits end. Ends none: the room that it names is nobody's. Whether our tokens are
    /// taken is asked only where they open a login; else that is said already.
    async fn closing(
        &self,
        config: &TenantConfig,
        jitsi: &JitsiSettings,
        end_meeting: EndMeeting<'_>,
        signed_in: bool,
    ) -> Option<ConnectionProblem> {
        let Some(room) = nobodys_room(config).filter(|_| signed_in) else { return end_meeting.problem(None).await };
        match self.own_token(config, jitsi, &room).await {
            Ok(token) => end_meeting.problem(Some((&muc(jitsi, &room), &token))).await,
            Err(_) => Some(ConnectionProblem { setting: None, message: "the key store is unavailable" }),
        }
    }
}

/// A name that no visit's room has: what is random in those is shorter.
fn nobodys_room(config: &TenantConfig) -> Option<RoomName> {
    RoomName::parse(format!("{}-connectiontest", config.room_slug_prefix())).ok()
}

fn ok(answer: &Answer) -> Result<(), NeighbourFault> {
    match answer.status {
        StatusCode::OK => Ok(()),
        _ => Err(answer.refusal()),
    }
}

const fn error(fault: NeighbourFault) -> NeighbourError {
    NeighbourError { neighbour: NEIGHBOUR, fault, retry_after: None }
}

fn http_bind(jitsi: &JitsiSettings) -> Result<Url, NeighbourError> {
    Url::parse(&jitsi.server_url.join(["http-bind"])).map_err(|_| error(NeighbourFault::ForbiddenAddress))
}

/// What a call that did not succeed says about the server's address.
const fn unreachable(error: NeighbourError) -> ConnectionProblem {
    let message = match error.fault {
        NeighbourFault::Unreachable => {
            "no connection: the name is unknown, nobody listens, or the certificate is not trusted"
        }
        NeighbourFault::TimedOut => "no answer within two seconds",
        NeighbourFault::ForbiddenAddress => "the address is not public, and this deployment allows no private ones",
        NeighbourFault::Status(300..=399) => "the server sends us elsewhere: give the address it sends us to",
        NeighbourFault::Status(502..=504) => "the web server is up, and Prosody behind it is not",
        NeighbourFault::Status(_) | NeighbourFault::Malformed | NeighbourFault::CutShort => {
            "the server does not answer as Jitsi does"
        }
    };
    ConnectionProblem { setting: Some("jitsiServerUrl"), message }
}

#[async_trait]
impl VideoProvider for JitsiVideo {
    async fn health(&self, config: &TenantConfig, trace: &TraceContext) -> Result<(), VideoError> {
        let jitsi = config.jitsi().ok_or(VideoError::NotConfigured)?;
        let (web, bridge) =
            tokio::join!(self.web_health(jitsi, trace), self.bridge_health(jitsi.jicofo_health_url.as_ref(), trace),);
        Ok(web.and(bridge)?)
    }

    async fn create_room(&self, config: &TenantConfig, wish: &RoomWish<'_>) -> Result<Room, VideoError> {
        let jitsi = config.jitsi().ok_or(VideoError::NotConfigured)?;
        let path = jitsi.tenant.as_deref().into_iter().chain([wish.name.as_str()]);
        let url = HttpsUrl::parse(&jitsi.server_url.join(path)).map_err(|_| error(NeighbourFault::Malformed))?;
        Ok(Room { name: wish.name.clone(), url })
    }

    async fn join_url(&self, config: &TenantConfig, grant: &VideoGrant<'_>) -> Result<String, VideoError> {
        let jitsi = config.jitsi().ok_or(VideoError::NotConfigured)?;
        let token = self.sign(config.tenant_id(), &VideoClaims::of(jitsi, grant)).await?;
        // In the fragment, which reaches no access log; quoted, because Jitsi reads it as JSON and drops a bare one.
        let room = grant.room.url.as_str();
        Ok(format!("{room}#jwt=%22{token}%22&config.prejoinConfig.enabled=false{}", overrides(grant.link)))
    }

    /// By `/end-meeting`, where the deployment says where Prosody is.
    async fn close_room(
        &self,
        config: &TenantConfig,
        room: &Room,
        trace: &TraceContext,
    ) -> Result<RoomClosing, VideoError> {
        let jitsi = config.jitsi().ok_or(VideoError::NotConfigured)?;
        let Some(end_meeting) = self.end_meeting(jitsi, trace) else { return Ok(RoomClosing::LeftOpen) };
        let token = self.own_token(config, jitsi, &room.name).await?;
        match end_meeting.end(&muc(jitsi, &room.name), &token).await? {
            Ended::Closed => Ok(RoomClosing::Closed),
            Ended::NoEndpoint => Err(VideoError::NoEndpoint(end_meeting::missing())),
        }
    }

    /// Nothing to give back: a name is all that was reserved.
    async fn release_room(&self, _: &TenantConfig, _: &Room, _: &TraceContext) -> Result<(), VideoError> {
        Ok(())
    }

    async fn reserved_rooms(&self, _: &TenantConfig, _: &TraceContext) -> Result<Vec<ReservedRoom>, VideoError> {
        Ok(Vec::new())
    }

    async fn test_connection(&self, config: &TenantConfig, trace: &TraceContext) -> ConnectionReport {
        let began = Instant::now();
        let mut checks = Vec::new();
        let Some(jitsi) = config.jitsi() else {
            let problem = ConnectionProblem { setting: Some("jitsiServerUrl"), message: "is not set" };
            checks.push(ConnectionCheck { check: "web", problem: Some(problem) });
            return ConnectionReport { latency: Duration::ZERO, checks };
        };
        let web = self.web_health(jitsi, trace).await.err().map(unreachable);
        checks.push(ConnectionCheck { check: "web", problem: web });
        let mut signed_in = false;
        if web.is_none() {
            let login = self.login(config, jitsi, trace).await;
            signed_in = login.is_none();
            checks.push(ConnectionCheck { check: "login", problem: login });
        }
        if let Some(jicofo) = &jitsi.jicofo_health_url {
            let problem = self.bridge_health(Some(jicofo), trace).await.err().map(|error| match error.fault {
                NeighbourFault::Status(404) => ConnectionProblem {
                    setting: Some("jicofoHealthUrl"),
                    message: "jicofo's health checks are not enabled (jicofo.health.enabled)",
                },
                NeighbourFault::Status(500..=599) => {
                    ConnectionProblem { setting: None, message: "jicofo has no bridge that works" }
                }
                _ => ConnectionProblem { setting: Some("jicofoHealthUrl"), message: "jicofo does not answer there" },
            });
            checks.push(ConnectionCheck { check: "bridge", problem });
        }
        if let Some(end_meeting) = self.end_meeting(jitsi, trace) {
            let problem = self.closing(config, jitsi, end_meeting, signed_in).await;
            checks.push(ConnectionCheck { check: "end_meeting", problem });
        }
        let latency = Duration::try_from(began.elapsed()).unwrap_or(Duration::MAX);
        ConnectionReport { latency, checks }
    }
}

/// What Jitsi is told of a link, by settings that its whitelist takes from an address. A person may change them: they spare
/// a link, and are no wall. "Audio only" was renamed on 17 July 2026, and a page drops the name that it does not know: both
/// are said. `startWithVideoMuted` is the own camera alone; `channelLastN` asks the bridge for nobody's picture.
const fn overrides(link: Option<LinkUse>) -> &'static str {
    match link {
        None => "",
        Some(LinkUse { mode: MediaMode::Audio | MediaMode::Message, .. }) => {
            "&config.startLowBandwidthMode=true&config.startAudioOnly=true&config.startWithVideoMuted=true\
             &config.channelLastN=0"
        }
        // The largest picture whose stream is within the cap: Jitsi sends about 1,500, 500 and 200 kbit/s.
        Some(LinkUse { mode: MediaMode::Video, cap_kbps: 1500.. }) => "&config.resolution=720",
        Some(LinkUse { mode: MediaMode::Video, cap_kbps: 500.. }) => "&config.resolution=360",
        Some(LinkUse { mode: MediaMode::Video, .. }) => "&config.resolution=180",
    }
}

/// The room's address inside Prosody, in the form that names the tenant.
fn muc(jitsi: &JitsiSettings, room: &RoomName) -> String {
    match &jitsi.tenant {
        Some(tenant) => format!("{room}@muc.{tenant}.{}", jitsi.xmpp_domain),
        None => format!("{room}@muc.{}", jitsi.xmpp_domain),
    }
}
