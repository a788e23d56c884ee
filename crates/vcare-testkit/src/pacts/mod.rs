//! Pacts: what a consumer asks of a provider and what it must be answered, one by one, in files that both are held to.
//!
//! The files are of the Pact Specification, version 3, so that any other implementation of it reads them. Of the
//! specification there is here what they use: bodies of JSON or text, the matchers `type`, `regex`, `integer` and
//! `equality`, provider states, and values that these provide. What is not known is refused when a file is read, and never
//! passed over: a rule that nobody checks would be a promise that nobody keeps.

mod fill;
mod interaction;
mod matching;
mod message;
mod official;
mod place;
mod replay;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

pub use interaction::{Interaction, ProviderState, Request, Response};
pub use matching::{Answered, Asked};
pub use message::{MessagePact, PactMessage};
pub use official::{Verified, verify_officially};
pub use replay::Replayer;
pub use rules::{Matcher, Rules};

use crate::golden::must_be_committed;

const FOLDER: &str = "contracts/pacts";

/// What one consumer and one provider agreed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pact {
    /// Who asks.
    pub consumer: Party,
    /// Who is asked.
    pub provider: Party,
    /// What is asked and answered.
    pub interactions: Vec<Interaction>,
    metadata: Metadata,
}

/// A service or an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// As the platform calls it.
    pub name: String,
}

/// Only what does not change with who writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Metadata {
    pact_specification: Specification,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Specification {
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Version {
    #[serde(rename = "3.0.0")]
    Three,
}

impl Pact {
    /// A pact of those two.
    #[must_use]
    pub fn new(consumer: &str, provider: &str, interactions: Vec<Interaction>) -> Self {
        let party = |name: &str| Party { name: name.to_owned() };
        let metadata = Metadata { pact_specification: Specification { version: Version::Three } };
        Self { consumer: party(consumer), provider: party(provider), interactions, metadata }
    }

    /// The committed pact of those two.
    ///
    /// # Errors
    /// When there is none, or it holds something that is not known here.
    pub fn committed(consumer: &str, provider: &str) -> Result<Self> {
        Self::read(&folder().join(file_name(consumer, provider)))
    }

    /// All committed pacts, by the names of their files.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn all_committed() -> Result<Vec<Self>> {
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(folder()).with_context(|| format!("{FOLDER} cannot be read"))? {
            files.push(entry?.path());
        }
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        files.iter().map(|file| Self::read(file)).collect()
    }

    fn read(file: &Path) -> Result<Self> {
        let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let pact: Self = serde_json::from_slice(&text).with_context(|| format!("{}", file.display()))?;
        let name = file_name(&pact.consumer.name, &pact.provider.name);
        ensure!(file.ends_with(&name), "{} should be called {name}", file.display());
        for (number, interaction) in pact.interactions.iter().enumerate() {
            let same = |one: &Interaction| {
                one.description == interaction.description && one.provider_states == interaction.provider_states
            };
            let twice = pact.interactions[..number].iter().any(same);
            ensure!(!twice, "{name} has {:?} twice", interaction.description);
            interaction.check().with_context(|| format!("{name}: {:?}", interaction.description))?;
        }
        Ok(pact)
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
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(FOLDER)
}

fn file_name(consumer: &str, provider: &str) -> String {
    format!("{consumer}--{provider}.json")
}
