//! PostgreSQL 15 or newer: the only crate that knows diesel.
//!
//! [`PgStore`] is the store of the use cases, bound to one tenant at a time; [`PgOutbox`] and [`PgJobQueue`] work across
//! tenants under a role that sees nothing else. [`migrate`] brings a database up to date.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod ai_drafts;
mod appointments;
mod async_visits;
mod config;
mod connection;
mod emergencies;
mod errors;
mod jobs;
mod leases;
mod links;
mod logos;
mod migrations;
mod outbox;
mod oversight;
mod presences;
mod reads;
mod rooms;
mod rows;
mod schema;
mod secrets;
mod short_links;
mod store;
mod tenant_configs;
mod unit_of_work;
mod uploads;
mod waiting;

pub use config::{PgConfig, PgSecret};
pub use jobs::PgJobQueue;
pub use migrations::{LoginPurpose, MigrateError, allow_login, migrate, pending_migrations};
pub use outbox::PgOutbox;
pub use oversight::PgOversight;
pub use store::PgStore;
