//! Configuration, telemetry, wiring and shutdown: composed once, for every binary.
//!
//! [`Config::load`] reads file and environment; [`init_telemetry`] starts logs, metrics and traces; [`compose`] makes the
//! [`Service`] out of all adapters: the only place that knows more than one of them.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod clock;
mod config;
mod health;
mod ops;
mod shutdown;
mod telemetry;
mod wiring;

pub use clock::{SystemClock, SystemIds};
pub use config::{
    AiConfig, ApiConfig, ChartConfig, CommunicationConfig, Config, ConfigError, DatabaseConfig, FhirConfig,
    IdentityConfig, JitsiConfig, KeyringConfig, KmsConfig, KmsProvider, LinksConfig, LogConfig, NatsSection,
    NeighbourSection, OtlpConfig, Profile, RelayConfig, ScannerConfig, Sensitive, StorageConfig, WaitingConfig,
    WorkerConfig, settings_reference,
};
pub use health::{Check, Health, Report, Standing};
pub use ops::serve_ops;
pub use shutdown::until_signal;
pub use telemetry::{LOG_SCHEMA_VERSION, Metrics, Telemetry, actor_id_hash, init_telemetry};
pub use vcare_adapters_nats::{NatsPublisher as EventStream, ThreadSubscription};
pub use vcare_adapters_postgres::PgJobQueue as JobQueue;
pub use wiring::{Overrides, Service, compose, install_crypto, operators_oversight};

/// Brings a database up to date, or tells what it lacks.
pub mod migrations {
    pub use vcare_adapters_postgres::{LoginPurpose, MigrateError, allow_login, migrate, pending_migrations};
}
