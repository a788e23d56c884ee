//! How a tenant holds its visits.

use time::Duration;

use crate::room::RoomName;
use crate::session::Version;
use crate::text::{HttpsUrl, InvalidText, TenantId, TimeZoneName};

/// Where a tenant's visits take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoBackend {
    /// The tenant's own Jitsi Meet.
    Jitsi,
}

impl VideoBackend {
    /// The backend's name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jitsi => "jitsi",
        }
    }

    /// The backend of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        (name == "jitsi").then_some(Self::Jitsi)
    }
}

/// A tenant setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// A number outside its range.
    #[error("{field} must be between {min} and {max}")]
    OutOfRange {
        /// The setting.
        field: &'static str,
        /// The least it may be.
        min: u32,
        /// The most it may be.
        max: u32,
    },
    /// A prefix Jitsi would change.
    #[error("roomSlugPrefix is 1 to 32 of a-z, 0-9 and '-'")]
    RoomSlugPrefix,
    /// A name that is not one path segment or domain.
    #[error("{field} is 1 to 100 of a-z, 0-9, '-' and '.'")]
    Name {
        /// The setting.
        field: &'static str,
    },
    /// A text that does not pass.
    #[error("{field} {reason}")]
    Text {
        /// The setting.
        field: &'static str,
        /// What is wrong with it.
        reason: InvalidText,
    },
}

impl InvalidConfig {
    /// The setting.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::OutOfRange { field, .. } | Self::Name { field } | Self::Text { field, .. } => field,
            Self::RoomSlugPrefix => "roomSlugPrefix",
        }
    }
}

/// What is given to make a [`TenantConfig`]; everything unchecked.
#[derive(Debug, Clone)]
pub struct TenantConfigDraft {
    /// Public address of the tenant's Jitsi, https.
    pub jitsi_server_url: String,
    /// Path segment in front of the room for a Jitsi that several tenants share; also the `sub` of its tokens.
    pub jitsi_tenant: Option<String>,
    /// The XMPP domain of the deployment (`meet.jitsi` in docker), which is not the public host name.
    pub jitsi_xmpp_domain: String,
    /// `iss` of the video tokens: Prosody's `app_id`.
    pub jitsi_app_id: String,
    /// `aud` of the video tokens: one of Prosody's accepted audiences.
    pub jitsi_audience: String,
    /// First part of every room name.
    pub room_slug_prefix: String,
    /// The most people in a visit, 2 to 20.
    pub max_participants: u32,
    /// How long before the start the waiting room is said to open, 0 to 240.
    pub session_grace_minutes_before: u32,
    /// How long a lost connection is waited for, 1 to 60.
    pub session_grace_minutes_after: u32,
    /// The clinic's IANA time zone.
    pub time_zone: String,
}

impl TenantConfigDraft {
    /// The defaults, for a Jitsi at that address and rooms under that prefix.
    #[must_use]
    pub fn new(jitsi_server_url: impl Into<String>, room_slug_prefix: impl Into<String>) -> Self {
        Self {
            jitsi_server_url: jitsi_server_url.into(),
            jitsi_tenant: None,
            jitsi_xmpp_domain: "meet.jitsi".to_owned(),
            jitsi_app_id: "vcare".to_owned(),
            jitsi_audience: "vcare".to_owned(),
            room_slug_prefix: room_slug_prefix.into(),
            max_participants: 6,
            session_grace_minutes_before: 15,
            session_grace_minutes_after: 1,
            time_zone: "Asia/Kabul".to_owned(),
        }
    }
}

/// How a tenant holds its visits; checked. Secrets are never in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantConfig {
    tenant_id: TenantId,
    version: Version,
    jitsi_server_url: HttpsUrl,
    jitsi_tenant: Option<String>,
    jitsi_xmpp_domain: String,
    jitsi_app_id: String,
    jitsi_audience: String,
    room_slug_prefix: String,
    max_participants: u8,
    grace_before: Duration,
    grace_after: Duration,
    time_zone: TimeZoneName,
}

fn ranged(field: &'static str, value: u32, min: u32, max: u32) -> Result<u32, InvalidConfig> {
    if (min..=max).contains(&value) { Ok(value) } else { Err(InvalidConfig::OutOfRange { field, min, max }) }
}

fn named(field: &'static str, value: String) -> Result<String, InvalidConfig> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    if (1..=100).contains(&value.len()) && value.bytes().all(plain) {
        Ok(value)
    } else {
        Err(InvalidConfig::Name { field })
    }
}

impl TenantConfig {
    /// Checks a draft.
    ///
    /// # Errors
    /// [`InvalidConfig`] names the first setting that cannot be.
    pub fn check(tenant_id: TenantId, version: Version, draft: TenantConfigDraft) -> Result<Self, InvalidConfig> {
        let text = |field| move |reason| InvalidConfig::Text { field, reason };
        let prefix = draft.room_slug_prefix;
        if prefix.len() > 32 || prefix.contains('.') || RoomName::parse(prefix.as_str()).is_err() {
            return Err(InvalidConfig::RoomSlugPrefix);
        }
        let minutes = |n: u32| Duration::minutes(i64::from(n));
        let before = ranged("sessionGraceMinutesBefore", draft.session_grace_minutes_before, 0, 240)?;
        let after = ranged("sessionGraceMinutesAfter", draft.session_grace_minutes_after, 1, 60)?;
        let max_participants = ranged("maxParticipants", draft.max_participants, 2, 20)?;
        Ok(Self {
            tenant_id,
            version,
            jitsi_server_url: HttpsUrl::parse(&draft.jitsi_server_url).map_err(text("jitsiServerUrl"))?,
            jitsi_tenant: draft.jitsi_tenant.map(|name| named("jitsiTenant", name)).transpose()?,
            jitsi_xmpp_domain: named("jitsiXmppDomain", draft.jitsi_xmpp_domain)?,
            jitsi_app_id: named("jitsiAppId", draft.jitsi_app_id)?,
            jitsi_audience: named("jitsiAudience", draft.jitsi_audience)?,
            room_slug_prefix: prefix,
            max_participants: u8::try_from(max_participants).unwrap_or(20),
            grace_before: minutes(before),
            grace_after: minutes(after),
            time_zone: TimeZoneName::parse(draft.time_zone).map_err(text("timeZone"))?,
        })
    }

    /// The tenant.
    #[must_use]
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }

    /// The version of the settings.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Public address of the tenant's Jitsi.
    #[must_use]
    pub fn jitsi_server_url(&self) -> &HttpsUrl {
        &self.jitsi_server_url
    }

    /// Path segment in front of the room, when several tenants share one Jitsi.
    #[must_use]
    pub fn jitsi_tenant(&self) -> Option<&str> {
        self.jitsi_tenant.as_deref()
    }

    /// The XMPP domain of the deployment.
    #[must_use]
    pub fn jitsi_xmpp_domain(&self) -> &str {
        &self.jitsi_xmpp_domain
    }

    /// `iss` of the video tokens.
    #[must_use]
    pub fn jitsi_app_id(&self) -> &str {
        &self.jitsi_app_id
    }

    /// `aud` of the video tokens.
    #[must_use]
    pub fn jitsi_audience(&self) -> &str {
        &self.jitsi_audience
    }

    /// First part of every room name.
    #[must_use]
    pub fn room_slug_prefix(&self) -> &str {
        &self.room_slug_prefix
    }

    /// The most people in a visit.
    #[must_use]
    pub fn max_participants(&self) -> u8 {
        self.max_participants
    }

    /// How long before the start the waiting room is said to open.
    #[must_use]
    pub fn grace_before(&self) -> Duration {
        self.grace_before
    }

    /// How long a lost connection is waited for.
    #[must_use]
    pub fn grace_after(&self) -> Duration {
        self.grace_after
    }

    /// The clinic's time zone.
    #[must_use]
    pub fn time_zone(&self) -> &TimeZoneName {
        &self.time_zone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut TenantConfigDraft)) -> Result<TenantConfig, InvalidConfig> {
        let mut draft = TenantConfigDraft::new("https://meet.example", "kabul");
        change(&mut draft);
        TenantConfig::check(TenantId::parse("t1").unwrap(), Version::FIRST, draft)
    }

    #[test]
    fn the_defaults_pass() {
        let config = check(|_| ()).unwrap();
        assert_eq!(config.grace_after(), Duration::seconds(60));
        assert_eq!(config.max_participants(), 6);
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        assert_eq!(
            check(|d| d.max_participants = 21),
            Err(InvalidConfig::OutOfRange { field: "maxParticipants", min: 2, max: 20 })
        );
        for prefix in ["", "Kabul", "a/b", "a.b", &"x".repeat(33)] {
            assert_eq!(check(|d| d.room_slug_prefix = prefix.to_owned()), Err(InvalidConfig::RoomSlugPrefix));
        }
        assert_eq!(
            check(|d| d.jitsi_tenant = Some("a/b".to_owned())),
            Err(InvalidConfig::Name { field: "jitsiTenant" })
        );
        let http = check(|d| d.jitsi_server_url = "http://meet.example".to_owned());
        assert_eq!(http, Err(InvalidConfig::Text { field: "jitsiServerUrl", reason: InvalidText::NotHttps }));
    }
}
