//! A partial change of a tenant's settings, as it is written in requests and in operators' files.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use vcare_domain::{InvalidConfig, Locale, RecordingPolicy, TenantConfigDraft, TenantId, VideoBackend};
use zeroize::Zeroizing;

use crate::ports::{Secret, SecretName};

/// What a credential reads back as, and what leaves it as it is when it is sent.
pub const CREDENTIAL_MASK: &str = "****";

/// A credential on its way in. Cannot be printed; wiped when dropped.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Credential(
    #[serde(deserialize_with = "wiped")]
    #[schemars(with = "String")]
    Zeroizing<String>,
);

impl Credential {
    /// The text, read on purpose; `None` for the mask, which says to leave it.
    #[must_use]
    pub fn changed(&self) -> Option<&str> {
        (*self.0 != CREDENTIAL_MASK).then_some(self.0.as_str())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

fn wiped<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// Tells null from what is not there.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// The words that a setting takes, for the schema.
macro_rules! words {
    ($($name:ident: $kind:ty;)*) => {$(
        enum $name {}

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let words = <$kind>::ALL.map(<$kind>::as_str);
                json_schema!({ "type": "string", "enum": words })
            }
        }
    )*};
}

words! {
    BackendWord: VideoBackend;
    LocaleWord: Locale;
    RecordingWord: RecordingPolicy;
}

macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident: $kind:ty, $shape:literal;)*) => {
        /// A partial change of settings: what is not there stays as it is, null is the default.
        #[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct TenantConfigPatch {
            $(
                $(#[$doc])*
                #[serde(deserialize_with = "given")]
                #[schemars(with = $shape)]
                pub $field: Option<Option<$kind>>,
            )*
        }
    };
}

fields! {
    /// The version that was seen; must still be the stored one.
    version: u32, "Option<u32>";
    /// The tenant; must be the caller's own.
    tenant_id: String, "Option<String>";
    /// Where new visits take place.
    video_backend: String, "Option<BackendWord>";
    /// Public address of the tenant's Jitsi, https.
    jitsi_server_url: String, "Option<String>";
    /// Path segment in front of the room on a Jitsi that several tenants share. Operators only.
    jitsi_tenant: String, "Option<String>";
    /// The XMPP domain of the Jitsi deployment.
    jitsi_xmpp_domain: String, "Option<String>";
    /// Prosody's app id.
    jitsi_app_id: String, "Option<String>";
    /// One of Prosody's accepted audiences.
    jitsi_audience: String, "Option<String>";
    /// Jicofo's health address, inside. Operators only.
    jicofo_health_url: String, "Option<String>";
    /// Prosody's HTTP port, inside. Operators only.
    prosody_url: String, "Option<String>";
    /// The account's id at Zoom.
    zoom_account_id: String, "Option<String>";
    /// Under which Zoom user meetings are planned.
    zoom_host_user: String, "Option<String>";
    /// First part of every room name: 1 to 32 of `a-z`, `0-9` and `-`.
    room_slug_prefix: String, "Option<String>";
    /// The logo on the video pages, https.
    branding_logo_url: String, "Option<String>";
    /// The colour of the video pages, `#rrggbb`.
    branding_primary_color: String, "Option<String>";
    /// The clinic's name, as its patients know it, of at most 80 characters: the page on which they wait shows it.
    clinic_name: String, "Option<String>";
    /// The number at which patients call the clinic: `+93799123456`, or as it is dialled inside the country.
    clinic_phone: String, "Option<String>";
    /// The most people in a visit, 2 to 20.
    max_participants: u32, "Option<u32>";
    /// How many minutes before the start the waiting room is said to open, 0 to 240.
    session_grace_minutes_before: u32, "Option<u32>";
    /// For how many minutes a lost connection is waited for, 1 to 60.
    session_grace_minutes_after: u32, "Option<u32>";
    /// After how many minutes a visit ends by itself that everybody has left, 1 to 240.
    auto_end_minutes: u32, "Option<u32>";
    /// For how many minutes a visit that failed can be resumed, 0 to 240.
    resume_minutes: u32, "Option<u32>";
    /// How many minutes after the planned start a patient who has not come is a no-show, 5 to 720.
    no_show_minutes: u32, "Option<u32>";
    /// The clinic's IANA time zone.
    time_zone: String, "Option<String>";
    /// The language in which the clinic speaks to people.
    locale: String, "Option<LocaleWord>";
    /// Whether visits may be recorded.
    recording_policy: String, "Option<RecordingWord>";
    /// For how many days recordings are to be kept, 1 to 3,650.
    recording_retention_days: u32, "Option<u32>";
    /// The least kbit/s for video.
    link_video_min_kbps: u32, "Option<u32>";
    /// The least kbit/s for audio.
    link_audio_min_kbps: u32, "Option<u32>";
    /// The longest round trip for a conversation, in milliseconds.
    link_max_rtt_ms: u32, "Option<u32>";
    /// The most packets lost in a conversation, in percent.
    link_max_loss_percent: u32, "Option<u32>";
    /// The secret that Prosody shares with us, when the tenant brings its own; null goes back to the derived one. `****`
    /// leaves it.
    jitsi_jwt_secret: Credential, "Option<String>";
    /// The key of the tenant's app at Zoom. `****` leaves it.
    zoom_api_key: Credential, "Option<String>";
    /// The secret of that app. `****` leaves it.
    zoom_api_secret: Credential, "Option<String>";
}

fn named<T>(
    field: &'static str,
    expected: &'static str,
    given: Option<&str>,
    default: T,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, InvalidConfig> {
    given.map_or(Ok(default), |name| parse(name).ok_or(InvalidConfig::Unknown { field, expected }))
}

impl TenantConfigPatch {
    /// The credentials that it sets, or removes; those sent as they read back are left.
    #[must_use]
    pub fn credentials(&self) -> Vec<(SecretName, Option<Secret>)> {
        let all = [
            (SecretName::JitsiJwtSecret, &self.jitsi_jwt_secret),
            (SecretName::ZoomApiKey, &self.zoom_api_key),
            (SecretName::ZoomApiSecret, &self.zoom_api_secret),
        ];
        let changed = all.into_iter().filter_map(|(name, given)| match given.as_ref()? {
            None => Some((name, None)),
            Some(credential) => credential.changed().map(|text| (name, Some(Secret::new(text.as_bytes())))),
        });
        changed.collect()
    }

    /// Changes a draft as it says.
    ///
    /// # Errors
    /// [`InvalidConfig`] for a name that stands for nothing. Everything else is checked with the whole.
    pub fn apply(&self, tenant: &TenantId, draft: &mut TenantConfigDraft) -> Result<(), InvalidConfig> {
        let default = TenantConfigDraft::of_a_new_tenant(tenant);
        if let Some(name) = &self.video_backend {
            let parse = VideoBackend::from_name;
            draft.video_backend = named("videoBackend", "jitsi, zoom", name.as_deref(), default.video_backend, parse)?;
        }
        if let Some(name) = &self.locale {
            draft.locale = named("locale", "en, fa-AF, ps", name.as_deref(), default.locale, Locale::from_name)?;
        }
        if let Some(name) = &self.recording_policy {
            let parse = RecordingPolicy::from_name;
            draft.recording_policy =
                named("recordingPolicy", "disabled, with_consent", name.as_deref(), default.recording_policy, parse)?;
        }
        macro_rules! take {
            (optional: $($optional:ident)*; needed: $($needed:ident)*; link: $($given:ident: $link:ident)*) => {
                $(if let Some(value) = &self.$optional { draft.$optional.clone_from(value); })*
                $(if let Some(value) = &self.$needed { draft.$needed = value.clone().unwrap_or(default.$needed); })*
                $(if let Some(value) = self.$given { draft.link.$link = value.unwrap_or(default.link.$link); })*
            };
        }
        take! {
            optional: jitsi_server_url jitsi_tenant jicofo_health_url prosody_url zoom_account_id branding_logo_url
                branding_primary_color clinic_name clinic_phone;
            needed: jitsi_xmpp_domain jitsi_app_id jitsi_audience zoom_host_user room_slug_prefix max_participants
                session_grace_minutes_before session_grace_minutes_after auto_end_minutes resume_minutes no_show_minutes
                time_zone recording_retention_days;
            link: link_video_min_kbps: video_min_kbps link_audio_min_kbps: audio_min_kbps link_max_rtt_ms: max_rtt_ms
                link_max_loss_percent: max_loss_percent
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(json: &str) -> Result<TenantConfigDraft, InvalidConfig> {
        let patch: TenantConfigPatch = serde_json::from_str(json).unwrap();
        let tenant = TenantId::parse("kabul").unwrap();
        let mut draft = TenantConfigDraft::new("https://meet.example", "old");
        draft.branding_logo_url = Some("https://kabul.example/logo.svg".to_owned());
        patch.apply(&tenant, &mut draft).map(|()| draft)
    }

    #[test]
    fn what_is_not_there_stays_and_null_is_the_default() {
        let draft = applied(r#"{"maxParticipants": 9}"#).unwrap();
        assert_eq!((draft.max_participants, draft.room_slug_prefix.as_str()), (9, "old"));
        assert!(draft.branding_logo_url.is_some());
        let draft = applied(r#"{"brandingLogoUrl": null, "roomSlugPrefix": null, "linkMaxRttMs": 900}"#).unwrap();
        assert_eq!((draft.branding_logo_url, draft.room_slug_prefix.as_str()), (None, "kabul"));
        assert_eq!(draft.link.max_rtt_ms, 900);
    }

    #[test]
    fn a_name_that_stands_for_nothing_is_told_what_does() {
        let refused = applied(r#"{"videoBackend": "teams"}"#).unwrap_err();
        assert_eq!(refused.to_string(), "videoBackend must be one of: jitsi, zoom");
    }

    #[test]
    fn a_credential_cannot_be_printed_and_its_mask_changes_nothing() {
        let patch: TenantConfigPatch =
            serde_json::from_str(r#"{"zoomApiKey": "very-secret", "zoomApiSecret": "****"}"#).unwrap();
        assert!(!format!("{patch:?}").contains("very-secret"));
        let credentials = patch.credentials();
        assert_eq!(credentials.len(), 1);
        assert_eq!(credentials[0].0, SecretName::ZoomApiKey);
        assert_eq!(credentials[0].1.as_ref().map(Secret::expose), Some(&b"very-secret"[..]));
        let removed: TenantConfigPatch = serde_json::from_str(r#"{"jitsiJwtSecret": null}"#).unwrap();
        assert!(matches!(removed.credentials()[..], [(SecretName::JitsiJwtSecret, None)]));
    }
}
