//! What a person's link carries: from a probe to a medium. Down at once, up after two good probes in a row.

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use time::{Duration, OffsetDateTime};

use crate::config::LinkThresholds;
use crate::segment::MediaMode;

/// What a client measured of its link, checked and rounded to its disadvantage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkProbe {
    rtt_ms: u32,
    loss_percent: u32,
    up_kbps: u32,
    down_kbps: u32,
}

/// What a client says it measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Round trip in milliseconds.
    pub rtt_ms: f64,
    /// Packets lost, in percent.
    pub loss_percent: f64,
    /// Upwards, in kbit/s.
    pub up_kbps: f64,
    /// Downwards, in kbit/s.
    pub down_kbps: f64,
}

/// A number that no link has. However slow a link is, it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a number from 0 to {max}")]
pub struct AbsurdMeasure {
    /// Which, as it is called outside.
    pub field: &'static str,
    /// The largest there is.
    pub max: u32,
}

fn measure(field: &'static str, value: f64, max: u32, round: fn(f64) -> f64) -> Result<u32, AbsurdMeasure> {
    // Not a number is in no range.
    if !(0.0..=f64::from(max)).contains(&value) {
        return Err(AbsurdMeasure { field, max });
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was just checked")]
    Ok(round(value) as u32)
}

impl LinkProbe {
    /// Checks what a client says. A round trip takes at most ten minutes, and nobody has more than 10 Gbit/s.
    ///
    /// # Errors
    /// Every number that no link has.
    pub fn check(measured: Measured) -> Result<Self, Vec<AbsurdMeasure>> {
        let rtt_ms = measure("rttMs", measured.rtt_ms, 600_000, f64::ceil);
        let loss_percent = measure("lossPercent", measured.loss_percent, 100, f64::ceil);
        let up_kbps = measure("upKbps", measured.up_kbps, 10_000_000, f64::floor);
        let down_kbps = measure("downKbps", measured.down_kbps, 10_000_000, f64::floor);
        match (rtt_ms, loss_percent, up_kbps, down_kbps) {
            (Ok(rtt_ms), Ok(loss_percent), Ok(up_kbps), Ok(down_kbps)) => {
                Ok(Self { rtt_ms, loss_percent, up_kbps, down_kbps })
            }
            (rtt, loss, up, down) => Err([rtt.err(), loss.err(), up.err(), down.err()].into_iter().flatten().collect()),
        }
    }
}

/// What a link carries, the best first. Video in three sizes, as video servers send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkLevel {
    /// Video as good as it gets.
    Full,
    /// Video of half the size.
    Reduced,
    /// Video that shows a face.
    Small,
    /// Sound only.
    Audio,
    /// No conversation: written messages.
    Message,
}

impl LinkLevel {
    /// Every level.
    pub const ALL: [Self; 5] = [Self::Full, Self::Reduced, Self::Small, Self::Audio, Self::Message];

    /// The level's name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Reduced => "reduced",
            Self::Small => "small",
            Self::Audio => "audio",
            Self::Message => "message",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// Its medium.
    #[must_use]
    pub const fn mode(self) -> MediaMode {
        match self {
            Self::Full | Self::Reduced | Self::Small => MediaMode::Video,
            Self::Audio => MediaMode::Audio,
            Self::Message => MediaMode::Message,
        }
    }

    /// The most kbit/s, each way, that the medium should use; 0 for messages.
    #[must_use]
    pub fn cap_kbps(self, thresholds: LinkThresholds) -> u32 {
        match self {
            // What Jitsi sends of 720 and 360 lines.
            Self::Full => 1500.max(thresholds.video_min_kbps),
            Self::Reduced => 500.max(thresholds.video_min_kbps),
            Self::Small => thresholds.video_min_kbps,
            Self::Audio => thresholds.audio_min_kbps,
            Self::Message => 0,
        }
    }

    /// What a link must have for it. Above the least, a third is kept free: a full link delays everything.
    fn needs_kbps(self, thresholds: LinkThresholds) -> u32 {
        match self {
            Self::Full | Self::Reduced => self.cap_kbps(thresholds).saturating_mul(4) / 3,
            Self::Small | Self::Audio | Self::Message => self.cap_kbps(thresholds),
        }
    }

    /// The best level of a medium.
    const fn best_of(mode: MediaMode) -> Self {
        match mode {
            MediaMode::Video => Self::Full,
            MediaMode::Audio => Self::Audio,
            MediaMode::Message => Self::Message,
        }
    }
}

/// Why a medium was decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkReason {
    /// The link carries video.
    Good,
    /// Too few kbit/s for more.
    Bandwidth,
    /// Too long a round trip for a conversation.
    Delay,
    /// Too much is lost for a conversation.
    Loss,
    /// It carried less a moment ago; another good probe is wanted.
    Recovering,
    /// The person asked for no more.
    Chosen,
    /// The link was probed too often to be heard again this minute.
    TooOften,
}

impl LinkReason {
    /// Every reason.
    pub const ALL: [Self; 7] =
        [Self::Good, Self::Bandwidth, Self::Delay, Self::Loss, Self::Recovering, Self::Chosen, Self::TooOften];

    /// The reason's name in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bandwidth => "bandwidth",
            Self::Delay => "delay",
            Self::Loss => "loss",
            Self::Recovering => "recovering",
            Self::Chosen => "chosen",
            Self::TooOften => "too_often",
        }
    }
}

/// What a link is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkUse {
    /// The medium.
    pub mode: MediaMode,
    /// The most kbit/s, each way, that it should use; 0 for messages.
    pub cap_kbps: u32,
}

impl LinkUse {
    /// What two links carry together.
    #[must_use]
    pub fn poorer(self, other: Self) -> Self {
        Self { mode: self.mode.poorer(other.mode), cap_kbps: self.cap_kbps.min(other.cap_kbps) }
    }
}

/// What is answered to a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkDecision {
    /// What to use the link for.
    pub link: LinkUse,
    /// Why.
    pub reason: LinkReason,
}

/// What is known of a person's link between two probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkState {
    /// What it carries.
    pub level: LinkLevel,
    /// The better level that the last probe was good for; a second such probe in a row is believed.
    pub better: Option<LinkLevel>,
    /// The best medium that the person asks for.
    pub prefer: Option<MediaMode>,
    /// Since when changes are counted.
    pub counted_since: OffsetDateTime,
    /// How often it changed since then.
    pub changes: u8,
}

impl LinkState {
    /// How often a link's state may change within [`Self::COUNTED_FOR`]: whoever floods us with probes that contradict each
    /// other is answered, and nothing is written any more.
    pub const MOST_CHANGES: u8 = 10;
    /// How long changes are counted for.
    pub const COUNTED_FOR: Duration = Duration::MINUTE;

    /// What becomes of a link by a probe, and what is answered. Poorer is believed at once: a patient who cannot follow has
    /// lost already. Better is believed when two probes in a row say so, and then at once as far as both of them say: they
    /// are the proof, and step by step a link that is good again would be left unused for minutes. With a state that is
    /// equal to `known` nothing has changed.
    #[must_use]
    pub fn after(
        known: Option<&Self>,
        probe: LinkProbe,
        prefer: Option<MediaMode>,
        thresholds: LinkThresholds,
        at: OffsetDateTime,
    ) -> (Self, LinkDecision) {
        let (measured, reason) = probe.carries(thresholds);
        let Some(known) = known else {
            let new = Self { level: measured, better: None, prefer, counted_since: at, changes: 1 };
            return (new, new.decision(reason, thresholds));
        };
        let (level, better) = known.believes(measured);
        if (level, better, prefer) == (known.level, known.better, known.prefer) {
            return (
                *known,
                known.decision(if better.is_some() { LinkReason::Recovering } else { reason }, thresholds),
            );
        }
        let counted = (at - known.counted_since) < Self::COUNTED_FOR;
        if counted && known.changes >= Self::MOST_CHANGES {
            return (*known, known.decision(LinkReason::TooOften, thresholds));
        }
        let (counted_since, changes) =
            if counted { (known.counted_since, known.changes.saturating_add(1)) } else { (at, 1) };
        let next = Self { level, better, prefer, counted_since, changes };
        let reason = if level > measured { LinkReason::Recovering } else { reason };
        (next, next.decision(reason, thresholds))
    }

    /// The level and the better one to be proven, after a probe that measured this.
    fn believes(&self, measured: LinkLevel) -> (LinkLevel, Option<LinkLevel>) {
        let better = |than: LinkLevel| (measured < than).then_some(measured);
        match self.better {
            _ if measured >= self.level => (measured, None),
            None => (self.level, Some(measured)),
            Some(before) => {
                let proven = before.max(measured);
                (proven, better(proven))
            }
        }
    }

    /// What the link is used for: no more than it carries, and no more than is asked for.
    #[must_use]
    pub fn used(&self, thresholds: LinkThresholds) -> LinkUse {
        let asked = self.prefer.map_or(LinkLevel::Full, LinkLevel::best_of);
        let level = self.level.max(asked);
        LinkUse { mode: level.mode(), cap_kbps: level.cap_kbps(thresholds) }
    }

    /// Whether the person asks for less than the link carries.
    #[must_use]
    pub fn is_chosen(&self) -> bool {
        self.prefer.is_some_and(|mode| LinkLevel::best_of(mode) > self.level)
    }

    fn decision(&self, reason: LinkReason, thresholds: LinkThresholds) -> LinkDecision {
        let reason = if self.is_chosen() { LinkReason::Chosen } else { reason };
        LinkDecision { link: self.used(thresholds), reason }
    }
}

impl LinkProbe {
    /// What a link carries that was measured so, and what keeps it from carrying video.
    fn carries(self, thresholds: LinkThresholds) -> (LinkLevel, LinkReason) {
        if self.rtt_ms > thresholds.max_rtt_ms {
            return (LinkLevel::Message, LinkReason::Delay);
        }
        if self.loss_percent > thresholds.max_loss_percent {
            return (LinkLevel::Message, LinkReason::Loss);
        }
        let kbps = self.up_kbps.min(self.down_kbps);
        let carried = LinkLevel::ALL.into_iter().find(|level| level.needs_kbps(thresholds) <= kbps);
        let level = carried.unwrap_or(LinkLevel::Message);
        (level, if level.mode() == MediaMode::Video { LinkReason::Good } else { LinkReason::Bandwidth })
    }
}
