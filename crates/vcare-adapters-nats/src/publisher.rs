//! Publishes finished events.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::message::PublishMessage;
use async_nats::{Client, Event};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use tracing::Instrument;
use tracing::field::Empty;
use vcare_app::ports::{Acknowledgement, EventPublisher, KeptEvent, PublishError, StoredEvent};
use vcare_app::spans::{TRACES_ONLY, ended};
use vcare_domain::EventId;

use crate::config::{InvalidNatsConfig, NatsConfig, StreamConfig};
use crate::contents;
use crate::error::NatsError;
use crate::standing::{self, StreamStanding};
use crate::stream::{self, STREAM};
use crate::subscription::SET_ASIDE_STREAM;

/// A server that is gone without a word is noticed after three of these.
const PING_EVERY: Duration = Duration::from_secs(10);

/// A refusal this old says nothing: whoever publishes asks again every few seconds, and it may be another process by now.
const REFUSAL_COUNTS_FOR: Duration = Duration::from_secs(30);

/// Publishes to the stream [`STREAM`], with the event's id as `Nats-Msg-Id`, so that a second copy is dropped.
///
/// Nothing is queued: an event that is not acknowledged in time is reported as failed. It may arrive all the same, late; as
/// the caller publishes it again before any later one of its ordering key, and the stream knows its id, that is harmless.
pub struct NatsPublisher {
    client: Client,
    jetstream: Context,
    ack_timeout: Duration,
    stream: StreamConfig,
    /// Whether the stream was seen since it was last missed. Held while looking, so that one looks.
    stream_seen: Mutex<bool>,
    /// The last publish timed out as a whole. The next one first asks with a single event: the client remembers every
    /// unanswered request for as long as it lives, so a silent server must not be sent batch after batch.
    stalled: AtomicBool,
    /// When the last batch was published of which the stream acknowledged nothing, and why, unless one that it did came after.
    refusal: std::sync::Mutex<Option<(Instant, String)>>,
    /// Changes when the connection is lost.
    losses: watch::Receiver<u64>,
}

impl NatsPublisher {
    /// Begins to connect, in the background, and for ever; does not wait for it.
    ///
    /// # Errors
    /// [`InvalidNatsConfig`]. A server that cannot be reached is no error.
    pub async fn connect(config: &NatsConfig) -> Result<Self, InvalidNatsConfig> {
        config.check()?;
        let (losses, losses_seen) = watch::channel(0);
        let losses = Arc::new(losses);
        metrics::gauge!("vcare_nats_connected").set(0.0);
        let client = config
            .options()?
            .name("vcare")
            .retry_on_initial_connect()
            .ping_interval(PING_EVERY)
            .event_callback(move |event| {
                note(&event, &losses);
                std::future::ready(())
            })
            .connect(config.addresses()?)
            .await
            // It does not wait for a connection, so the addresses are all that it can find fault with.
            .map_err(|_| InvalidNatsConfig::Server(0))?;
        let jetstream = ContextBuilder::new().timeout(config.ack_timeout).build(client.clone());
        Ok(Self {
            client,
            jetstream,
            ack_timeout: config.ack_timeout,
            stream: config.stream.clone(),
            stream_seen: Mutex::new(false),
            stalled: AtomicBool::new(false),
            refusal: std::sync::Mutex::default(),
            losses: losses_seen,
        })
    }

    pub(crate) fn jetstream(&self) -> Context {
        self.jetstream.clone()
    }

    pub(crate) fn stream_config(&self) -> StreamConfig {
        self.stream.clone()
    }

    /// Whether the server that it is connected to wants connections to be encrypted, and so this one is.
    #[must_use]
    pub fn server_wants_tls(&self) -> bool {
        self.client.server_info().tls_required
    }

    /// How the stream is kept; `None` when there is none.
    ///
    /// # Errors
    /// [`NatsError`]: not connected, no answer, or refused.
    pub async fn stream_standing(&self) -> Result<Option<StreamStanding>, NatsError> {
        if !self.health() {
            return Err(NatsError::NotConnected);
        }
        timeout(self.ack_timeout * 2, standing::look(&self.jetstream)).await.map_err(|_| NatsError::TimedOut)?
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn health(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Why the stream acknowledged nothing of what was last published over a connection that is there: a server whose disk was full
    /// does that until it is started again. `None` when it did, or when nothing was published in the last half minute.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        refusal.as_ref().filter(|(at, _)| at.elapsed() < REFUSAL_COUNTS_FOR).map(|(_, why)| why.clone())
    }

    fn note_refusal(&self, results: &[Result<Acknowledgement, NatsError>]) {
        let why =
            results.iter().find_map(|result| result.as_ref().err()).filter(|_| !results.iter().any(Result::is_ok));
        // The others say something of the connection, or of one event.
        let by_the_stream = |why: &&NatsError| {
            matches!(why, NatsError::TimedOut | NatsError::Stalled | NatsError::NoStream | NatsError::Refused(_))
        };
        let why = why.filter(by_the_stream);
        let why =
            why.map(|why| (Instant::now(), why.source().map_or(why.to_string(), |cause| format!("{why}: {cause}"))));
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Creates the stream when it is missing and widens it when it is narrower than configured, unless it was seen already.
    /// Publishing does this by itself.
    ///
    /// # Errors
    /// [`NatsError`]: not connected, no answer, or refused.
    pub async fn ensure_stream(&self) -> Result<(), NatsError> {
        let mut seen = self.stream_seen.lock().await;
        if *seen || !self.stream.managed {
            return Ok(());
        }
        if !self.health() {
            return Err(NatsError::NotConnected);
        }
        timeout(self.ack_timeout, stream::ensure(&self.jetstream, &self.stream))
            .await
            .map_err(|_| NatsError::TimedOut)??;
        *seen = true;
        Ok(())
    }

    /// Shortens how long the stream, and the stream of messages that were set aside, keep messages to what is configured. Deletes
    /// what is older: for operators, who know that every reader has read it. Answers which streams kept them for longer.
    ///
    /// # Errors
    /// [`NatsError`]: not connected, no answer, or refused.
    pub async fn shorten_streams(&self) -> Result<Vec<&'static str>, NatsError> {
        if !self.health() {
            return Err(NatsError::NotConnected);
        }
        let mut shortened = Vec::new();
        for name in [STREAM, SET_ASIDE_STREAM] {
            let shorten = stream::shorten(&self.jetstream, name, &self.stream);
            if timeout(self.ack_timeout, shorten).await.map_err(|_| NatsError::TimedOut)?? {
                shortened.push(name);
            }
        }
        Ok(shortened)
    }

    /// Asks the stream something. Without a connection it fails at once: the client would wait for one.
    async fn ask<T>(&self, question: impl Future<Output = Result<T, NatsError>>) -> Result<T, PublishError> {
        let answer = if self.health() { question.await } else { Err(NatsError::NotConnected) };
        answer.map_err(|error| PublishError(Box::new(error)))
    }

    /// Publishes one event, in the trace of the request that caused it.
    async fn publish_one(
        &self,
        event: &StoredEvent,
        losses: watch::Receiver<u64>,
    ) -> Result<Acknowledgement, NatsError> {
        let traceparent = traceparent(&event.body);
        let span = tracing::info_span!(
            target: TRACES_ONLY,
            "publish",
            trace.parent = traceparent,
            otel.kind = "producer",
            otel.status_code = Empty,
            messaging.system = "nats",
            messaging.destination.name = event.subject,
            messaging.message.id = %event.id,
            call.outcome = Empty,
        );
        let published = self.publish_traced(event, traceparent, losses).instrument(span.clone()).await;
        ended(&span, if published.is_ok() { "ok" } else { "failed" }, published.is_ok());
        published
    }

    /// Publishes one event and waits for its acknowledgement.
    async fn publish_traced(
        &self,
        event: &StoredEvent,
        traceparent: Option<&str>,
        mut losses: watch::Receiver<u64>,
    ) -> Result<Acknowledgement, NatsError> {
        let mut message = PublishMessage::build()
            .message_id(event.id.to_string())
            .expected_stream(STREAM)
            .header("Content-Type", "application/cloudevents+json")
            .payload(Bytes::copy_from_slice(&event.body));
        if let Some(traceparent) = traceparent {
            message = message.header("traceparent", traceparent);
        }
        let acknowledged = async { self.jetstream.send_publish(event.subject.clone(), message).await?.await };
        tokio::select! {
            // An acknowledgement that is here counts, whatever became of the connection since.
            biased;
            result = timeout(self.ack_timeout, acknowledged) => {
                // A duplicate is as good: the stream has the event.
                let ack = result.map_err(|_| NatsError::TimedOut)??;
                Ok(Acknowledgement { sequence: ack.sequence, duplicate: ack.duplicate })
            }
            _ = losses.changed() => Err(NatsError::ConnectionLost),
        }
    }

    async fn side_by_side(
        &self,
        events: &[StoredEvent],
        losses: &watch::Receiver<u64>,
    ) -> Vec<Result<Acknowledgement, NatsError>> {
        join_all(events.iter().map(|event| self.publish_one(event, losses.clone()))).await
    }

    async fn publish_all(&self, events: &[StoredEvent]) -> Vec<Result<Acknowledgement, NatsError>> {
        let mut losses = self.losses.clone();
        losses.mark_unchanged();
        if !self.health() {
            return fail(events, || NatsError::NotConnected);
        }
        if let Err(error) = self.ensure_stream().await {
            // Only looking may have failed, for want of a permission: the stream may be there and take events.
            self.stalled.store(true, Ordering::Relaxed);
            let error: &(dyn Error + 'static) = &error;
            tracing::warn!(error, stream = STREAM, "the stream could not be looked at");
        }
        let mut results = Vec::with_capacity(events.len());
        let mut rest = events;
        if let (true, Some((first, others))) = (self.stalled.load(Ordering::Relaxed), events.split_first()) {
            results.extend(self.side_by_side(std::slice::from_ref(first), &losses).await);
            if matches!(results.as_slice(), [Err(NatsError::TimedOut)]) {
                results.resize_with(events.len(), || Err(NatsError::Stalled));
                return results;
            }
            rest = others;
        }
        results.extend(self.side_by_side(rest, &losses).await);
        let stalled = results.iter().all(|result| matches!(result, Err(NatsError::TimedOut)));
        self.stalled.store(stalled, Ordering::Relaxed);
        if results.iter().any(|result| matches!(result, Err(NatsError::NoStream))) {
            *self.stream_seen.lock().await = false;
        } else if results.iter().any(Result::is_ok) {
            *self.stream_seen.lock().await = true;
        }
        results
    }
}

#[async_trait]
impl EventPublisher for NatsPublisher {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<Acknowledgement, PublishError>> {
        if events.is_empty() {
            return Vec::new();
        }
        let begun = Instant::now();
        let results = self.publish_all(events).await;
        self.note_refusal(&results);
        metrics::histogram!("vcare_nats_publish_duration_seconds").record(begun.elapsed().as_secs_f64());
        results.into_iter().map(|result| result.map_err(|error| PublishError(Box::new(error)))).collect()
    }

    async fn last_sequence(&self) -> Result<u64, PublishError> {
        self.ask(contents::last_sequence(&self.jetstream)).await
    }

    async fn holds(&self, event: &KeptEvent) -> Result<bool, PublishError> {
        self.ask(contents::holds(&self.jetstream, event)).await
    }

    async fn missing(&self, events: &[KeptEvent]) -> Result<Vec<EventId>, PublishError> {
        self.ask(contents::missing(&self.jetstream, events, self.ack_timeout)).await
    }
}

/// What an event says of the trace that it belongs to.
fn traceparent(event: &[u8]) -> Option<&str> {
    #[derive(serde::Deserialize)]
    struct Traced<'a> {
        traceparent: &'a str,
    }
    serde_json::from_slice::<Traced<'_>>(event).ok().map(|traced| traced.traceparent)
}

fn fail(events: &[StoredEvent], error: impl Fn() -> NatsError) -> Vec<Result<Acknowledgement, NatsError>> {
    events.iter().map(|_| Err(error())).collect()
}

/// What the connection says of itself. The client logs it too.
fn note(event: &Event, losses: &watch::Sender<u64>) {
    match event {
        Event::Connected => metrics::gauge!("vcare_nats_connected").set(1.0),
        Event::Disconnected | Event::Closed => {
            metrics::gauge!("vcare_nats_connected").set(0.0);
            metrics::counter!("vcare_nats_disconnections_total").increment(1);
            losses.send_modify(|count| *count += 1);
        }
        Event::ServerError(_) | Event::ClientError(_) => {
            metrics::counter!("vcare_nats_errors_total").increment(1);
        }
        _ => {}
    }
}
