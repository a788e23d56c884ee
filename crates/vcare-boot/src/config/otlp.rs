//! `[otlp]`: who collects traces.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use vcare_adapters_http::{InvalidBaseUrl, NeighbourConfig};

use super::Sensitive;

/// `[otlp]`: who collects traces, by OTLP over HTTP with protobuf. Without this section there are none.
///
/// Spans are sent behind the requests, and are lost, not waited for, when the collector does not take them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtlpConfig {
    /// What `/v1/traces` stands below.
    pub base_url: String,
    /// How long one batch may take.
    #[serde(default = "five_seconds")]
    pub deadline_ms: u32,
    /// What we show it, when it wants something.
    #[serde(default)]
    pub bearer_token: Option<Sensitive>,
    /// How long finished spans are gathered before they are sent, unless 512 are there sooner.
    #[serde(default = "two_seconds")]
    pub every_ms: u32,
    /// So many finished spans may wait, at least 1; further ones are dropped. A span has about 1 kB.
    #[serde(default = "four_thousand")]
    pub queue: usize,
    /// How long a process that stops waits until its last spans are sent.
    #[serde(default = "three")]
    pub shutdown_seconds: u32,
}

const fn five_seconds() -> u32 {
    5000
}
const fn two_seconds() -> u32 {
    2000
}
const fn four_thousand() -> usize {
    4096
}
const fn three() -> u32 {
    3
}

impl OtlpConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if let Err(error) = self.adapter() {
            problems.push(format!("otlp.base_url: {error}"));
        }
        if self.queue == 0 {
            problems.push("otlp.queue: must be at least 1".to_owned());
        }
    }

    pub(crate) fn adapter(&self) -> Result<NeighbourConfig, InvalidBaseUrl> {
        let deadline = time::Duration::milliseconds(i64::from(self.deadline_ms));
        NeighbourConfig::new(&self.base_url, deadline, self.bearer_token.as_ref().map(Sensitive::secret))
    }

    pub(crate) fn every(&self) -> Duration {
        Duration::from_millis(u64::from(self.every_ms))
    }

    pub(crate) fn at_the_end(&self) -> Duration {
        Duration::from_secs(u64::from(self.shutdown_seconds))
    }
}
