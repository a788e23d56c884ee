//! What the documents say is what is there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod commands;
mod events;
mod jitsi;
mod links;
mod shown;
mod states;
mod upgrading;
