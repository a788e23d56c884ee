//! What the stream has of the events that it acknowledged.

use std::collections::HashSet;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use async_nats::{HeaderMap, header};
use futures_util::StreamExt;
use tokio::time::timeout;
use vcare_app::ports::KeptEvent;
use vcare_domain::EventId;

use crate::error::NatsError;
use crate::stream::STREAM;

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> NatsError {
    NatsError::Refused(Box::new(error))
}

/// The stream; `None` when there is none.
pub(crate) async fn stream(jetstream: &Context) -> Result<Option<Stream>, NatsError> {
    named(jetstream, STREAM).await
}

/// The stream of that name; `None` when there is none.
pub(crate) async fn named(jetstream: &Context, name: &str) -> Result<Option<Stream>, NatsError> {
    match jetstream.get_stream(name).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(reason)
                if reason.error_code() == async_nats::jetstream::ErrorCode::STREAM_NOT_FOUND =>
            {
                Ok(None)
            }
            _ => Err(refused(error)),
        },
    }
}

/// The last sequence number that the stream gave; 0 when there is no stream.
pub(crate) async fn last_sequence(jetstream: &Context) -> Result<u64, NatsError> {
    Ok(stream(jetstream).await?.map_or(0, |stream| stream.cached_info().state.last_sequence))
}

/// Whether an event is where it was acknowledged. What is older than the stream's first message was deleted by its limits.
pub(crate) async fn holds(jetstream: &Context, event: &KeptEvent) -> Result<bool, NatsError> {
    let Some(stream) = stream(jetstream).await? else { return Ok(false) };
    if event.sequence < stream.cached_info().state.first_sequence {
        return Ok(true);
    }
    match stream.get_raw_message(event.sequence).await {
        Ok(message) => Ok(id_of(&message.headers) == Some(event.id)),
        Err(error) => match error.kind() {
            RawMessageErrorKind::NoMessageFound => Ok(false),
            RawMessageErrorKind::JetStream(reason)
                if reason.error_code() == async_nats::jetstream::ErrorCode::NO_MESSAGE_FOUND =>
            {
                Ok(false)
            }
            _ => Err(refused(error)),
        },
    }
}

/// The events that are nowhere in the stream. Reads the headers of all messages from where the first of them was. Fails when the
/// server is silent for longer than `patience`.
pub(crate) async fn missing(
    jetstream: &Context,
    events: &[KeptEvent],
    patience: Duration,
) -> Result<Vec<EventId>, NatsError> {
    let Some(first) = events.first() else { return Ok(Vec::new()) };
    let Some(stream) = stream(jetstream).await? else { return Ok(events.iter().map(|event| event.id).collect()) };
    let state = &stream.cached_info().state;
    // A stream that was created again counts from 1.
    let from = if state.last_sequence < first.sequence { state.first_sequence } else { first.sequence };
    let headers = OrderedConfig {
        headers_only: true,
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from.max(1) },
        ..OrderedConfig::default()
    };
    let consumer = stream.create_consumer(headers).await.map_err(refused)?;
    // Counted by the server: the last message may have been deleted, and would be waited for in vain.
    let mut pending = consumer.cached_info().num_pending;
    let mut messages = consumer.messages().await.map_err(refused)?;
    let mut seen = HashSet::new();
    while pending > 0 {
        let message = timeout(patience, messages.next()).await.map_err(|_| NatsError::TimedOut)?;
        let message = message.ok_or(NatsError::ConnectionLost)?.map_err(refused)?;
        seen.extend(message.headers.as_ref().and_then(id_of));
        pending = message.info().map_err(NatsError::Refused)?.pending;
    }
    // What is older than the stream's first message was deleted by its limits.
    let expected = events.iter().filter(|event| event.sequence >= state.first_sequence);
    Ok(expected.map(|event| event.id).filter(|id| !seen.contains(id)).collect())
}

/// The event that a message is of.
fn id_of(headers: &HeaderMap) -> Option<EventId> {
    headers.get(header::NATS_MESSAGE_ID)?.as_str().parse().ok()
}
