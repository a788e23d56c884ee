//! Keepers of master keys, and what is remembered of them: the same tests for the local keyring and for two servers that
//! speak like AWS KMS, and a keeper with moods for what no server does when it is asked to.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

mod contract;
mod faults;
mod internal_tokens;
mod outages;
mod remembering;
mod support;
mod versions;
