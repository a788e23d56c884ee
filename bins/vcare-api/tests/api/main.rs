//! The API from outside: real HTTP, a real PostgreSQL of each test's own, stand-ins for the neighbours, time moved by hand.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

mod create;
