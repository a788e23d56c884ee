//! The events the service publishes: CloudEvents 1.0, `subject` = `type`, ids only.
//!
//! `envelope` holds what every event carries, [`data`] what each one says, `session` turns what happened to a visit
//! into them, and [`catalogue`] lists them all with their schema and a sample.

mod async_visit;
mod audit;
mod audit_subject;
pub mod catalogue;
mod config;
pub mod data;
mod emergency;
mod envelope;
mod erasure;
mod session;

pub use async_visit::async_visit_event;
pub use audit::{AuditAction, AuditEntry, AuditOutcome};
pub use config::{CONFIG_UPDATED, config_event};
pub use emergency::{EMERGENCY_ACCESS, emergency_event};
pub use envelope::{CloudEvent, SOURCE};
pub use erasure::{SUBJECT_ERASED, erasure_event};
pub use session::session_event;
