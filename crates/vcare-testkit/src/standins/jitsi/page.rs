//! What Jitsi's page makes of the settings in a room's address.

use serde_json::{Map, Value};

use super::address::Address;

/// Which of Jitsi's pages a browser is given. They differ in the settings that they take from an address: what is not on a
/// page's list is dropped without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Before 17 July 2026; docker-jitsi-meet's `stable-11031` is the last of these.
    AudioOnly,
    /// Since then, as in `stable-11146`: "audio only" is called "low bandwidth".
    LowBandwidth,
}

impl Release {
    /// Both.
    pub const ALL: [Self; 2] = [Self::AudioOnly, Self::LowBandwidth];

    /// What keeps all video away, coming and going.
    const fn without_video(self) -> &'static str {
        match self {
            Self::AudioOnly => "startAudioOnly",
            Self::LowBandwidth => "startLowBandwidthMode",
        }
    }

    /// Whether an address may set that. Of Jitsi's lists, what has to do with video and with the page before the room.
    fn takes(self, name: &str) -> bool {
        const BOTH: [&str; 9] = [
            "channelLastN",
            "p2p.enabled",
            "prejoinConfig.enabled",
            "resolution",
            "startLastN",
            "startSilent",
            "startVideoMuted",
            "startWithAudioMuted",
            "startWithVideoMuted",
        ];
        name == self.without_video() || BOTH.contains(&name)
    }
}

/// How somebody's page begins in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Whether it asks for a name and a camera before it opens the room.
    pub prejoin: bool,
    /// Whether its own camera is on.
    pub sends_video: bool,
    /// Whether it asks the bridge for the others' video.
    pub receives_video: bool,
    /// The height of its own picture.
    pub resolution: u64,
}

impl Page {
    /// How it begins at that address; nothing when that is no room's address.
    #[must_use]
    pub fn at(release: Release, video_join_url: &str) -> Option<Self> {
        Some(Self::open(release, &Address::parse(video_join_url)?.settings))
    }

    /// With these settings from an address, by their names without `config.`.
    pub(super) fn open(release: Release, settings: &Map<String, Value>) -> Self {
        let taken = |name: &str| settings.get(name).filter(|_| release.takes(name));
        let on = |name: &str| taken(name) == Some(&Value::Bool(true));
        let without_video = on(release.without_video());
        let last_n = taken("startLastN").or_else(|| taken("channelLastN")).and_then(Value::as_i64).unwrap_or(-1);
        Self {
            prejoin: taken("prejoinConfig.enabled") != Some(&Value::Bool(false)),
            sends_video: !without_video && !on("startWithVideoMuted"),
            receives_video: !without_video && last_n != 0,
            resolution: taken("resolution").and_then(Value::as_u64).unwrap_or(720),
        }
    }
}
