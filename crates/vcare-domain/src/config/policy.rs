//! What a tenant decides on language, recording and links.

use crate::config::{InvalidConfig, ranged};

/// The language in which a tenant's people are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English.
    En,
    /// Dari.
    FaAf,
    /// Pashto.
    Ps,
}

impl Locale {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::En, Self::FaAf, Self::Ps];

    /// The BCP 47 tag.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::FaAf => "fa-AF",
            Self::Ps => "ps",
        }
    }

    /// The language of that tag.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.as_str() == name)
    }
}

/// Whether a tenant's visits may be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordingPolicy {
    /// Never, whoever consents.
    Disabled,
    /// Where it is asked for and consented to.
    WithConsent,
}

impl RecordingPolicy {
    /// Every policy.
    pub const ALL: [Self; 2] = [Self::Disabled, Self::WithConsent];

    /// The policy's name in requests, answers and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::WithConsent => "with_consent",
        }
    }

    /// The policy of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }
}

/// What a link must be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkThresholds {
    /// The least kbit/s, up and down, for video: 50 to 10,000, and more than for audio.
    pub video_min_kbps: u32,
    /// The least kbit/s, up and down, for audio: 8 to 500.
    pub audio_min_kbps: u32,
    /// The longest round trip for a conversation, in milliseconds: 100 to 10,000.
    pub max_rtt_ms: u32,
    /// The most packets lost in a conversation, in percent: 1 to 90.
    pub max_loss_percent: u32,
}

impl Default for LinkThresholds {
    /// Opus with 60 ms frames needs 24 kbit/s; the smallest picture that shows a face, about 200.
    fn default() -> Self {
        Self { video_min_kbps: 250, audio_min_kbps: 30, max_rtt_ms: 1500, max_loss_percent: 20 }
    }
}

impl LinkThresholds {
    pub(super) fn check(self) -> Result<Self, InvalidConfig> {
        ranged("linkAudioMinKbps", self.audio_min_kbps, 8, 500)?;
        ranged("linkVideoMinKbps", self.video_min_kbps, self.audio_min_kbps.saturating_add(1).max(50), 10_000)?;
        ranged("linkMaxRttMs", self.max_rtt_ms, 100, 10_000)?;
        ranged("linkMaxLossPercent", self.max_loss_percent, 1, 90)?;
        Ok(self)
    }
}
