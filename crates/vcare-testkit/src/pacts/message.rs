//! Messages in pacts: what one service publishes, and another one subscribes to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::interaction::{ProviderState, Response};
use super::matching::Answered;
use super::rules::{Rules, is_empty};
use super::{Metadata, Party, Specification, Version, file_name};
use crate::golden::must_be_committed;

const FOLDER: &str = "contracts/pacts/messages";
const CONTENT_TYPE: &str = "application/json";

/// The messages of one provider that one consumer subscribes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagePact {
    /// Who subscribes.
    pub consumer: Party,
    /// Who publishes.
    pub provider: Party,
    /// What is published.
    pub messages: Vec<PactMessage>,
    metadata: Metadata,
}

/// A message: an example, and by which rules another one is as good. It may say more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PactMessage {
    /// What it is, in words.
    pub description: String,
    /// How things are with the provider when it is published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_states: Vec<ProviderState>,
    /// The example.
    pub contents: Value,
    #[serde(default, skip_serializing_if = "is_empty")]
    matching_rules: Rules,
    /// `contentType`, and the NATS `subject`.
    #[serde(rename = "metaData")]
    pub meta_data: BTreeMap<String, String>,
}

impl PactMessage {
    /// A message that is published under that subject.
    #[must_use]
    pub fn new(description: &str, subject: &str, contents: Value, rules: Rules) -> Self {
        let meta = [("contentType", CONTENT_TYPE), ("subject", subject)];
        Self {
            description: description.to_owned(),
            provider_states: Vec::new(),
            contents,
            matching_rules: rules,
            meta_data: meta.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        }
    }

    /// The NATS subject.
    ///
    /// # Errors
    /// When it has none.
    pub fn subject(&self) -> Result<&str> {
        self.meta_data.get("subject").map(String::as_str).with_context(|| format!("{}: no subject", self.description))
    }

    /// What is wrong with a message; nothing when it is as agreed.
    #[must_use]
    pub fn mismatches(&self, body: &[u8]) -> Vec<String> {
        let headers = vec![("Content-Type".to_owned(), CONTENT_TYPE.to_owned())];
        self.as_answer().mismatches(&Answered { status: 200, headers, body: body.to_vec() })
    }

    /// A message is matched as the body of an answer is: its publisher may say more than was agreed on.
    fn as_answer(&self) -> Response {
        Response::json(200, CONTENT_TYPE, self.contents.clone()).matching(self.matching_rules.clone())
    }

    fn check(&self) -> Result<()> {
        self.subject()?;
        self.matching_rules.check(&BTreeMap::new(), Some(&self.contents))?;
        let wrong = self.mismatches(self.contents.to_string().as_bytes());
        ensure!(wrong.is_empty(), "the example of a message breaks its own rules: {wrong:?}");
        Ok(())
    }
}

impl MessagePact {
    /// A pact of those two.
    #[must_use]
    pub fn new(consumer: &str, provider: &str, messages: Vec<PactMessage>) -> Self {
        let party = |name: &str| Party { name: name.to_owned() };
        let metadata = Metadata { pact_specification: Specification { version: Version::Three } };
        Self { consumer: party(consumer), provider: party(provider), messages, metadata }
    }

    /// The committed pact of those two.
    ///
    /// # Errors
    /// When there is none, or it holds something that is not known here.
    pub fn committed(consumer: &str, provider: &str) -> Result<Self> {
        let name = file_name(consumer, provider);
        let text = std::fs::read(folder().join(&name)).with_context(|| format!("{FOLDER}/{name} cannot be read"))?;
        let pact: Self = serde_json::from_slice(&text).context(name)?;
        for message in &pact.messages {
            message.check().with_context(|| format!("{consumer}--{provider}: {:?}", message.description))?;
        }
        Ok(pact)
    }

    /// What is wrong with a message that came under that subject.
    #[must_use]
    pub fn mismatches(&self, subject: &str, body: &[u8]) -> Vec<String> {
        let agreed = self.messages.iter().find(|message| message.subject().is_ok_and(|agreed| agreed == subject));
        agreed.map_or_else(|| vec![format!("nothing is agreed on {subject}")], |message| message.mismatches(body))
    }

    /// Asserts that it is the committed one. With `UPDATE_CONTRACTS=1` it becomes so.
    ///
    /// # Panics
    /// When it is not, or cannot be read.
    #[track_caller]
    pub fn must_be_committed(&self) {
        let (consumer, provider) = (&self.consumer.name, &self.provider.name);
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        must_be_committed(&format!("{FOLDER}/{}", file_name(consumer, provider)), &format!("{text}\n"));
        let read = Self::committed(consumer, provider);
        assert!(read.as_ref().is_ok_and(|read| read == self), "it cannot be read again: {read:?}");
    }
}

fn folder() -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(FOLDER)
}
