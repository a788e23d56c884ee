//! Events against their contracts: what a test makes the service emit is what was promised to subscribers.
//!
//! For the end of a test: both block, on a thread of their own, so that they can be called where something is dropped.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio_postgres::NoTls;

use crate::StreamReader;

/// Asserts that every event in the outbox of a database keeps its contract. `url` is its administrator's.
///
/// # Panics
/// When one does not, or when the outbox cannot be read.
#[track_caller]
pub fn the_outbox_must_keep_its_contracts(url: &str) {
    let url = url.to_owned();
    must_keep(&apart(async move {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.context("the outbox")?;
        tokio::spawn(connection);
        let rows = client.query("SELECT body FROM outbox ORDER BY position", &[]).await.context("the outbox")?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }));
}

/// Asserts that every event in the stream of a NATS server keeps its contract.
///
/// # Panics
/// When one does not, or when the stream cannot be read.
#[track_caller]
pub fn the_stream_must_keep_its_contracts(url: &str) {
    let url = url.to_owned();
    must_keep(&apart(async move {
        let messages = StreamReader::connect(&url).await?.all().await?;
        Ok(messages.into_iter().map(|message| message.body).collect())
    }));
}

/// What an event breaks of the schema that is committed for its type, in `contracts/events`; nothing when it keeps it.
///
/// # Errors
/// When it is no event, or of a type without a schema.
pub fn broken_by(event: &[u8]) -> Result<Vec<String>> {
    Contracts::default().broken_by(event)
}

/// Schemas that were read.
#[derive(Default)]
struct Contracts(BTreeMap<String, jsonschema::Validator>);

impl Contracts {
    fn broken_by(&mut self, event: &[u8]) -> Result<Vec<String>> {
        let event: Value = serde_json::from_slice(event).context("it is no JSON")?;
        let kind = event["type"].as_str().context("it has no type")?;
        if !self.0.contains_key(kind) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/events");
            let schema = std::fs::read_to_string(folder.join(format!("{kind}.schema.json")));
            let schema: Value = serde_json::from_str(&schema.with_context(|| format!("{kind} has no schema"))?)?;
            let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema)?;
            self.0.insert(kind.to_owned(), validator);
        }
        let broken = |validator: &jsonschema::Validator| {
            let errors = validator.iter_errors(&event);
            errors.map(|error| format!("{kind}{}: {error}", error.instance_path())).collect()
        };
        Ok(self.0.get(kind).map_or_else(Vec::new, broken))
    }
}

#[track_caller]
fn must_keep(read: &Result<Vec<Vec<u8>>>) {
    assert!(read.is_ok(), "events cannot be checked: {read:?}");
    let mut contracts = Contracts::default();
    for event in read.iter().flatten() {
        let broken = contracts.broken_by(event);
        assert!(
            broken.as_ref().is_ok_and(Vec::is_empty),
            "an event breaks its contract, contracts/events: {broken:#?}\n{}",
            String::from_utf8_lossy(event)
        );
    }
}

/// Waits for something in a runtime of its own, where whoever asks may be in one already.
fn apart<T: Send + 'static>(what: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(what)
    });
    thread.join().map_err(|_| anyhow::anyhow!("it was not waited for"))?
}
