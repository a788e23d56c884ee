//! A tenant's settings by name, as requests, answers and operators' files spell them.

use serde_json::{Value, json};
use vcare_domain::TenantConfig;

/// Every setting with its value, in the order in which people read them.
#[must_use]
pub fn settings(config: &TenantConfig) -> Vec<(&'static str, Value)> {
    let draft = config.draft();
    vec![
        ("videoBackend", json!(draft.video_backend.as_str())),
        ("jitsiServerUrl", json!(draft.jitsi_server_url)),
        ("jitsiTenant", json!(draft.jitsi_tenant)),
        ("jitsiXmppDomain", json!(draft.jitsi_xmpp_domain)),
        ("jitsiAppId", json!(draft.jitsi_app_id)),
        ("jitsiAudience", json!(draft.jitsi_audience)),
        ("jicofoHealthUrl", json!(draft.jicofo_health_url)),
        ("prosodyUrl", json!(draft.prosody_url)),
        ("zoomAccountId", json!(draft.zoom_account_id)),
        ("zoomHostUser", json!(draft.zoom_host_user)),
        ("roomSlugPrefix", json!(draft.room_slug_prefix)),
        ("brandingLogoUrl", json!(draft.branding_logo_url)),
        ("brandingPrimaryColor", json!(draft.branding_primary_color)),
        ("clinicName", json!(draft.clinic_name)),
        ("clinicPhone", json!(draft.clinic_phone)),
        ("maxParticipants", json!(draft.max_participants)),
        ("sessionGraceMinutesBefore", json!(draft.session_grace_minutes_before)),
        ("sessionGraceMinutesAfter", json!(draft.session_grace_minutes_after)),
        ("autoEndMinutes", json!(draft.auto_end_minutes)),
        ("resumeMinutes", json!(draft.resume_minutes)),
        ("noShowMinutes", json!(draft.no_show_minutes)),
        ("timeZone", json!(draft.time_zone)),
        ("locale", json!(draft.locale.as_str())),
        ("recordingPolicy", json!(draft.recording_policy.as_str())),
        ("recordingRetentionDays", json!(draft.recording_retention_days)),
        ("linkVideoMinKbps", json!(draft.link.video_min_kbps)),
        ("linkAudioMinKbps", json!(draft.link.audio_min_kbps)),
        ("linkMaxRttMs", json!(draft.link.max_rtt_ms)),
        ("linkMaxLossPercent", json!(draft.link.max_loss_percent)),
    ]
}

#[cfg(test)]
mod tests {
    use vcare_domain::{
        LinkThresholds, Locale, RecordingPolicy, TenantConfig, TenantConfigDraft, TenantId, Version, VideoBackend,
    };

    use super::*;

    /// A draft in which every setting differs from `TenantConfigDraft::new("https://meet.example", "kabul")`.
    fn everything_else() -> TenantConfigDraft {
        let text = |text: &str| Some(text.to_owned());
        TenantConfigDraft {
            video_backend: VideoBackend::Zoom,
            jitsi_server_url: text("https://other.example"),
            jitsi_tenant: text("kabul"),
            jitsi_xmpp_domain: "other.jitsi".to_owned(),
            jitsi_app_id: "other".to_owned(),
            jitsi_audience: "other".to_owned(),
            jicofo_health_url: text("http://jicofo"),
            prosody_url: text("http://prosody"),
            zoom_account_id: text("account"),
            zoom_host_user: "clinic".to_owned(),
            room_slug_prefix: "other".to_owned(),
            branding_logo_url: text("https://other.example/logo.svg"),
            branding_primary_color: text("#000000"),
            clinic_name: text("Other Clinic"),
            clinic_phone: text("112"),
            max_participants: 20,
            session_grace_minutes_before: 1,
            session_grace_minutes_after: 2,
            auto_end_minutes: 3,
            resume_minutes: 4,
            no_show_minutes: 5,
            time_zone: "UTC".to_owned(),
            locale: Locale::Ps,
            recording_policy: RecordingPolicy::Disabled,
            recording_retention_days: 1,
            link: LinkThresholds { video_min_kbps: 51, audio_min_kbps: 9, max_rtt_ms: 101, max_loss_percent: 2 },
        }
    }

    #[test]
    fn every_setting_is_listed_by_the_name_under_which_its_change_is_told() {
        let plain = TenantConfigDraft::new("https://meet.example", "kabul");
        let changed = plain.changed_fields(&everything_else());
        let check = |draft| TenantConfig::check(TenantId::parse("t").unwrap(), Version::FIRST, draft).unwrap();
        let (before, after) = (settings(&check(plain)), settings(&check(everything_else())));
        let mut listed: Vec<&str> = Vec::new();
        for ((name, from), (_, to)) in before.iter().zip(&after) {
            assert_ne!(from, to, "{name}");
            listed.push(name);
        }
        listed.sort_unstable();
        let mut changed = changed;
        changed.sort_unstable();
        assert_eq!(listed, changed);
    }
}
