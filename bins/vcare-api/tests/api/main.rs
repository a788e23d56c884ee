//! The API from outside: real HTTP, a real PostgreSQL of each test's own, stand-ins for the neighbours, time moved by hand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

mod described;
mod support;

mod access;
mod admit;
mod ai;
mod alerts;
mod appointments;
mod async_visits;
mod bad_input;
mod batches;
mod browser;
mod by_itself;
mod cancel;
mod config;
mod consent;
mod crash;
mod create;
mod documentation;
mod end;
mod fallback;
mod full_disk;
mod idempotency;
mod invite;
mod isolation;
mod join;
mod join_token;
mod keycloak;
mod labels;
mod links;
mod list;
mod lost;
mod names;
mod one_name;
mod operations;
mod pacts;
mod permissions;
mod planned_time;
mod planted;
mod problems;
mod races;
mod reconciliation;
mod recording;
mod redaction;
mod remove;
mod rooms;
mod secrets;
mod traces;
mod types;
mod uploads;
mod versions;
mod visit_page;
mod waiting;
mod zoom;
