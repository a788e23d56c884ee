//! `[communication]`: who makes the threads in which visits go on.

use schemars::JsonSchema;
use serde::Deserialize;
use time::Duration;
use vcare_adapters_nats::SubscriptionConfig;

use super::{NeighbourSection, Sensitive};

/// `[communication]`: the communication-service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(from = "CommunicationFields")]
pub struct CommunicationConfig {
    /// Where it is. Its deadline is per request, and by default 10,000.
    pub neighbour: NeighbourSection,
    /// How long falling back waits for it before leaving the thread to the worker. Default 2,000.
    pub inline_deadline_ms: u32,
    /// What it publishes of threads, and where.
    subscription: Subscription,
}

#[derive(Debug, Clone, JsonSchema)]
struct Subscription {
    enabled: bool,
    stream: String,
    subject: String,
    consumer: String,
    max_deliver: u32,
}

impl CommunicationConfig {
    /// How long falling back waits for it.
    pub(crate) fn inline_deadline(&self) -> Duration {
        Duration::milliseconds(i64::from(self.inline_deadline_ms))
    }

    /// To what the worker subscribes; `None` when it does not.
    pub(crate) fn subscription(&self, managed: bool) -> Option<SubscriptionConfig> {
        let Subscription { enabled, stream, subject, consumer, max_deliver } = self.subscription.clone();
        enabled.then_some(SubscriptionConfig { stream, subject, consumer, max_deliver, managed })
    }

    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let Subscription { stream, subject, consumer, max_deliver, .. } = &self.subscription;
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        for (name, value) in [("events_stream", stream), ("events_consumer", consumer)] {
            if !word(value) {
                problems.push(format!("communication.{name}: expected letters, digits, _ and -"));
            }
        }
        if !subject.split('.').all(|token| matches!(token, "*" | ">") || word(token)) {
            problems.push("communication.thread_created_subject: expected a NATS subject".to_owned());
        }
        if !(2..=100).contains(max_deliver) {
            problems.push("communication.events_max_deliver: must be 2 to 100".to_owned());
        }
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
    /// Whether the worker subscribes to what the communication-service publishes of threads.
    #[serde(default = "yes")]
    subscribe: bool,
    /// The stream on which it publishes. It must be there; it is never created or changed by us.
    #[serde(default = "stream")]
    events_stream: String,
    /// The subject under which it publishes that a thread was created.
    #[serde(default = "subject")]
    thread_created_subject: String,
    /// The durable consumer that all workers share; created when `nats.manage_stream` allows it.
    #[serde(default = "consumer")]
    events_consumer: String,
    /// How often a message is delivered before it is set aside, 2 to 100.
    #[serde(default = "twenty")]
    events_max_deliver: u32,
}

const fn yes() -> bool {
    true
}
const fn twenty() -> u32 {
    20
}
fn stream() -> String {
    "COMMUNICATION".to_owned()
}
fn subject() -> String {
    "communication.thread.created".to_owned()
}
fn consumer() -> String {
    "virtual-care-threads".to_owned()
}

const fn two_seconds() -> u32 {
    2000
}
const fn ten_seconds() -> u32 {
    10_000
}

impl From<CommunicationFields> for CommunicationConfig {
    fn from(fields: CommunicationFields) -> Self {
        let CommunicationFields { base_url, deadline_ms, bearer_token, inline_deadline_ms, .. } = fields;
        let subscription = Subscription {
            enabled: fields.subscribe,
            stream: fields.events_stream,
            subject: fields.thread_created_subject,
            consumer: fields.events_consumer,
            max_deliver: fields.events_max_deliver,
        };
        Self { neighbour: NeighbourSection { base_url, deadline_ms, bearer_token }, inline_deadline_ms, subscription }
    }
}
