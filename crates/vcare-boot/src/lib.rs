//! Configuration, telemetry, wiring and shutdown: composed once, for every binary.
//!
//! [`Config::load`] reads file and environment; [`init_telemetry`] starts logs, metrics and traces; [`compose`] makes the
//! [`Service`] out of all adapters: the only place that knows more than one of them.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod clock;
mod config;
mod database_clock;
mod health;
mod ops;
mod shutdown;
mod telemetry;
mod wiring;

pub use clock::{SystemClock, SystemIds};
pub use config::{
    AiConfig, ApiConfig, AttachmentsConfig, ChartConfig, ClockConfig, CommunicationConfig, Config, ConfigError,
    DatabaseConfig, FhirConfig, IdentityConfig, JitsiConfig, KeyringConfig, KmsConfig, KmsProvider, LinksConfig,
    LogConfig, NatsSection, NeighbourSection, OtlpConfig, Profile, RelayConfig, ScannerConfig, Sensitive,
    StorageConfig, TlsSection, WaitingConfig, WorkerConfig, settings_reference,
};
pub use database_clock::{ClockCheck, DatabaseClock};
pub use health::{Check, Health, Report, Standing, with_causes};
pub use ops::serve_ops;
pub use shutdown::until_signal;
pub use telemetry::{LOG_SCHEMA_VERSION, Metrics, Telemetry, actor_id_hash, init_telemetry};
pub use vcare_adapters_http::HttpProbe as NeighbourProbe;
pub use vcare_adapters_nats::{NatsPublisher as EventStream, StorageUse, StreamStanding, ThreadSubscription};
pub use vcare_adapters_postgres::{ConnectionProtection, OverdueJobs, PgJobQueue as JobQueue, connection_protection};
pub use wiring::{Overrides, Service, compose, install_crypto, operators_oversight};

/// Brings a database up to date, or tells what it lacks.
pub mod migrations {
    pub use vcare_adapters_postgres::{LoginPurpose, MigrateError, PgConfig, allow_login, migrate, pending_migrations};
}
