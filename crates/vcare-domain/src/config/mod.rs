//! How a tenant holds its visits.

mod branding;
mod draft;
mod invalid;
mod policy;
mod video;

use time::Duration;

use crate::name::ClinicName;
use crate::phone::ClinicPhone;
use crate::room::RoomName;
use crate::session::{Patience, Version};
use crate::text::{HttpsUrl, TenantId, TimeZoneName};

pub use branding::{Branding, CssHexColor, InvalidColor};
pub use draft::TenantConfigDraft;
pub use invalid::InvalidConfig;
pub use policy::{LinkThresholds, Locale, RecordingPolicy};
pub use video::{InternalUrl, JitsiSettings, VideoBackend, ZoomSettings};

/// How a tenant holds its visits; checked. Secrets are never in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantConfig {
    tenant_id: TenantId,
    version: Version,
    video_backend: VideoBackend,
    jitsi: Option<JitsiSettings>,
    zoom: Option<ZoomSettings>,
    room_slug_prefix: String,
    branding: Branding,
    clinic_name: Option<ClinicName>,
    clinic_phone: Option<ClinicPhone>,
    max_participants: u8,
    grace_before: Duration,
    patience: Patience,
    time_zone: TimeZoneName,
    link: LinkThresholds,
    draft: TenantConfigDraft,
}

fn ranged(field: &'static str, value: u32, min: u32, max: u32) -> Result<u32, InvalidConfig> {
    if (min..=max).contains(&value) { Ok(value) } else { Err(InvalidConfig::OutOfRange { field, min, max }) }
}

fn named(field: &'static str, value: &str) -> Result<String, InvalidConfig> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    if (1..=100).contains(&value.len()) && value.bytes().all(plain) {
        Ok(value.to_owned())
    } else {
        Err(InvalidConfig::Name { field })
    }
}

/// What Zoom calls its accounts and users: letters, digits and what stands in e-mail addresses.
fn zoom_name(field: &'static str, value: &str) -> Result<String, InvalidConfig> {
    use crate::text::UserId;
    let name = UserId::parse(value).map_err(|reason| InvalidConfig::Text { field, reason })?;
    Ok(name.as_str().to_owned())
}

fn https(field: &'static str, value: &str) -> Result<HttpsUrl, InvalidConfig> {
    HttpsUrl::parse(value).map_err(|reason| InvalidConfig::Text { field, reason })
}

impl TenantConfigDraft {
    fn jitsi(&self) -> Result<Option<JitsiSettings>, InvalidConfig> {
        let internal =
            |field, value: &Option<String>| value.as_deref().map(|url| InternalUrl::parse(field, url)).transpose();
        // Checked whether or not there is a server: what is stored must be good.
        let tenant = self.jitsi_tenant.as_deref().map(|name| named("jitsiTenant", name)).transpose()?;
        let xmpp_domain = named("jitsiXmppDomain", &self.jitsi_xmpp_domain)?;
        let app_id = named("jitsiAppId", &self.jitsi_app_id)?;
        let audience = named("jitsiAudience", &self.jitsi_audience)?;
        let jicofo_health_url = internal("jicofoHealthUrl", &self.jicofo_health_url)?;
        let prosody_url = internal("prosodyUrl", &self.prosody_url)?;
        let Some(server_url) = &self.jitsi_server_url else { return Ok(None) };
        let server_url = https("jitsiServerUrl", server_url)?;
        Ok(Some(JitsiSettings { server_url, tenant, xmpp_domain, app_id, audience, jicofo_health_url, prosody_url }))
    }

    fn zoom(&self) -> Result<Option<ZoomSettings>, InvalidConfig> {
        let host_user = zoom_name("zoomHostUser", &self.zoom_host_user)?;
        let Some(account_id) = &self.zoom_account_id else { return Ok(None) };
        Ok(Some(ZoomSettings { account_id: zoom_name("zoomAccountId", account_id)?, host_user }))
    }

    fn branding(&self) -> Result<Branding, InvalidConfig> {
        let logo_url = self.branding_logo_url.as_deref().map(|url| https("brandingLogoUrl", url)).transpose()?;
        let primary_color = self.branding_primary_color.as_deref().map(CssHexColor::parse).transpose()?;
        Ok(Branding { logo_url, primary_color })
    }
}

impl TenantConfig {
    /// Checks a draft.
    ///
    /// # Errors
    /// [`InvalidConfig`] names the first setting that cannot be.
    pub fn check(tenant_id: TenantId, version: Version, mut draft: TenantConfigDraft) -> Result<Self, InvalidConfig> {
        let prefix = draft.room_slug_prefix.clone();
        if prefix.len() > 32 || prefix.contains('.') || RoomName::parse(prefix.as_str()).is_err() {
            return Err(InvalidConfig::RoomSlugPrefix);
        }
        let minutes = |n: u32| Duration::minutes(i64::from(n));
        let before = ranged("sessionGraceMinutesBefore", draft.session_grace_minutes_before, 0, 240)?;
        let after = ranged("sessionGraceMinutesAfter", draft.session_grace_minutes_after, 1, 60)?;
        let patience = Patience {
            reconnect: minutes(after),
            auto_end: minutes(ranged("autoEndMinutes", draft.auto_end_minutes, 1, 240)?),
            resume: minutes(ranged("resumeMinutes", draft.resume_minutes, 0, 240)?),
            no_show: minutes(ranged("noShowMinutes", draft.no_show_minutes, 5, 720)?),
        };
        let max_participants = ranged("maxParticipants", draft.max_participants, 2, 20)?;
        let (jitsi, zoom) = (draft.jitsi()?, draft.zoom()?);
        let backend = draft.video_backend;
        let lacking = match backend {
            VideoBackend::Jitsi => jitsi.is_none().then_some("jitsiServerUrl"),
            VideoBackend::Zoom => zoom.is_none().then_some("zoomAccountId"),
        };
        if let Some(field) = lacking {
            return Err(InvalidConfig::Needed { field, backend });
        }
        let branding = draft.branding()?;
        let clinic_name = draft.clinic_name.as_deref().map(ClinicName::parse).transpose();
        let clinic_name = clinic_name.map_err(|reason| InvalidConfig::Text { field: "clinicName", reason })?;
        let clinic_phone = draft.clinic_phone.as_deref().map(ClinicPhone::parse).transpose()?;
        ranged("recordingRetentionDays", draft.recording_retention_days, 1, 3650)?;
        let link = draft.link.check()?;
        let time_zone = TimeZoneName::parse(draft.time_zone.as_str())
            .map_err(|reason| InvalidConfig::Text { field: "timeZone", reason })?;
        // Kept as it is spelt after the check, so that the same settings are equal however they were written.
        draft.jitsi_server_url = draft.jitsi_server_url.map(|given| match &jitsi {
            Some(jitsi) => jitsi.server_url.as_str().to_owned(),
            None => given,
        });
        draft.branding_logo_url = branding.logo_url.as_ref().map(|url| url.as_str().to_owned());
        draft.branding_primary_color = branding.primary_color.map(|color| color.to_string());
        draft.clinic_name = clinic_name.as_ref().map(|name| name.as_str().to_owned());
        draft.clinic_phone = clinic_phone.as_ref().map(|phone| phone.as_str().to_owned());
        time_zone.as_str().clone_into(&mut draft.time_zone);
        Ok(Self {
            tenant_id,
            version,
            video_backend: backend,
            jitsi,
            zoom,
            room_slug_prefix: prefix,
            branding,
            clinic_name,
            clinic_phone,
            max_participants: u8::try_from(max_participants).unwrap_or(20),
            grace_before: minutes(before),
            patience,
            time_zone,
            link,
            draft,
        })
    }

    /// The settings as they were given, spelt as they were understood.
    #[must_use]
    pub fn draft(&self) -> &TenantConfigDraft {
        &self.draft
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

    /// Where new visits take place.
    #[must_use]
    pub fn video_backend(&self) -> VideoBackend {
        self.video_backend
    }

    /// The tenant's Jitsi; always there when visits take place in it.
    #[must_use]
    pub fn jitsi(&self) -> Option<&JitsiSettings> {
        self.jitsi.as_ref()
    }

    /// The tenant's Zoom account; always there when visits take place in it.
    #[must_use]
    pub fn zoom(&self) -> Option<&ZoomSettings> {
        self.zoom.as_ref()
    }

    /// First part of every room name.
    #[must_use]
    pub fn room_slug_prefix(&self) -> &str {
        &self.room_slug_prefix
    }

    /// How the video pages look.
    #[must_use]
    pub fn branding(&self) -> &Branding {
        &self.branding
    }

    /// The clinic's name, as its patients know it.
    #[must_use]
    pub fn clinic_name(&self) -> Option<&ClinicName> {
        self.clinic_name.as_ref()
    }

    /// The number at which patients call the clinic.
    #[must_use]
    pub fn clinic_phone(&self) -> Option<&ClinicPhone> {
        self.clinic_phone.as_ref()
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
        self.patience.reconnect
    }

    /// How long people are waited for.
    #[must_use]
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// The language in which people are spoken to.
    #[must_use]
    pub fn locale(&self) -> Locale {
        self.draft.locale
    }

    /// Whether visits may be recorded.
    #[must_use]
    pub fn recording_policy(&self) -> RecordingPolicy {
        self.draft.recording_policy
    }

    /// What a link must be good for.
    #[must_use]
    pub fn link(&self) -> LinkThresholds {
        self.link
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
    use crate::text::InvalidText;

    fn check(change: impl FnOnce(&mut TenantConfigDraft)) -> Result<TenantConfig, InvalidConfig> {
        let mut draft = TenantConfigDraft::new("https://meet.example", "kabul");
        change(&mut draft);
        TenantConfig::check(TenantId::parse("t1").unwrap(), Version::FIRST, draft)
    }

    #[test]
    fn the_defaults_pass() {
        let config = check(|_| ()).unwrap();
        assert_eq!(config.patience(), Patience::DEFAULT);
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
        let http = check(|d| d.jitsi_server_url = Some("http://meet.example".to_owned()));
        assert_eq!(http, Err(InvalidConfig::Text { field: "jitsiServerUrl", reason: InvalidText::NotHttps }));
    }

    #[test]
    fn a_logo_is_https_and_a_colour_is_hex() {
        for bad in ["javascript:alert(1)", "http://logo.example/l.png", "data:image/png;base64,AA", "//logo.example"] {
            let refused = check(|d| d.branding_logo_url = Some(bad.to_owned())).unwrap_err();
            assert_eq!(refused.field(), "brandingLogoUrl", "{bad}");
        }
        let refused = check(|d| d.branding_primary_color = Some("#fff;background:url(x)".to_owned())).unwrap_err();
        assert_eq!(refused.field(), "brandingPrimaryColor");
    }

    #[test]
    fn a_clinic_is_named_and_called_in_one_spelling() {
        let config = check(|d| {
            d.clinic_name = Some(" Kabul Clinic ".to_owned());
            d.clinic_phone = Some("+93 799 123 456".to_owned());
        })
        .unwrap();
        assert_eq!(config.clinic_name().map(ClinicName::as_str), Some("Kabul Clinic"));
        assert_eq!(config.draft().clinic_phone.as_deref(), Some("+93799123456"));
        for (field, change) in [
            ("clinicName", (|d| d.clinic_name = Some("<b>Kabul</b>".to_owned())) as fn(&mut TenantConfigDraft)),
            ("clinicName", |d| d.clinic_name = Some("  ".to_owned())),
            ("clinicPhone", |d| d.clinic_phone = Some("*#06#".to_owned())),
        ] {
            assert_eq!(check(change).unwrap_err().field(), field);
        }
    }

    #[test]
    fn the_chosen_backend_must_be_set_up() {
        let refused = check(|d| d.video_backend = VideoBackend::Zoom);
        assert_eq!(refused, Err(InvalidConfig::Needed { field: "zoomAccountId", backend: VideoBackend::Zoom }));
        let refused = check(|d| d.jitsi_server_url = None);
        assert_eq!(refused, Err(InvalidConfig::Needed { field: "jitsiServerUrl", backend: VideoBackend::Jitsi }));
        let zoom_only = check(|d| {
            (d.video_backend, d.jitsi_server_url) = (VideoBackend::Zoom, None);
            d.zoom_account_id = Some("abc".to_owned());
        });
        assert!(zoom_only.is_ok_and(|config| config.jitsi().is_none()));
    }

    #[test]
    fn video_needs_more_than_audio_does() {
        let refused = check(|d| (d.link.video_min_kbps, d.link.audio_min_kbps) = (100, 100)).unwrap_err();
        assert_eq!(refused, InvalidConfig::OutOfRange { field: "linkVideoMinKbps", min: 101, max: 10_000 });
        for (field, change) in [
            ("linkAudioMinKbps", (|d| d.link.audio_min_kbps = 7) as fn(&mut TenantConfigDraft)),
            ("linkMaxRttMs", |d| d.link.max_rtt_ms = 99),
            ("linkMaxLossPercent", |d| d.link.max_loss_percent = 91),
            ("recordingRetentionDays", |d| d.recording_retention_days = 0),
        ] {
            assert_eq!(check(change).unwrap_err().field(), field);
        }
    }

    #[test]
    fn what_changed_is_named() {
        let before = TenantConfigDraft::new("https://meet.example", "kabul");
        let mut after = before.clone();
        assert!(before.changed_fields(&after).is_empty());
        after.max_participants = 9;
        after.link.max_rtt_ms = 900;
        after.branding_logo_url = Some("https://kabul.example/logo.svg".to_owned());
        assert_eq!(before.changed_fields(&after), ["brandingLogoUrl", "maxParticipants", "linkMaxRttMs"]);
    }

    #[test]
    fn rooms_of_a_new_tenant_are_named_after_it() {
        let draft = TenantConfigDraft::of_a_new_tenant(&TenantId::parse("Hosp_Kabul.Central").unwrap());
        assert_eq!(draft.room_slug_prefix, "hosp-kabul-central");
    }

    #[test]
    fn an_address_inside_is_plain_http_or_https() {
        assert!(check(|d| d.prosody_url = Some("http://prosody:5280".to_owned())).is_ok());
        for bad in ["prosody:5280", "ftp://prosody", "http://u:p@prosody", "http://prosody/?x=1", "file:///etc/passwd"]
        {
            let refused = check(|d| d.prosody_url = Some(bad.to_owned()));
            assert_eq!(refused, Err(InvalidConfig::InternalUrl { field: "prosodyUrl" }), "{bad}");
        }
    }
}
