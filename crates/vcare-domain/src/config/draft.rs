//! A tenant's settings as they are given: unchecked.

use crate::config::{LinkThresholds, Locale, RecordingPolicy, VideoBackend};
use crate::text::TenantId;

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
    /// The clinic's name, as its patients know it.
    pub clinic_name: Option<String>,
    /// The number at which patients call the clinic.
    pub clinic_phone: Option<String>,
    /// The most people in a visit, 2 to 20.
    pub max_participants: u32,
    /// How long before the start the waiting room is said to open, 0 to 240.
    pub session_grace_minutes_before: u32,
    /// How long a lost connection is waited for, 1 to 60.
    pub session_grace_minutes_after: u32,
    /// After how long a visit ends by itself that everybody has left, 1 to 240.
    pub auto_end_minutes: u32,
    /// For how long a visit that failed can be resumed, 0 to 240.
    pub resume_minutes: u32,
    /// How long after the planned start a patient who has not come is a no-show, 5 to 720.
    pub no_show_minutes: u32,
    /// The clinic's IANA time zone.
    pub time_zone: String,
    /// The language in which people are spoken to.
    pub locale: Locale,
    /// Whether visits may be recorded.
    pub recording_policy: RecordingPolicy,
    /// For how many days recordings are to be kept, 1 to 3,650. Told to who keeps them.
    pub recording_retention_days: u32,
    /// What a link must be good for.
    pub link: LinkThresholds,
}

impl TenantConfigDraft {
    /// The defaults, for a Jitsi at that address and rooms under that prefix.
    #[must_use]
    pub fn new(jitsi_server_url: impl Into<String>, room_slug_prefix: impl Into<String>) -> Self {
        Self::defaults(Some(jitsi_server_url.into()), room_slug_prefix.into())
    }

    /// The defaults for a tenant of which nothing is known yet: rooms are named after it, and where they are must be said.
    #[must_use]
    pub fn of_a_new_tenant(tenant: &TenantId) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let prefix: String = tenant.as_str().chars().map(plain).take(32).collect();
        Self::defaults(None, prefix)
    }

    fn defaults(jitsi_server_url: Option<String>, room_slug_prefix: String) -> Self {
        Self {
            video_backend: VideoBackend::Jitsi,
            jitsi_server_url,
            jitsi_tenant: None,
            jitsi_xmpp_domain: "meet.jitsi".to_owned(),
            jitsi_app_id: "vcare".to_owned(),
            jitsi_audience: "vcare".to_owned(),
            jicofo_health_url: None,
            prosody_url: None,
            zoom_account_id: None,
            zoom_host_user: "me".to_owned(),
            room_slug_prefix,
            branding_logo_url: None,
            branding_primary_color: None,
            clinic_name: None,
            clinic_phone: None,
            max_participants: 6,
            session_grace_minutes_before: 15,
            session_grace_minutes_after: 1,
            auto_end_minutes: 10,
            resume_minutes: 30,
            no_show_minutes: 60,
            time_zone: "Asia/Kabul".to_owned(),
            locale: Locale::En,
            recording_policy: RecordingPolicy::WithConsent,
            recording_retention_days: 365,
            link: LinkThresholds::default(),
        }
    }

    /// The names of the settings in which two drafts differ, as they stand in requests and answers.
    #[must_use]
    pub fn changed_fields(&self, other: &Self) -> Vec<&'static str> {
        // A setting that is added and not named here does not compile.
        macro_rules! differing {
            ($($field:ident: $name:literal,)*) => {{
                let Self { $($field,)* link } = self;
                let LinkThresholds { video_min_kbps, audio_min_kbps, max_rtt_ms, max_loss_percent } = link;
                let mut changed = Vec::new();
                $(if *$field != other.$field { changed.push($name); })*
                for (name, same) in [
                    ("linkVideoMinKbps", *video_min_kbps == other.link.video_min_kbps),
                    ("linkAudioMinKbps", *audio_min_kbps == other.link.audio_min_kbps),
                    ("linkMaxRttMs", *max_rtt_ms == other.link.max_rtt_ms),
                    ("linkMaxLossPercent", *max_loss_percent == other.link.max_loss_percent),
                ] {
                    if !same {
                        changed.push(name);
                    }
                }
                changed
            }};
        }
        differing! {
            video_backend: "videoBackend",
            jitsi_server_url: "jitsiServerUrl",
            jitsi_tenant: "jitsiTenant",
            jitsi_xmpp_domain: "jitsiXmppDomain",
            jitsi_app_id: "jitsiAppId",
            jitsi_audience: "jitsiAudience",
            jicofo_health_url: "jicofoHealthUrl",
            prosody_url: "prosodyUrl",
            zoom_account_id: "zoomAccountId",
            zoom_host_user: "zoomHostUser",
            room_slug_prefix: "roomSlugPrefix",
            branding_logo_url: "brandingLogoUrl",
            branding_primary_color: "brandingPrimaryColor",
            clinic_name: "clinicName",
            clinic_phone: "clinicPhone",
            max_participants: "maxParticipants",
            session_grace_minutes_before: "sessionGraceMinutesBefore",
            session_grace_minutes_after: "sessionGraceMinutesAfter",
            auto_end_minutes: "autoEndMinutes",
            resume_minutes: "resumeMinutes",
            no_show_minutes: "noShowMinutes",
            time_zone: "timeZone",
            locale: "locale",
            recording_policy: "recordingPolicy",
            recording_retention_days: "recordingRetentionDays",
        }
    }
}
