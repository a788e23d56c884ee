//! A tenant's settings on the command line.

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};
use vcare_app::tenants::TenantConfigPatch;
use vcare_domain::TenantConfig;

use crate::output;

/// The settings, by flags. Their names are those of the API, in the way of command lines.
#[derive(Args, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingFlags {
    /// Where new visits take place: jitsi or zoom.
    #[arg(long)]
    video_backend: Option<String>,
    /// Public address of its Jitsi, https.
    #[arg(long)]
    jitsi_server_url: Option<String>,
    /// Path segment in front of the room, when several tenants share the Jitsi.
    #[arg(long)]
    jitsi_tenant: Option<String>,
    /// The XMPP domain of the Jitsi deployment.
    #[arg(long)]
    jitsi_xmpp_domain: Option<String>,
    /// Prosody's app id: `iss` of the video tokens.
    #[arg(long)]
    jitsi_app_id: Option<String>,
    /// One of Prosody's accepted audiences: `aud` of the video tokens.
    #[arg(long)]
    jitsi_audience: Option<String>,
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
    #[arg(long)]
    zoom_host_user: Option<String>,
    /// First part of every room name.
    #[arg(long)]
    room_slug_prefix: Option<String>,
    /// The logo on the video pages, https.
    #[arg(long)]
    branding_logo_url: Option<String>,
    /// The colour of the video pages, #rrggbb.
    #[arg(long)]
    branding_primary_color: Option<String>,
    /// The clinic's name, as its patients know it.
    #[arg(long)]
    clinic_name: Option<String>,
    /// The number at which patients call the clinic: +93799123456, or as it is dialled inside the country.
    #[arg(long)]
    clinic_phone: Option<String>,
    /// The most people in a visit, 2 to 20.
    #[arg(long)]
    max_participants: Option<u32>,
    /// How many minutes before the start the waiting room is said to open.
    #[arg(long)]
    session_grace_minutes_before: Option<u32>,
    /// For how many minutes a lost connection is waited for.
    #[arg(long)]
    session_grace_minutes_after: Option<u32>,
    /// After how many minutes a visit ends by itself that everybody has left.
    #[arg(long)]
    auto_end_minutes: Option<u32>,
    /// For how many minutes a visit that failed can be resumed.
    #[arg(long)]
    resume_minutes: Option<u32>,
    /// How many minutes after the planned start a patient who has not come is a no-show.
    #[arg(long)]
    no_show_minutes: Option<u32>,
    /// The clinic's IANA time zone.
    #[arg(long)]
    time_zone: Option<String>,
    /// The language people are spoken to: en, fa-AF or ps.
    #[arg(long)]
    locale: Option<String>,
    /// Whether visits may be recorded: disabled or with_consent.
    #[arg(long)]
    recording_policy: Option<String>,
    /// For how many days recordings are to be kept.
    #[arg(long)]
    recording_retention_days: Option<u32>,
    /// The least kbit/s for video.
    #[arg(long)]
    link_video_min_kbps: Option<u32>,
    /// The least kbit/s for audio.
    #[arg(long)]
    link_audio_min_kbps: Option<u32>,
    /// The longest round trip for a conversation, in milliseconds.
    #[arg(long)]
    link_max_rtt_ms: Option<u32>,
    /// The most packets lost in a conversation, in percent.
    #[arg(long)]
    link_max_loss_percent: Option<u32>,
}

impl SettingFlags {
    /// The flags that were given, and those settings set back, as one change.
    pub fn patch(&self, unset: &[String]) -> anyhow::Result<TenantConfigPatch> {
        let Value::Object(flags) = serde_json::to_value(self)? else { return Ok(TenantConfigPatch::default()) };
        let names: Vec<String> = flags.keys().cloned().collect();
        let mut given: Map<String, Value> = flags.into_iter().filter(|(_, value)| !value.is_null()).collect();
        for name in unset {
            let name = camel(name);
            anyhow::ensure!(names.contains(&name), "--unset {name}: there is no such setting");
            anyhow::ensure!(given.insert(name.clone(), Value::Null).is_none(), "{name} is both set and unset");
        }
        serde_json::from_value(Value::Object(given)).context("settings")
    }
}

/// `room-slug-prefix` is `roomSlugPrefix`.
fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        match c {
            '-' => upper = true,
            c if upper => {
                camel.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => camel.push(c),
        }
    }
    camel
}

/// A setting and its value.
#[derive(Serialize)]
pub struct Setting {
    setting: &'static str,
    value: Value,
}

impl output::Row for Setting {
    const COLUMNS: &'static [&'static str] = &["setting", "value"];
}

/// All settings, by the API's names.
pub fn listed(config: &TenantConfig) -> Vec<Setting> {
    let all = vcare_app::tenants::settings(config);
    all.into_iter().map(|(setting, value)| Setting { setting, value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_written_in_either_way() {
        assert_eq!(camel("room-slug-prefix"), "roomSlugPrefix");
        assert_eq!(camel("roomSlugPrefix"), "roomSlugPrefix");
    }
}
