//! What is in the event stream.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Context, ErrorCode};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// The stream of the service's events.
const STREAM: &str = "VIRTUAL_CARE";

/// A message as the stream holds it.
#[derive(Debug, Clone)]
pub struct StoredMessage {
    /// Its place in the stream.
    pub sequence: u64,
    /// Its subject.
    pub subject: String,
    /// Its headers; of several by one name, the first.
    pub headers: BTreeMap<String, String>,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// Makes the stream `VIRTUAL_CARE` as an operator might, who lets it keep each message for that long.
///
/// # Errors
/// When the server cannot be reached or refuses, or there is such a stream already.
pub async fn create_stream_of_age(url: &str, max_age: Duration) -> Result<()> {
    let client = async_nats::connect(url).await.context("NATS")?;
    let stream = jetstream::stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["virtual_care.>".to_owned()],
        max_age,
        ..Default::default()
    };
    jetstream::new(client).create_stream(stream).await?;
    Ok(())
}

impl StoredMessage {
    /// Its body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Reads the stream `VIRTUAL_CARE` from its first message on, and disturbs nothing: it is no consumer.
#[derive(Debug)]
pub struct StreamReader {
    jetstream: Context,
}

impl StreamReader {
    /// Reads at that server.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn connect(url: &str) -> Result<Self> {
        let client = async_nats::connect(url).await.context("NATS")?;
        Ok(Self { jetstream: jetstream::new(client) })
    }

    /// All messages so far, oldest first; none when there is no stream yet.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn all(&self) -> Result<Vec<StoredMessage>> {
        let mut messages = Vec::new();
        self.read_on(&mut messages).await?;
        Ok(messages)
    }

    /// Waits until `found` is true of all messages so far, and answers them.
    ///
    /// # Errors
    /// When that is not so within `patience`: the error names the subjects that were there.
    pub async fn wait_for(
        &self,
        found: impl Fn(&[StoredMessage]) -> bool,
        patience: Duration,
    ) -> Result<Vec<StoredMessage>> {
        let deadline = Instant::now() + patience;
        let mut messages = Vec::new();
        loop {
            let read = self.read_on(&mut messages).await;
            if found(&messages) {
                return Ok(messages);
            }
            if Instant::now() >= deadline {
                // A server that is down for a while is waited for, too.
                read?;
                let subjects: Vec<&str> = messages.iter().map(|message| message.subject.as_str()).collect();
                bail!("after {patience:?} the stream holds only {subjects:?}");
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Adds what came since.
    async fn read_on(&self, messages: &mut Vec<StoredMessage>) -> Result<()> {
        let Some(stream) = self.stream().await? else { return Ok(()) };
        let state = &stream.cached_info().state;
        let read = messages.last().map_or(0, |last| last.sequence);
        for sequence in state.first_sequence.max(read + 1)..=state.last_sequence {
            match stream.get_raw_message(sequence).await {
                Ok(message) => messages.push(stored(message)),
                // It was deleted.
                Err(error) if error.kind() == jetstream::stream::LastRawMessageErrorKind::NoMessageFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn stream(&self) -> Result<Option<Stream>> {
        match self.jetstream.get_stream(STREAM).await {
            Ok(stream) => Ok(Some(stream)),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
                _ => Err(anyhow!(error)),
            },
        }
    }
}

fn stored(message: jetstream::message::StreamMessage) -> StoredMessage {
    let headers = message.headers.iter().filter_map(|(name, values)| {
        let first = values.first()?;
        Some((name.to_string(), first.to_string()))
    });
    StoredMessage {
        sequence: message.sequence,
        subject: message.subject.to_string(),
        headers: headers.collect(),
        body: message.payload.to_vec(),
    }
}
