//! What stands in a video token.

use serde::Serialize;
use time::{Duration, OffsetDateTime};
use vcare_app::ports::VideoGrant;
use vcare_domain::{DisplayName, JitsiSettings, ParticipantRole, RoomName};

/// Prosody allows no leeway, and the clocks of two servers differ.
const CLOCK_SKEW_SECONDS: i64 = 30;

/// What Prosody and its modules read from a token. All that they learn of a person is the participant id, and what the person
/// is called in the visit.
#[derive(Serialize)]
pub(super) struct VideoClaims<'a> {
    iss: &'a str,
    /// One text: Prosody takes no list.
    aud: &'a str,
    sub: &'a str,
    room: &'a str,
    nbf: i64,
    iat: i64,
    exp: i64,
    context: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    user: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    /// Always there: where it is missing, Prosody allows a moderator everything.
    features: Features,
}

#[derive(Serialize)]
struct User<'a> {
    id: String,
    /// What the others in the room see; who has none is shown as Jitsi's guests are.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    moderator: bool,
}

/// What is not listed is off.
#[derive(Serialize)]
struct Features {
    recording: bool,
    transcription: bool,
    livestreaming: bool,
}

impl<'a> VideoClaims<'a> {
    /// For somebody who was let in.
    pub(super) fn of(jitsi: &'a JitsiSettings, grant: &'a VideoGrant<'_>) -> Self {
        let moderator = moderates(grant.role);
        let features =
            Features { recording: moderator && grant.recording_enabled, transcription: false, livestreaming: false };
        let user = User { id: grant.participant_id.to_string(), name: grant.name.map(DisplayName::as_str), moderator };
        Self::new(jitsi, &grant.room.name, user, features, grant.issued_at, grant.expires_at)
    }

    /// For ourselves: signs in, and moderates nothing.
    pub(super) fn of_the_service(
        jitsi: &'a JitsiSettings,
        room: &'a RoomName,
        now: OffsetDateTime,
        valid_for: Duration,
    ) -> Self {
        let user = User { id: "virtual-care-service".to_owned(), name: None, moderator: false };
        let features = Features { recording: false, transcription: false, livestreaming: false };
        Self::new(jitsi, room, user, features, now, now + valid_for)
    }

    fn new(
        jitsi: &'a JitsiSettings,
        room: &'a RoomName,
        user: User<'a>,
        features: Features,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Self {
        let issued_at = issued_at.unix_timestamp();
        Self {
            iss: &jitsi.app_id,
            aud: &jitsi.audience,
            // Prosody compares it with the tenant in the address, and with its own domain where there is none.
            sub: jitsi.tenant.as_deref().unwrap_or(&jitsi.xmpp_domain),
            room: room.as_str(),
            nbf: issued_at - CLOCK_SKEW_SECONDS,
            iat: issued_at,
            exp: expires_at.unix_timestamp(),
            context: Context { user, group: jitsi.tenant.as_deref(), features },
        }
    }
}

/// Who moderates: a provider, and never anybody else. The one place where it is decided.
const fn moderates(role: ParticipantRole) -> bool {
    match role {
        ParticipantRole::Provider => true,
        ParticipantRole::Patient | ParticipantRole::Interpreter | ParticipantRole::Observer => false,
    }
}
