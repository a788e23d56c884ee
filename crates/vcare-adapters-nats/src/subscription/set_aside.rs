//! Where messages are kept that cannot be handled: a stream of its own, which nobody subscribes to and operators read.

use async_nats::jetstream::context::{GetStreamErrorKind, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::jetstream::{Context, ErrorCode, Message};

use crate::config::StreamConfig;
use crate::error::NatsError;

/// The stream's name.
pub const SET_ASIDE_STREAM: &str = "VIRTUAL_CARE_SET_ASIDE";

/// The subject of messages about threads. Not below `virtual_care.`: they are no events of ours.
pub const SET_ASIDE_SUBJECT: &str = "set_aside.virtual_care.thread_created";

/// Keeps a copy of a message, with where it came from and why. Keeping it twice keeps it once, within the duplicate window.
pub(super) async fn keep(
    jetstream: &Context,
    config: &StreamConfig,
    message: &Message,
    stream: &str,
    sequence: u64,
    reason: &'static str,
) -> Result<(), NatsError> {
    match publish(jetstream, message, stream, sequence, reason).await {
        Err(NatsError::NoStream) if config.managed => {
            create(jetstream, config).await?;
            publish(jetstream, message, stream, sequence, reason).await
        }
        other => other,
    }
}

async fn publish(
    jetstream: &Context,
    message: &Message,
    stream: &str,
    sequence: u64,
    reason: &'static str,
) -> Result<(), NatsError> {
    let copy = PublishMessage::build()
        .message_id(format!("{stream}:{sequence}"))
        .expected_stream(SET_ASIDE_STREAM)
        .header("Vcare-Stream", stream)
        .header("Vcare-Sequence", sequence.to_string().as_str())
        .header("Vcare-Reason", reason)
        .payload(message.payload.clone());
    let sent = jetstream.send_publish(SET_ASIDE_SUBJECT, copy).await?;
    match sent.await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == PublishErrorKind::StreamNotFound => Err(NatsError::NoStream),
        Err(error) => Err(error.into()),
    }
}

async fn create(jetstream: &Context, config: &StreamConfig) -> Result<(), NatsError> {
    let wanted = Config {
        name: SET_ASIDE_STREAM.to_owned(),
        description: Some("Messages that the virtual care service could not handle".to_owned()),
        subjects: vec!["set_aside.virtual_care.>".to_owned()],
        storage: StorageType::File,
        max_age: config.max_age,
        duplicate_window: config.duplicate_window,
        num_replicas: config.replicas,
        ..Config::default()
    };
    match jetstream.get_stream(SET_ASIDE_STREAM).await {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(reason) if reason.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                jetstream.create_stream(wanted).await.map_err(|error| NatsError::Refused(Box::new(error)))?;
                Ok(())
            }
            _ => Err(NatsError::Refused(Box::new(error))),
        },
    }
}
