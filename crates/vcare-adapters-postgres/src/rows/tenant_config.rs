//! `tenant_config`.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use vcare_app::ports::StoreError;
use vcare_domain::{LinkThresholds, Locale, RecordingPolicy, TenantConfig, TenantConfigDraft, TenantId, VideoBackend};

use crate::rows::{version, version_number};
use crate::schema::tenant_config;

/// A tenant's settings.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = tenant_config, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct TenantConfigRow {
    tenant_id: String,
    version: i32,
    video_backend: String,
    jitsi_server_url: Option<String>,
    jitsi_tenant: Option<String>,
    jitsi_xmpp_domain: String,
    jitsi_app_id: String,
    jitsi_audience: String,
    jicofo_health_url: Option<String>,
    prosody_url: Option<String>,
    zoom_account_id: Option<String>,
    zoom_host_user: String,
    room_slug_prefix: String,
    branding_logo_url: Option<String>,
    branding_primary_color: Option<String>,
    clinic_name: Option<String>,
    clinic_phone: Option<String>,
    max_participants: i32,
    session_grace_minutes_before: i32,
    session_grace_minutes_after: i32,
    auto_end_minutes: i32,
    resume_minutes: i32,
    no_show_minutes: i32,
    time_zone: String,
    locale: String,
    recording_policy: String,
    recording_retention_days: i32,
    link_video_min_kbps: i32,
    link_audio_min_kbps: i32,
    link_max_rtt_ms: i32,
    link_max_loss_percent: i32,
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "tenant_config", column }
}

impl From<&TenantConfig> for TenantConfigRow {
    fn from(config: &TenantConfig) -> Self {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let draft = config.draft().clone();
        Self {
            tenant_id: config.tenant_id().to_string(),
            version: version_number(config.version()),
            video_backend: draft.video_backend.as_str().to_owned(),
            jitsi_server_url: draft.jitsi_server_url,
            jitsi_tenant: draft.jitsi_tenant,
            jitsi_xmpp_domain: draft.jitsi_xmpp_domain,
            jitsi_app_id: draft.jitsi_app_id,
            jitsi_audience: draft.jitsi_audience,
            jicofo_health_url: draft.jicofo_health_url,
            prosody_url: draft.prosody_url,
            zoom_account_id: draft.zoom_account_id,
            zoom_host_user: draft.zoom_host_user,
            room_slug_prefix: draft.room_slug_prefix,
            branding_logo_url: draft.branding_logo_url,
            branding_primary_color: draft.branding_primary_color,
            clinic_name: draft.clinic_name,
            clinic_phone: draft.clinic_phone,
            max_participants: number(draft.max_participants),
            session_grace_minutes_before: number(draft.session_grace_minutes_before),
            session_grace_minutes_after: number(draft.session_grace_minutes_after),
            auto_end_minutes: number(draft.auto_end_minutes),
            resume_minutes: number(draft.resume_minutes),
            no_show_minutes: number(draft.no_show_minutes),
            time_zone: draft.time_zone,
            locale: draft.locale.as_str().to_owned(),
            recording_policy: draft.recording_policy.as_str().to_owned(),
            recording_retention_days: number(draft.recording_retention_days),
            link_video_min_kbps: number(draft.link.video_min_kbps),
            link_audio_min_kbps: number(draft.link.audio_min_kbps),
            link_max_rtt_ms: number(draft.link.max_rtt_ms),
            link_max_loss_percent: number(draft.link.max_loss_percent),
        }
    }
}

impl TenantConfigRow {
    pub(crate) fn restore(self) -> Result<TenantConfig, StoreError> {
        let number = |column, value: i32| u32::try_from(value).map_err(|_| corrupt(column));
        let draft = TenantConfigDraft {
            video_backend: VideoBackend::from_name(&self.video_backend).ok_or(corrupt("video_backend"))?,
            jitsi_server_url: self.jitsi_server_url,
            jitsi_tenant: self.jitsi_tenant,
            jitsi_xmpp_domain: self.jitsi_xmpp_domain,
            jitsi_app_id: self.jitsi_app_id,
            jitsi_audience: self.jitsi_audience,
            jicofo_health_url: self.jicofo_health_url,
            prosody_url: self.prosody_url,
            zoom_account_id: self.zoom_account_id,
            zoom_host_user: self.zoom_host_user,
            room_slug_prefix: self.room_slug_prefix,
            branding_logo_url: self.branding_logo_url,
            branding_primary_color: self.branding_primary_color,
            clinic_name: self.clinic_name,
            clinic_phone: self.clinic_phone,
            max_participants: number("max_participants", self.max_participants)?,
            session_grace_minutes_before: number("session_grace_minutes_before", self.session_grace_minutes_before)?,
            session_grace_minutes_after: number("session_grace_minutes_after", self.session_grace_minutes_after)?,
            auto_end_minutes: number("auto_end_minutes", self.auto_end_minutes)?,
            resume_minutes: number("resume_minutes", self.resume_minutes)?,
            no_show_minutes: number("no_show_minutes", self.no_show_minutes)?,
            time_zone: self.time_zone,
            locale: Locale::from_name(&self.locale).ok_or(corrupt("locale"))?,
            recording_policy: RecordingPolicy::from_name(&self.recording_policy).ok_or(corrupt("recording_policy"))?,
            recording_retention_days: number("recording_retention_days", self.recording_retention_days)?,
            link: LinkThresholds {
                video_min_kbps: number("link_video_min_kbps", self.link_video_min_kbps)?,
                audio_min_kbps: number("link_audio_min_kbps", self.link_audio_min_kbps)?,
                max_rtt_ms: number("link_max_rtt_ms", self.link_max_rtt_ms)?,
                max_loss_percent: number("link_max_loss_percent", self.link_max_loss_percent)?,
            },
        };
        let tenant_id = TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?;
        TenantConfig::check(tenant_id, version("tenant_config", self.version)?, draft).map_err(|_| corrupt("*"))
    }
}
