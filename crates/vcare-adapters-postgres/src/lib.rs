//! PostgreSQL 15 or newer: the only crate that knows diesel.
//!
//! [`PgStore`] is the store of the use cases, bound to one tenant at a time; [`PgOutbox`] and [`PgJobQueue`] work across
//! tenants under a role that sees nothing else. [`migrate`] brings a database up to date.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod address;
mod ai_drafts;
mod answers;
mod appointments;
mod async_visits;
mod audit_queue;
mod clock;
mod config;
mod connect;
mod connection;
mod consent_evidence;
mod emergencies;
mod errors;
mod job_views;
mod jobs;
mod leases;
mod links;
mod lists;
mod logos;
mod migrations;
mod new_events;
mod outbox;
mod oversight;
mod presences;
mod queries;
mod reads;
mod record_keys;
mod rooms;
mod rows;
mod schema;
mod secrets;
mod short_links;
mod standing;
mod store;
mod subjects;
mod tenant_configs;
mod tls;
mod transcriptions;
mod unit_of_work;
mod uploads;
mod visit_views;
mod waiting;

pub use address::{InvalidAddress, may_be_plain};
pub use config::{PgConfig, PgSecret};
pub use connect::ConnectError;
pub use jobs::PgJobQueue;
pub use migrations::{LoginPurpose, MigrateError, allow_login, migrate, pending_migrations};
pub use outbox::PgOutbox;
pub use oversight::PgOversight;
pub use secrets::PgSealedSecrets;
pub use standing::{ConnectionProtection, OverdueJobs, connection_protection};
pub use store::PgStore;
