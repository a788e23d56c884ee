//! `/config`: a tenant's settings, for those who set it up.

pub mod patch;
pub mod read;
pub mod test_connection;
pub mod write;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;
use vcare_app::Role;
use vcare_app::ports::LogoFault;
use vcare_app::tenants::{CREDENTIAL_MASK, ConfigChange, ConfigCondition, TenantConfigPatch};
use vcare_domain::{TenantConfig, TenantConfigDraft};

use crate::answer::send_at;
use crate::extract::SignedInCaller;
use crate::problem::{Fault, FieldCode, Problem};
use crate::server::Api;
use crate::values;

/// A tenant's settings. A credential is always `****`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantConfig)]
pub struct TenantConfigDto {
    /// The tenant.
    #[schema(value_type = values::TenantId)]
    tenant_id: String,
    /// How often they were changed.
    version: u32,
    /// Where new visits take place.
    video_backend: values::VideoBackend,
    /// Public address of the tenant's Jitsi.
    jitsi_server_url: Option<String>,
    /// Path segment in front of the room.
    jitsi_tenant: Option<String>,
    /// The XMPP domain of the Jitsi deployment.
    jitsi_xmpp_domain: String,
    /// Prosody's app id.
    jitsi_app_id: String,
    /// One of Prosody's accepted audiences.
    jitsi_audience: String,
    /// Jicofo's health address; only operators see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    jicofo_health_url: Option<String>,
    /// Prosody's HTTP port; only operators see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    prosody_url: Option<String>,
    /// The account's id at Zoom.
    zoom_account_id: Option<String>,
    /// Under which Zoom user meetings are planned.
    zoom_host_user: String,
    /// First part of every room name.
    room_slug_prefix: String,
    /// The logo on the video pages.
    branding_logo_url: Option<String>,
    /// The colour of the video pages.
    branding_primary_color: Option<String>,
    /// The clinic's name, as its patients know it.
    clinic_name: Option<String>,
    /// The number at which patients call the clinic.
    clinic_phone: Option<String>,
    /// The most people in a visit.
    max_participants: u32,
    /// How many minutes before the start the waiting room is said to open.
    session_grace_minutes_before: u32,
    /// For how many minutes a lost connection is waited for.
    session_grace_minutes_after: u32,
    /// After how many minutes a visit ends by itself that everybody has left.
    auto_end_minutes: u32,
    /// For how many minutes a visit that failed can be resumed.
    resume_minutes: u32,
    /// How many minutes after the planned start a patient who has not come is a no-show.
    no_show_minutes: u32,
    /// The clinic's IANA time zone.
    #[schema(value_type = values::TimeZone)]
    time_zone: String,
    /// The language in which the clinic speaks to people.
    locale: values::Locale,
    /// Whether sessions may be recorded.
    recording_policy: values::RecordingPolicy,
    /// For how many days recordings are to be kept.
    recording_retention_days: u32,
    /// The least kbit/s for video.
    link_video_min_kbps: u32,
    /// The least kbit/s for audio.
    link_audio_min_kbps: u32,
    /// The longest round trip for a conversation, in milliseconds.
    link_max_rtt_ms: u32,
    /// The most packets lost in a conversation, in percent.
    link_max_loss_percent: u32,
    /// `****`.
    jitsi_jwt_secret: &'static str,
    /// `****`.
    zoom_api_key: &'static str,
    /// `****`.
    zoom_api_secret: &'static str,
}

impl TenantConfigDto {
    fn of(config: &TenantConfig, operator: bool) -> Self {
        let draft = config.draft().clone();
        Self {
            tenant_id: config.tenant_id().to_string(),
            version: config.version().get(),
            video_backend: draft.video_backend.into(),
            jitsi_server_url: draft.jitsi_server_url,
            jitsi_tenant: draft.jitsi_tenant,
            jitsi_xmpp_domain: draft.jitsi_xmpp_domain,
            jitsi_app_id: draft.jitsi_app_id,
            jitsi_audience: draft.jitsi_audience,
            jicofo_health_url: draft.jicofo_health_url.filter(|_| operator),
            prosody_url: draft.prosody_url.filter(|_| operator),
            zoom_account_id: draft.zoom_account_id,
            zoom_host_user: draft.zoom_host_user,
            room_slug_prefix: draft.room_slug_prefix,
            branding_logo_url: draft.branding_logo_url,
            branding_primary_color: draft.branding_primary_color,
            clinic_name: draft.clinic_name,
            clinic_phone: draft.clinic_phone,
            max_participants: draft.max_participants,
            session_grace_minutes_before: draft.session_grace_minutes_before,
            session_grace_minutes_after: draft.session_grace_minutes_after,
            auto_end_minutes: draft.auto_end_minutes,
            resume_minutes: draft.resume_minutes,
            no_show_minutes: draft.no_show_minutes,
            time_zone: draft.time_zone,
            locale: draft.locale.into(),
            recording_policy: draft.recording_policy.into(),
            recording_retention_days: draft.recording_retention_days,
            link_video_min_kbps: draft.link.video_min_kbps,
            link_audio_min_kbps: draft.link.audio_min_kbps,
            link_max_rtt_ms: draft.link.max_rtt_ms,
            link_max_loss_percent: draft.link.max_loss_percent,
            jitsi_jwt_secret: CREDENTIAL_MASK,
            zoom_api_key: CREDENTIAL_MASK,
            zoom_api_secret: CREDENTIAL_MASK,
        }
    }
}

/// The settings as the caller may see them.
fn shown(caller: &SignedInCaller, config: &TenantConfig) -> TenantConfigDto {
    TenantConfigDto::of(config, caller.0.roles.contains(&Role::PlatformAdmin))
}

/// Changes the settings, and answers them as they are then.
async fn change(
    api: &Api,
    caller: &SignedInCaller,
    patch: &TenantConfigPatch,
    condition: ConfigCondition,
) -> Result<HttpResponse, Problem> {
    let tenant = &caller.0.tenant_id;
    if patch.tenant_id.iter().flatten().any(|named| named != tenant.as_str()) {
        return Err(Problem::field("tenantId", Fault(FieldCode::Conflict, "does not match the caller's tenant")));
    }
    let edit = |draft: &mut TenantConfigDraft| patch.apply(tenant, draft);
    let change = ConfigChange { condition, edit, credentials: patch.credentials() };
    let done = api.app.write_tenant_config(&caller.0, &change).await?;
    let status = if done.created { StatusCode::CREATED } else { StatusCode::OK };
    let mut answer = send_at(status, done.config.version(), &shown(caller, &done.config))?;
    // Not a field of the settings: those can be sent back as they were read.
    if let Some(copied) = done.logo {
        let copied = copied.map_or_else(LogoFault::as_str, |()| "copied");
        answer.headers_mut().insert(HeaderName::from_static("branding-logo"), HeaderValue::from_static(copied));
    }
    Ok(answer)
}
