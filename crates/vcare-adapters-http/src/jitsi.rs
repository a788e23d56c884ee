//! Jitsi Meet as the video backend.
//!
//! Jitsi has no call that creates a room: a room begins when its first person comes. Reserving one is choosing its name;
//! who may come in is said by the tokens, which Prosody checks with the secret it shares with us.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, StatusCode};
use serde::Serialize;
use time::Duration;
use url::Url;
use vcare_app::TraceContext;
use vcare_app::ports::{NeighbourError, NeighbourFault, SecretsError, TenantSecrets, VideoGrant, VideoProvider};
use vcare_domain::{HttpsUrl, ParticipantRole, Room, RoomName, TenantConfig};
use vcare_jose::hs256;

use crate::client::{Answer, Call, HttpClient};

const NEIGHBOUR: &str = "jitsi";
const HEALTH_DEADLINE: Duration = Duration::seconds(2);
/// Prosody allows no leeway, and the clocks of two servers differ.
const CLOCK_SKEW_SECONDS: i64 = 30;

/// The tenants' Jitsi servers. Give it a client whose [`AddressPolicy`](crate::AddressPolicy) fits addresses that tenants
/// choose.
#[derive(Clone)]
pub struct JitsiVideo {
    client: HttpClient,
    secrets: Arc<dyn TenantSecrets>,
}

impl JitsiVideo {
    /// Rooms at the tenants' servers, with tokens under the tenants' secrets.
    #[must_use]
    pub fn new(client: HttpClient, secrets: Arc<dyn TenantSecrets>) -> Self {
        Self { client, secrets }
    }
}

const fn error(fault: NeighbourFault) -> NeighbourError {
    NeighbourError { neighbour: NEIGHBOUR, fault, retry_after: None }
}

#[async_trait]
impl VideoProvider for JitsiVideo {
    /// `GET {server}/http-bind`: 200 says that both the web server and the Prosody behind it are up.
    async fn health(&self, config: &TenantConfig, trace: &TraceContext) -> Result<(), NeighbourError> {
        let url = config.jitsi_server_url().join(["http-bind"]);
        let url = Url::parse(&url).map_err(|_| error(NeighbourFault::ForbiddenAddress))?;
        let mut call = Call::new(NEIGHBOUR, Method::GET, url, HEALTH_DEADLINE);
        call.trace = Some(trace);
        let read = |answer: &Answer| match answer.status {
            StatusCode::OK => Ok(()),
            _ => Err(answer.refusal()),
        };
        self.client.exchange(call, read).await
    }

    async fn create_room(&self, config: &TenantConfig, name: RoomName) -> Result<Room, NeighbourError> {
        let path = config.jitsi_tenant().into_iter().chain([name.as_str()]);
        let url = config.jitsi_server_url().join(path);
        let url = HttpsUrl::parse(&url).map_err(|_| error(NeighbourFault::Malformed))?;
        Ok(Room { name, url })
    }

    async fn join_url(&self, config: &TenantConfig, grant: &VideoGrant<'_>) -> Result<String, SecretsError> {
        let secret = self.secrets.jitsi_secret(config.tenant_id()).await?;
        let token = hs256::sign(secret.expose(), &VideoClaims::of(config, grant))
            .map_err(|fault| SecretsError(Box::new(fault)))?;
        // In the fragment, which reaches no access log; quoted, because Jitsi reads it as JSON and drops a bare one.
        Ok(format!("{}#jwt=%22{token}%22&config.prejoinConfig.enabled=false", grant.room.url.as_str()))
    }
}

/// What Prosody and its modules read from a token. No name, no address: all that they learn of a person is the
/// participant id.
#[derive(Serialize)]
struct VideoClaims<'a> {
    iss: &'a str,
    /// One text: Prosody takes no list.
    aud: &'a str,
    sub: &'a str,
    room: &'a str,
    nbf: i64,
    iat: i64,
    exp: i64,
    context: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    user: User,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    /// Always there: where it is missing, Prosody allows a moderator everything.
    features: Features,
}

#[derive(Serialize)]
struct User {
    id: String,
    moderator: bool,
}

/// What is not listed is off.
#[derive(Serialize)]
struct Features {
    recording: bool,
    transcription: bool,
    livestreaming: bool,
}

impl<'a> VideoClaims<'a> {
    fn of(config: &'a TenantConfig, grant: &'a VideoGrant<'_>) -> Self {
        let moderator = moderates(grant.role);
        let issued_at = grant.issued_at.unix_timestamp();
        Self {
            iss: config.jitsi_app_id(),
            aud: config.jitsi_audience(),
            // Prosody compares it with the tenant in the address, and with its own domain where there is none.
            sub: config.jitsi_tenant().unwrap_or(config.jitsi_xmpp_domain()),
            room: grant.room.name.as_str(),
            nbf: issued_at - CLOCK_SKEW_SECONDS,
            iat: issued_at,
            exp: grant.expires_at.unix_timestamp(),
            context: Context {
                user: User { id: grant.participant_id.to_string(), moderator },
                group: config.jitsi_tenant(),
                features: Features {
                    recording: moderator && grant.recording_enabled,
                    transcription: false,
                    livestreaming: false,
                },
            },
        }
    }
}

/// Who moderates: a provider, and never anybody else. The one place where it is decided.
const fn moderates(role: ParticipantRole) -> bool {
    match role {
        ParticipantRole::Provider => true,
        ParticipantRole::Patient | ParticipantRole::Interpreter | ParticipantRole::Observer => false,
    }
}
