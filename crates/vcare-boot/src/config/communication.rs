//! `[communication]`: who makes the threads in which visits go on.

use schemars::JsonSchema;
use serde::Deserialize;
use time::Duration;

use super::{NeighbourSection, Sensitive};

/// `[communication]`: the communication-service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(from = "CommunicationFields")]
pub struct CommunicationConfig {
    /// Where it is. Its deadline is per request, and by default 10,000.
    pub neighbour: NeighbourSection,
    /// How long falling back waits for it before leaving the thread to the worker. Default 2,000.
    pub inline_deadline_ms: u32,
}

impl CommunicationConfig {
    /// How long falling back waits for it.
    pub(crate) fn inline_deadline(&self) -> Duration {
        Duration::milliseconds(i64::from(self.inline_deadline_ms))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CommunicationFields {
    /// What `/v1/communication/threads` stands below.
    base_url: String,
    /// How long one request may take.
    #[serde(default = "ten_seconds")]
    deadline_ms: u32,
    /// What we show it.
    #[serde(default)]
    bearer_token: Option<Sensitive>,
    /// How long falling back waits before it leaves the thread to the worker. The job is held 8 s longer than the longer
    /// of this and `fhir.inline_deadline_ms`.
    #[serde(default = "two_seconds")]
    inline_deadline_ms: u32,
}

const fn two_seconds() -> u32 {
    2000
}
const fn ten_seconds() -> u32 {
    10_000
}

impl From<CommunicationFields> for CommunicationConfig {
    fn from(fields: CommunicationFields) -> Self {
        let CommunicationFields { base_url, deadline_ms, bearer_token, inline_deadline_ms } = fields;
        Self { neighbour: NeighbourSection { base_url, deadline_ms, bearer_token }, inline_deadline_ms }
    }
}
