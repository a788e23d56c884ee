//! The adapter against a real PostgreSQL, each test in a database of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod appointments;
mod async_visits;
mod audit_queue;
mod batches;
mod corrupt;
mod data_model;
mod emergencies;
mod job_states;
mod jobs;
mod keys;
mod leases;
mod migrations;
mod outages;
mod outbox;
mod pages;
mod reasons;
mod rows;
mod schema;
mod secrets;
mod support;
mod tls;
mod unit_of_work;
mod uploads;
