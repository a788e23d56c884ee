//! What tests and the sandbox stand on: private PostgreSQL and NATS processes, stand-ins for the platform's services and
//! for Jitsi over real HTTP, an OIDC issuer, ids that repeat and a clock that is moved by hand.
//!
//! Everything listens on loopback only, on ports of its own, and ends with the process that started it. Nothing here is
//! part of the service: keys are drawn where they stand and guard nothing.

mod browser;
mod clamd;
mod clock;
pub mod documents;
pub mod events;
mod fake_time;
mod folder;
mod golden;
mod ids;
pub mod issuer;
mod kms;
mod machine;
mod nats;
pub mod pacts;
pub mod postgres;
mod process;
pub mod prometheus;
pub mod promises;
mod record_keys;
mod secrets;
mod service;
mod small_disk;
pub mod standins;
mod stream;
mod subscriber;
mod tls_front;
mod until;

pub use browser::Browser;
pub use clamd::{Clamd, ClamdMood, EICAR};
pub use clock::HandClock;
pub use fake_time::FakeTime;
pub use golden::{must_be_committed, must_be_part_of};
pub use ids::SeededIds;
pub use issuer::{Flaw, Issuer, SigningKey, TokenSpec};
pub use kms::{KmsKey, KmsKind, KmsServer};
pub use nats::{NatsOptions, NatsServer};
pub use postgres::{Durability, PostgresOptions, PrivatePostgres, TestDatabase};
pub use prometheus::Prometheus;
pub use record_keys::TestRecordKeys;
pub use secrets::SecretShelf;
pub use service::ServiceProcess;
pub use small_disk::{SmallDisk, has_own_mounts};
pub use standins::{
    Ai, AiSays, CollectedSpan, Consents, Licence, Mode, Name, RecordedRequest, Standins, StandinsConfig,
};
pub use stream::{StoredMessage, StreamReader, create_stream_of_age};
pub use subscriber::Subscriber;
pub use tls_front::TlsFront;
pub use until::until;
