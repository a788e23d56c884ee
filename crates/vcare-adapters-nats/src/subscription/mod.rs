//! `communication.thread.created`: what the communication-service publishes, read by a durable consumer that all workers share.
//!
//! A message is acknowledged when what it says is committed, or when it changes nothing. What cannot be handled now is
//! delivered again, later each time. What cannot be handled at all is set aside on a stream of its own, so that it holds up
//! no other message and is not lost.

mod set_aside;
mod wire;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::{AckKind, Context, Message};
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use vcare_app::ports::{MessageOutcome, RefusedMessage, ThreadSubscriber};

use crate::config::{StreamConfig, SubscriptionConfig};
use crate::error::NatsError;
use crate::publisher::NatsPublisher;

pub use set_aside::{SET_ASIDE_STREAM, SET_ASIDE_SUBJECT};
use wire::Read;

/// So many messages are fetched at once.
const BATCH: usize = 16;
/// How long one fetch waits for messages.
const FETCH: Duration = Duration::from_secs(5);
/// How long the next message of a batch is waited for: a server may leave a fetch without an end.
const NEXT: Duration = Duration::from_secs(2);
/// A message that was neither acknowledged nor refused for so long is delivered again: whoever had it is gone.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// How long a stream that is missing, or does not answer, is left alone.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The first and the longest pause before a message is delivered again, and before the next fetch after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What comes of messages, beside the reasons why they fit no visit.
const OUTCOMES: [&str; 6] = ["recorded", "repeated", "not_ours", "later", "set_aside", "set_aside_failed"];

/// A shared subscription to what the communication-service publishes of threads.
#[derive(Clone)]
pub struct ThreadSubscription {
    jetstream: Context,
    config: SubscriptionConfig,
    set_aside: StreamConfig,
}

/// What is done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Handled, or nothing to do.
    Done(&'static str),
    /// Delivering it again would change nothing.
    Refused(&'static str),
    /// It can be read by nobody, or was tried often enough.
    SetAside(&'static str),
    /// Not now.
    Later,
}

impl ThreadSubscription {
    /// A subscription over a publisher's connection.
    #[must_use]
    pub fn new(publisher: &NatsPublisher, config: SubscriptionConfig) -> Self {
        Self { jetstream: publisher.jetstream(), config, set_aside: publisher.stream_config() }
    }

    /// Handles messages until `stop`; the batch that is under way is finished. NATS and the stream may be missing for as long as
    /// they like: they are looked for again.
    pub async fn run(&self, subscriber: Arc<dyn ThreadSubscriber>, stop: CancellationToken) {
        // A series that begins at its first count would hide that one.
        for outcome in OUTCOMES.into_iter().chain(RefusedMessage::ALL.map(RefusedMessage::as_str)) {
            metrics::counter!("vcare_messages_total", "outcome" => outcome).increment(0);
        }
        let mut failures = 0;
        while !stop.is_cancelled() {
            let Some(consumer) = stop.run_until_cancelled(self.consumer()).await else { return };
            metrics::gauge!("vcare_subscription_bound").set(if consumer.is_ok() { 1.0 } else { 0.0 });
            let consumer = match consumer {
                Ok(consumer) => consumer,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn Error,
                        stream = self.config.stream,
                        "the stream cannot be subscribed to"
                    );
                    stop.run_until_cancelled(sleep(LOOK_AGAIN)).await;
                    continue;
                }
            };
            loop {
                match self.handle_batch(&consumer, &*subscriber, &stop).await {
                    Ok(true) => failures = 0,
                    // What failed will most likely fail for the next ones, too: their deliveries are counted.
                    Ok(false) => failures += 1,
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn Error,
                            stream = self.config.stream,
                            "messages could not be fetched"
                        );
                        break;
                    }
                }
                if stop.is_cancelled() {
                    return;
                }
                if failures > 0 {
                    stop.run_until_cancelled(sleep(pause(failures).min(LOOK_AGAIN))).await;
                }
            }
            stop.run_until_cancelled(sleep(FIRST_PAUSE)).await;
        }
    }

    /// The shared durable consumer; made when it is missing and streams are ours to manage.
    async fn consumer(&self) -> Result<Consumer<pull::Config>, NatsError> {
        let refused = |error: Box<dyn Error + Send + Sync>| NatsError::Refused(error);
        let stream = self.jetstream.get_stream(&self.config.stream).await.map_err(|error| refused(Box::new(error)))?;
        if !self.config.managed {
            return stream.get_consumer(&self.config.consumer).await.map_err(refused);
        }
        let wanted = pull::Config {
            durable_name: Some(self.config.consumer.clone()),
            description: Some("Threads of visits, for the virtual care service".to_owned()),
            filter_subject: self.config.subject.clone(),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: i64::from(self.config.max_deliver),
            ..pull::Config::default()
        };
        stream.create_consumer(wanted).await.map_err(|error| refused(Box::new(error)))
    }

    /// Fetches and handles some messages; answers whether none of them must be delivered again.
    async fn handle_batch(
        &self,
        consumer: &Consumer<pull::Config>,
        subscriber: &dyn ThreadSubscriber,
        stop: &CancellationToken,
    ) -> Result<bool, NatsError> {
        let fetch = consumer.fetch().max_messages(BATCH).messages();
        let mut fetched = fetch.await.map_err(|error| NatsError::Refused(Box::new(error)))?;
        let mut messages: Vec<Message> = Vec::new();
        while let Ok(Some(message)) = timeout(NEXT, fetched.next()).await {
            messages.push(message.map_err(NatsError::Refused)?);
        }
        if messages.is_empty() {
            // A longer question for the next one, which ends at once when we stop.
            let fetch = consumer.fetch().max_messages(1).expires(FETCH);
            let waiting = async { fetch.messages().await.ok()?.next().await };
            let waited = stop.run_until_cancelled(timeout(FETCH + NEXT, waiting)).await;
            messages.extend(waited.and_then(Result::ok).flatten().transpose().map_err(NatsError::Refused)?);
        }
        let mut all_done = true;
        for message in &messages {
            all_done &= self.handle(message, subscriber).await?;
        }
        Ok(all_done)
    }

    /// Handles one message; answers whether it is done with.
    async fn handle(&self, message: &Message, subscriber: &dyn ThreadSubscriber) -> Result<bool, NatsError> {
        let info = message.info().map_err(NatsError::Refused)?;
        let (sequence, delivered) = (info.stream_sequence, u32::try_from(info.delivered).unwrap_or(u32::MAX));
        let mut verdict = verdict(&message.payload, subscriber).await;
        if verdict == Verdict::Later && delivered >= self.config.max_deliver {
            verdict = Verdict::SetAside("not_handled");
        }
        if let Verdict::SetAside(reason) = verdict {
            let kept =
                set_aside::keep(&self.jetstream, &self.set_aside, message, &self.config.stream, sequence, reason);
            if let Err(error) = kept.await {
                tracing::error!(
                    error = &error as &dyn Error,
                    stream = self.config.stream,
                    sequence,
                    reason,
                    "a message could not be set aside"
                );
                metrics::counter!("vcare_messages_total", "outcome" => "set_aside_failed").increment(1);
                verdict = Verdict::Later;
            }
        }
        let (outcome, ack) = match verdict {
            Verdict::Done(outcome) => (outcome, AckKind::Ack),
            Verdict::Refused(outcome) => {
                tracing::warn!(stream = self.config.stream, sequence, outcome, "a message fits no visit");
                (outcome, AckKind::Term)
            }
            Verdict::SetAside(reason) => {
                tracing::error!(stream = self.config.stream, sequence, reason, "a message was set aside");
                ("set_aside", AckKind::Term)
            }
            Verdict::Later => ("later", AckKind::Nak(Some(pause(delivered)))),
        };
        metrics::counter!("vcare_messages_total", "outcome" => outcome).increment(1);
        message.ack_with(ack).await.map_err(NatsError::Refused)?;
        Ok(verdict != Verdict::Later)
    }
}

async fn verdict(body: &[u8], subscriber: &dyn ThreadSubscriber) -> Verdict {
    let created = match wire::read(body) {
        Read::Created(created) => created,
        Read::NotOurs => return Verdict::Done("not_ours"),
        Read::Malformed => return Verdict::SetAside("malformed"),
    };
    match subscriber.thread_created(&created).await {
        Ok(MessageOutcome::Recorded) => Verdict::Done("recorded"),
        Ok(MessageOutcome::Repeated) => Verdict::Done("repeated"),
        Ok(MessageOutcome::Refused(reason)) => Verdict::Refused(reason.as_str()),
        Err(error) => {
            tracing::warn!(error = &error as &dyn Error, "a message could not be handled, and will be delivered again");
            Verdict::Later
        }
    }
}

/// After so many failures in a row: 5, 10, 20 … 300 seconds.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_five_minutes_and_no_further() {
        let seconds: Vec<u64> = (1..=8).map(|failures| pause(failures).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(pause(u32::MAX).as_secs(), 300);
    }
}
