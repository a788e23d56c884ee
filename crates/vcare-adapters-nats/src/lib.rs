//! The event stream on NATS JetStream: the only crate that knows async-nats.
//!
//! [`NatsPublisher`] publishes finished events, as they are, to the stream [`STREAM`]. It connects in the background and for
//! ever: neither the start nor a request waits for NATS. While the connection is down it fails at once, and the events stay
//! in the outbox, which is the only queue: nothing is queued here.
//!
//! [`ThreadSubscription`] reads what the communication-service publishes of threads.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking"))]

mod config;
mod contents;
mod error;
mod publisher;
mod standing;
mod stream;
mod subscription;

pub use config::{InvalidNatsConfig, NatsConfig, NatsCredentials, StreamConfig, SubscriptionConfig};
pub use error::NatsError;
pub use publisher::NatsPublisher;
pub use standing::{StorageUse, StreamStanding};
pub use stream::{STREAM, STREAM_SUBJECTS};
pub use subscription::{SET_ASIDE_STREAM, SET_ASIDE_SUBJECT, ThreadSubscription};
