//! How a Jitsi is set up: what its operator says to Prosody and jicofo.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use vcare_app::ports::Clock;

use super::page::Release;
use crate::machine::MachineClock;

/// How a Jitsi is set up. Secrets are texts whose bytes are the key.
#[derive(Clone)]
pub struct Settings {
    /// The XMPP domain: what a login is addressed to, and `sub` of a token without a tenant.
    pub xmpp_domain: String,
    /// `asap_accepted_issuers`, the app id first; `*` accepts any.
    pub accepted_issuers: Vec<String>,
    /// `asap_accepted_audiences`; `*` accepts any.
    pub accepted_audiences: Vec<String>,
    /// The host's secret. With `tenant_secrets` it opens no room, and `end-meeting` still wants it.
    pub app_secret: String,
    /// The secrets by tenant, when Prosody has our module that picks a key by the tenant in the URL. Without it one host
    /// knows one secret.
    pub tenant_secrets: Option<BTreeMap<String, String>>,
    /// `enable_domain_verification`: whether `sub` must fit the tenant in the URL.
    pub domain_verification: bool,
    /// Whether `mod_token_affiliation` is there. Without it nobody moderates by token.
    pub token_affiliation: bool,
    /// jicofo's `enable-auto-owner`: whether the first person in a room moderates when nobody else does.
    pub auto_owner: bool,
    /// `muc_max_occupants`. Without it no limit holds, also none that a reservation asks for.
    pub max_participants: Option<usize>,
    /// The reservation service that is asked before a room begins.
    pub reservations: Option<Reservations>,
    /// Who is told of those who come and go.
    pub event_sync: Option<EventSync>,
    /// What jicofo says of its health.
    pub jicofo: JicofoHealth,
    /// Who may end its rooms.
    pub end_meeting: EndMeeting,
    /// Which page its web server gives to browsers.
    pub release: Release,
    /// The time it is for this Jitsi.
    pub clock: Arc<dyn Clock>,
}

impl Settings {
    pub(super) fn now(&self) -> i64 {
        // Lua's os.time() knows whole seconds.
        self.clock.now().unix_timestamp()
    }
}

impl Default for Settings {
    /// One secret, domain verification, the modules our deployment asks for, nobody asked and nobody told, in the
    /// machine's time.
    fn default() -> Self {
        Self {
            xmpp_domain: "meet.jitsi".to_owned(),
            accepted_issuers: vec!["vcare".to_owned()],
            accepted_audiences: vec!["vcare".to_owned()],
            app_secret: "0123456789abcdef0123456789abcdef".to_owned(),
            tenant_secrets: None,
            domain_verification: true,
            token_affiliation: true,
            auto_owner: false,
            max_participants: Some(20),
            reservations: None,
            event_sync: None,
            jicofo: JicofoHealth::Ok,
            end_meeting: EndMeeting::HostSecret,
            release: Release::LowBandwidth,
            clock: Arc::new(MachineClock),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("xmpp_domain", &self.xmpp_domain).finish_non_exhaustive()
    }
}

/// `mod_reservations`.
#[derive(Debug, Clone)]
pub struct Reservations {
    /// `reservations_api_prefix`, which `/conference` is appended to.
    pub base_url: String,
    /// The `Authorization` of `reservations_api_headers`, whole.
    pub authorization: Option<String>,
    /// `reservations_enable_max_occupants`.
    pub max_occupants: bool,
    /// How it calls.
    pub calls: Calls,
}

impl Reservations {
    /// A service at that address, which takes that bearer token.
    #[must_use]
    pub fn at(base_url: impl Into<String>, bearer: &str) -> Self {
        Self {
            base_url: base_url.into(),
            authorization: Some(format!("Bearer {bearer}")),
            max_occupants: true,
            calls: Calls::default(),
        }
    }
}

/// `event_sync_component`.
#[derive(Debug, Clone)]
pub struct EventSync {
    /// `api_prefix`, which `/events/…` is appended to.
    pub api_prefix: String,
    /// The `Authorization` of `api_headers`, whole.
    pub authorization: Option<String>,
    /// How it calls.
    pub calls: Calls,
}

impl EventSync {
    /// A listener at that address, which takes that bearer token.
    #[must_use]
    pub fn at(api_prefix: impl Into<String>, bearer: &str) -> Self {
        Self { api_prefix: api_prefix.into(), authorization: Some(format!("Bearer {bearer}")), calls: Calls::default() }
    }
}

/// How Prosody's modules call: 5xx and no connection are tried again, a time-out never.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    /// How often a call is tried again.
    pub retries: usize,
    /// How long before it is. Prosody waits 1 to 3 seconds; the stand-in does not, unless told.
    pub retry_delay: Duration,
    /// When no answer is a time-out.
    pub timeout: Duration,
}

impl Default for Calls {
    fn default() -> Self {
        Self { retries: 3, retry_delay: Duration::ZERO, timeout: Duration::from_secs(20) }
    }
}

/// `mod_muc_end_meeting`, as its releases have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndMeeting {
    /// It takes tokens under the host's secret.
    HostSecret,
    /// It takes tokens under the keys of a server (`prosody_password_public_key_repo_url`), and no other: as releases of 2026
    /// where that is set.
    SystemKeys,
    /// It did not start: where that is not set, or the module is not loaded. The path is 404 whatever is asked.
    Absent,
}

/// What `GET /about/health` of jicofo says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JicofoHealth {
    /// 200.
    Ok,
    /// 500: jicofo itself is ill.
    Hard,
    /// 503: no bridge works.
    Soft,
    /// 404: health checks are not switched on, which is jicofo's default.
    NotEnabled,
}
