//! A tenant's settings as they are given: unchecked.

use crate::config::VideoBackend;

/// What is given to make a [`TenantConfig`](crate::TenantConfig); everything unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantConfigDraft {
    /// Where visits take place.
    pub video_backend: VideoBackend,
    /// Public address of the tenant's Jitsi, https.
    pub jitsi_server_url: Option<String>,
    /// Path segment in front of the room for a Jitsi that several tenants share; also the `sub` of its tokens.
    pub jitsi_tenant: Option<String>,
    /// The XMPP domain of the deployment (`meet.jitsi` in docker), which is not the public host name.
    pub jitsi_xmpp_domain: String,
    /// `iss` of the video tokens: Prosody's `app_id`.
    pub jitsi_app_id: String,
    /// `aud` of the video tokens: one of Prosody's accepted audiences.
    pub jitsi_audience: String,
    /// Jicofo's health address, inside.
    pub jicofo_health_url: Option<String>,
    /// Prosody's HTTP port, inside.
    pub prosody_url: Option<String>,
    /// The account's id at Zoom.
    pub zoom_account_id: Option<String>,
    /// Under which Zoom user meetings are planned.
    pub zoom_host_user: String,
    /// First part of every room name.
    pub room_slug_prefix: String,
    /// The logo on the video pages, https.
    pub branding_logo_url: Option<String>,
    /// The colour of the video pages, `#rrggbb`.
    pub branding_primary_color: Option<String>,
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
            video_backend: VideoBackend::Jitsi,
            jitsi_server_url: Some(jitsi_server_url.into()),
            jitsi_tenant: None,
            jitsi_xmpp_domain: "meet.jitsi".to_owned(),
            jitsi_app_id: "vcare".to_owned(),
            jitsi_audience: "vcare".to_owned(),
            jicofo_health_url: None,
            prosody_url: None,
            zoom_account_id: None,
            zoom_host_user: "me".to_owned(),
            room_slug_prefix: room_slug_prefix.into(),
            branding_logo_url: None,
            branding_primary_color: None,
            max_participants: 6,
            session_grace_minutes_before: 15,
            session_grace_minutes_after: 1,
            time_zone: "Asia/Kabul".to_owned(),
        }
    }
}
