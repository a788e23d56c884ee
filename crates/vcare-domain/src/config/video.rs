//! Where a tenant's visits take place, and what its video backends are told.

use std::fmt;

use url::Url;

use crate::config::InvalidConfig;
use crate::text::HttpsUrl;

/// Where a tenant's visits take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoBackend {
    /// The tenant's own Jitsi Meet.
    Jitsi,
    /// The tenant's account at Zoom.
    Zoom,
}

impl VideoBackend {
    /// Every backend.
    pub const ALL: [Self; 2] = [Self::Jitsi, Self::Zoom];

    /// The backend's name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jitsi => "jitsi",
            Self::Zoom => "zoom",
        }
    }

    /// The backend of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|backend| backend.as_str() == name)
    }
}

impl fmt::Display for VideoBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A tenant's Jitsi Meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JitsiSettings {
    /// Its public address.
    pub server_url: HttpsUrl,
    /// Path segment in front of the room, when several tenants share it; no two tenants have the same.
    pub tenant: Option<String>,
    /// The XMPP domain of the deployment, which is not the public host name.
    pub xmpp_domain: String,
    /// `iss` of the video tokens: Prosody's `app_id`.
    pub app_id: String,
    /// `aud` of the video tokens: one of Prosody's accepted audiences.
    pub audience: String,
    /// Jicofo's `/about/health`, inside: the only probe that knows whether a bridge works.
    pub jicofo_health_url: Option<InternalUrl>,
    /// Prosody's HTTP port, inside: where a running room is ended.
    pub prosody_url: Option<InternalUrl>,
}

/// A tenant's account at Zoom. Its key and secret are no settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomSettings {
    /// The account's id, as the server-to-server OAuth app shows it.
    pub account_id: String,
    /// Under which user meetings are planned: a user id or `me`.
    pub host_user: String,
}

/// An address inside the deployment, http or https. Only operators may set one: whoever chooses it chooses what of our own
/// network is called.
#[derive(Clone, PartialEq, Eq)]
pub struct InternalUrl(Url);

impl InternalUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// [`InvalidConfig::InternalUrl`] for anything but a plain http or https address.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, InvalidConfig> {
        let refused = InvalidConfig::InternalUrl { field };
        if text.len() > 300 {
            return Err(refused);
        }
        let url = Url::parse(text).map_err(|_| refused.clone())?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(Self(url)) } else { Err(refused) }
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The address as text, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl fmt::Debug for InternalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
