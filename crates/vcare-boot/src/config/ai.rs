//! The sections about machines that hear and write, and the charts into which clinicians let them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use time::Duration as Span;
use vcare_adapters_http::{InvalidBaseUrl, NeighbourConfig};

use super::Sensitive;

/// `[ai]`: the AI gateway, and how much is asked of it.
///
/// Without this section transcripts and summaries are answered 503 `AI_UNAVAILABLE`; with it, `[chart]` is needed. See
/// [ai.md](ai.md).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AiConfig {
    /// Where it is; `/api/v1/ai/…` is appended.
    pub base_url: String,
    /// How long it may take to answer, from the end of what it was sent.
    #[serde(default = "forty_five_seconds")]
    pub deadline_ms: u32,
    /// What we show it.
    #[serde(default)]
    pub bearer_token: Option<Sensitive>,
    /// The largest piece of audio; a larger one is answered 413.
    #[serde(default = "thirty_megabytes")]
    pub max_audio_bytes: u64,
    /// Within so long, 4 KiB of a piece of audio must come, or it is answered 408.
    #[serde(default = "thirty")]
    pub stall_seconds: u32,
    /// How long a piece of audio may take in all, its answer included. Thin lines need long.
    #[serde(default = "half_an_hour")]
    pub upload_deadline_seconds: u32,
    /// How many requests of one visit a process passes on side by side; one more is answered 429.
    #[serde(default = "two")]
    pub parallel_per_visit: u16,
    /// How many of all visits together.
    #[serde(default = "sixty_four")]
    pub parallel_in_all: u16,
    /// How long a draft waits for a clinician's decision; 1 to 168. Then its text is erased.
    #[serde(default = "a_day")]
    pub draft_lifetime_hours: u32,
}

const fn forty_five_seconds() -> u32 {
    45_000
}
const fn thirty_megabytes() -> u64 {
    30 * 1024 * 1024
}
const fn thirty() -> u32 {
    30
}
const fn half_an_hour() -> u32 {
    1800
}
const fn two() -> u16 {
    2
}
const fn sixty_four() -> u16 {
    64
}
const fn a_day() -> u32 {
    24
}

impl AiConfig {
    fn check(&self, problems: &mut Vec<String>) {
        if let Err(error) = self.adapter() {
            problems.push(format!("ai.base_url: {error}"));
        }
        let numbers = [
            ("deadline_ms", u64::from(self.deadline_ms)),
            ("max_audio_bytes", self.max_audio_bytes),
            ("stall_seconds", u64::from(self.stall_seconds)),
            ("upload_deadline_seconds", u64::from(self.upload_deadline_seconds)),
            ("parallel_per_visit", u64::from(self.parallel_per_visit)),
            ("parallel_in_all", u64::from(self.parallel_in_all)),
        ];
        for (name, number) in numbers {
            if number == 0 {
                problems.push(format!("ai.{name}: must be at least 1"));
            }
        }
        if !(1..=168).contains(&self.draft_lifetime_hours) {
            problems.push("ai.draft_lifetime_hours: expected 1 to 168".to_owned());
        }
    }

    /// How long a piece of audio may stand still.
    #[must_use]
    pub fn stall(&self) -> Duration {
        Duration::from_secs(u64::from(self.stall_seconds))
    }

    /// How long it may take in all.
    #[must_use]
    pub fn upload_deadline(&self) -> Duration {
        Duration::from_secs(u64::from(self.upload_deadline_seconds))
    }

    pub(crate) fn draft_lifetime(&self) -> Span {
        Span::hours(i64::from(self.draft_lifetime_hours))
    }

    pub(crate) fn adapter(&self) -> Result<NeighbourConfig, InvalidBaseUrl> {
        let deadline = Span::milliseconds(i64::from(self.deadline_ms));
        NeighbourConfig::new(&self.base_url, deadline, self.bearer_token.as_ref().map(Sensitive::secret))
    }
}

/// `[chart]`: patient-chart-service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChartConfig {
    /// Where it is; `/v1/clinical-notes` is appended.
    pub base_url: String,
    /// How long one call may take.
    #[serde(default = "ten_seconds")]
    pub deadline_ms: u32,
    /// What we show it.
    #[serde(default)]
    pub bearer_token: Option<Sensitive>,
    /// How long accepting a summary waits before it leaves the note to the worker.
    #[serde(default = "two_seconds")]
    pub inline_deadline_ms: u32,
}

const fn ten_seconds() -> u32 {
    10_000
}
const fn two_seconds() -> u32 {
    2000
}

impl ChartConfig {
    fn check(&self, problems: &mut Vec<String>) {
        if let Err(error) = self.adapter() {
            problems.push(format!("chart.base_url: {error}"));
        }
    }

    pub(crate) fn inline_deadline(&self) -> Span {
        Span::milliseconds(i64::from(self.inline_deadline_ms))
    }

    pub(crate) fn adapter(&self) -> Result<NeighbourConfig, InvalidBaseUrl> {
        let deadline = Span::milliseconds(i64::from(self.deadline_ms));
        NeighbourConfig::new(&self.base_url, deadline, self.bearer_token.as_ref().map(Sensitive::secret))
    }
}

/// What a machine drafts must be able to go where clinicians let it.
pub(super) fn check(ai: Option<&AiConfig>, chart: Option<&ChartConfig>, problems: &mut Vec<String>) {
    if let Some(ai) = ai {
        ai.check(problems);
    }
    if let Some(chart) = chart {
        chart.check(problems);
    }
    if ai.is_some() && chart.is_none() {
        problems.push("chart: is needed with [ai]".to_owned());
    }
}
