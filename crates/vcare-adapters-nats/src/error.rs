//! Why the stream did not take an event.

use std::error::Error;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};

/// Why NATS did not do it. Holds nothing of what an event says.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// There is no connection at the moment. It is being sought.
    #[error("not connected to NATS")]
    NotConnected,
    /// The connection went away before the acknowledgement came: the event may be in the stream or not.
    #[error("the connection to NATS was lost before the acknowledgement")]
    ConnectionLost,
    /// No acknowledgement within the time allowed: the event may be in the stream or not.
    #[error("NATS did not acknowledge in time")]
    TimedOut,
    /// The event was not sent, because another one just showed that the stream does not answer.
    #[error("not sent: the stream does not answer")]
    Stalled,
    /// No stream takes this subject. The stream will be looked for, and created if need be, before the next publish.
    #[error("no stream takes this subject")]
    NoStream,
    /// The event is larger than the server allows; it will be refused each time.
    #[error("the event is larger than the NATS server allows")]
    TooLarge,
    /// The server or the client refused.
    #[error("NATS refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl From<PublishError> for NatsError {
    fn from(error: PublishError) -> Self {
        match error.kind() {
            PublishErrorKind::StreamNotFound => Self::NoStream,
            PublishErrorKind::TimedOut => Self::TimedOut,
            PublishErrorKind::BrokenPipe => Self::ConnectionLost,
            PublishErrorKind::MaxPayloadExceeded => Self::TooLarge,
            _ => Self::Refused(Box::new(error)),
        }
    }
}
