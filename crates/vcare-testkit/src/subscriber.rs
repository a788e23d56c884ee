//! Stand-ins for services that subscribe to our events: over a real stream, by a durable consumer, each message checked against
//! the pact of that service.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, AckKind, Context, Message};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::pacts::MessagePact;
use crate::standins::{Behaviour, Mode};

const PROVIDER: &str = "virtual-care-service";
const STREAM: &str = "VIRTUAL_CARE";
/// It remembers so much of what was wrong.
const MOST_WRONG: usize = 1000;
/// How often it looks whether there is something to do.
const LOOK: Duration = Duration::from_millis(50);

/// What a subscriber does with an event, by its subject, once a `source` and `id`.
pub type Handler = Box<dyn Fn(&str, &Value, Behaviour) + Send + Sync>;
/// What it wants to publish by now: subjects and bodies.
pub type Outgoing = Box<dyn Fn() -> Vec<(String, Value)> + Send + Sync>;

/// A service that subscribes, as long as this value lives.
pub struct Subscriber {
    record: Arc<Record>,
    jetstream: Context,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Record {
    received: Mutex<Vec<Value>>,
    known: Mutex<BTreeSet<(String, String)>>,
    wrong: Mutex<Vec<String>>,
    mode: Mutex<Mode>,
}

impl Record {
    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn complain(&self, wrong: impl IntoIterator<Item = String>) {
        let mut all = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(wrong);
        // A server that is down for long is complained of every time.
        all.truncate(MOST_WRONG);
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("record", &self.record).finish_non_exhaustive()
    }
}

impl Subscriber {
    /// Subscribes as that service, to what its pact says.
    ///
    /// # Errors
    /// When the server cannot be reached, or there is no such pact.
    pub async fn start(nats_url: &str, service: &str) -> Result<Self> {
        Self::start_with(nats_url, service, Box::new(|_, _, _| ()), Box::new(Vec::new)).await
    }

    /// The same, with something to do and to publish.
    ///
    /// # Errors
    /// As [`Subscriber::start`].
    pub async fn start_with(nats_url: &str, service: &str, handle: Handler, outgoing: Outgoing) -> Result<Self> {
        let pact = MessagePact::committed(service, PROVIDER)?;
        let jetstream = jetstream::new(async_nats::connect(nats_url).await.context("NATS")?);
        let record = Arc::new(Record {
            received: Mutex::default(),
            known: Mutex::default(),
            wrong: Mutex::default(),
            mode: Mutex::new(Mode::UP),
        });
        let work = Work { jetstream: jetstream.clone(), record: Arc::clone(&record), pact, handle };
        let task = tokio::spawn(async move {
            loop {
                if let Err(error) = work.round(&outgoing).await {
                    work.record.complain([format!("{error:#}")]);
                }
                sleep(LOOK).await;
            }
        });
        Ok(Self { record, jetstream, task })
    }

    /// Sets how it behaves: down, it takes nothing; slow, it takes its time over each message; wrong, its handler knows it.
    pub fn set_mode(&self, mode: Mode) {
        *self.record.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    /// What it received, each `source` and `id` once, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        self.record.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was wrong with what it received.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        self.record.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it has published on its own stream, `COMMUNICATION`, oldest first: subjects and bodies.
    ///
    /// # Errors
    /// When there is no such stream.
    pub async fn published(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let stream = self.jetstream.get_stream("COMMUNICATION").await?;
        let state = &stream.cached_info().state;
        let mut messages = Vec::new();
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            let message = stream.get_raw_message(sequence).await?;
            messages.push((message.subject.to_string(), message.payload.to_vec()));
        }
        Ok(messages)
    }

    /// Publishes a message of its own, whatever it is.
    ///
    /// # Errors
    /// When no stream takes it.
    pub async fn publish(&self, subject: &str, body: &Value) -> Result<()> {
        publish(&self.jetstream, subject, body).await
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Work {
    jetstream: Context,
    record: Arc<Record>,
    pact: MessagePact,
    handle: Handler,
}

impl Work {
    async fn round(&self, outgoing: &Outgoing) -> Result<()> {
        if self.record.mode().behaviour == Behaviour::Down {
            return Ok(());
        }
        // The service creates its stream with its first event.
        if self.jetstream.get_stream(STREAM).await.is_ok() {
            for message in &self.pact.messages {
                self.take(message.subject()?).await?;
            }
        }
        for (subject, body) in outgoing() {
            publish(&self.jetstream, &subject, &body).await?;
        }
        Ok(())
    }

    async fn take(&self, subject: &str) -> Result<()> {
        let name = format!("{}-{}", self.pact.consumer.name, subject.replace('.', "_"));
        let config = pull::Config {
            durable_name: Some(name),
            filter_subject: subject.to_owned(),
            ack_policy: AckPolicy::Explicit,
            ..pull::Config::default()
        };
        let consumer = self.jetstream.get_stream(STREAM).await?.create_consumer(config).await?;
        let mut messages = consumer.fetch().max_messages(50).messages().await?;
        while let Some(message) = messages.next().await {
            let message = message.map_err(|error| anyhow::anyhow!(error))?;
            self.hear(&message).await?;
        }
        Ok(())
    }

    async fn hear(&self, message: &Message) -> Result<()> {
        let mode = self.record.mode();
        if mode.behaviour == Behaviour::Down {
            return ack(message, AckKind::Nak(None)).await;
        }
        if mode.behaviour == Behaviour::Slow {
            sleep(mode.latency).await;
        }
        self.record.complain(self.pact.mismatches(&message.subject, &message.payload));
        let event: Value = serde_json::from_slice(&message.payload).context("an event is no JSON")?;
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let new = self.record.known.lock().unwrap_or_else(PoisonError::into_inner).insert((text("source"), text("id")));
        if new {
            (self.handle)(&message.subject, &event, mode.behaviour);
            self.record.received.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }
        ack(message, AckKind::Ack).await
    }
}

async fn ack(message: &Message, kind: AckKind) -> Result<()> {
    message.ack_with(kind).await.map_err(|error| anyhow::anyhow!(error))
}

async fn publish(jetstream: &Context, subject: &str, body: &Value) -> Result<()> {
    jetstream.publish(subject.to_owned(), body.to_string().into()).await?.await?;
    Ok(())
}
