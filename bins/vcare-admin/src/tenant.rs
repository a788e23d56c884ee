//! `vcare-admin tenant`.

use clap::{Args, Subcommand};
use vcare_domain::{TenantConfigDraft, TenantId, VideoBackend};

use crate::{scope, service};

#[derive(Subcommand)]
pub enum TenantCommand {
    /// Write a tenant's settings; what is not given gets its default.
    Set(TenantSet),
}

#[derive(Args)]
pub struct TenantSet {
    /// The tenant, as the identity provider names it.
    tenant: String,
    /// Where its visits take place.
    #[arg(long, default_value = "jitsi", value_parser = backend)]
    video_backend: VideoBackend,
    /// Public address of its Jitsi, https.
    #[arg(long)]
    jitsi_server_url: Option<String>,
    /// First part of every room name.
    #[arg(long)]
    room_slug_prefix: String,
    /// Path segment in front of the room, when several tenants share the Jitsi.
    #[arg(long)]
    jitsi_tenant: Option<String>,
    /// The XMPP domain of the Jitsi deployment.
    #[arg(long, default_value = "meet.jitsi")]
    jitsi_xmpp_domain: String,
    /// Prosody's app id: `iss` of the video tokens.
    #[arg(long, default_value = "vcare")]
    jitsi_app_id: String,
    /// One of Prosody's accepted audiences: `aud` of the video tokens.
    #[arg(long, default_value = "vcare")]
    jitsi_audience: String,
    /// Jicofo's health address, inside: http://jicofo:8888/about/health.
    #[arg(long)]
    jicofo_health_url: Option<String>,
    /// Prosody's HTTP port, inside, where a running room is ended: http://prosody:5280.
    #[arg(long)]
    prosody_url: Option<String>,
    /// The account's id at Zoom.
    #[arg(long)]
    zoom_account_id: Option<String>,
    /// Under which Zoom user meetings are planned.
    #[arg(long, default_value = "me")]
    zoom_host_user: String,
    /// The logo on the video pages, https.
    #[arg(long)]
    branding_logo_url: Option<String>,
    /// The colour of the video pages, #rrggbb.
    #[arg(long)]
    branding_primary_color: Option<String>,
    /// The most people in a visit, 2 to 20.
    #[arg(long, default_value_t = 6)]
    max_participants: u32,
    /// How many minutes before the start the waiting room is said to open.
    #[arg(long, default_value_t = 15)]
    session_grace_minutes_before: u32,
    /// For how many minutes a lost connection is waited for.
    #[arg(long, default_value_t = 1)]
    session_grace_minutes_after: u32,
    /// The clinic's IANA time zone.
    #[arg(long, default_value = "Asia/Kabul")]
    time_zone: String,
}

fn backend(name: &str) -> Result<VideoBackend, String> {
    VideoBackend::from_name(name).ok_or_else(|| "expected jitsi or zoom".to_owned())
}

pub async fn run(command: TenantCommand) -> anyhow::Result<()> {
    let TenantCommand::Set(given) = command;
    let service = service().await?;
    let scope = scope(&service, TenantId::parse(given.tenant)?);
    let draft = TenantConfigDraft {
        video_backend: given.video_backend,
        jitsi_server_url: given.jitsi_server_url,
        jitsi_tenant: given.jitsi_tenant,
        jitsi_xmpp_domain: given.jitsi_xmpp_domain,
        jitsi_app_id: given.jitsi_app_id,
        jitsi_audience: given.jitsi_audience,
        jicofo_health_url: given.jicofo_health_url,
        prosody_url: given.prosody_url,
        zoom_account_id: given.zoom_account_id,
        zoom_host_user: given.zoom_host_user,
        room_slug_prefix: given.room_slug_prefix,
        branding_logo_url: given.branding_logo_url,
        branding_primary_color: given.branding_primary_color,
        max_participants: given.max_participants,
        session_grace_minutes_before: given.session_grace_minutes_before,
        session_grace_minutes_after: given.session_grace_minutes_after,
        time_zone: given.time_zone,
    };
    let set = service.app.set_tenant_config(&scope, draft).await?;
    println!("{} is at version {}", set.tenant_id(), set.version());
    Ok(())
}
