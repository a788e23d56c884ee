//! What the documents say is what is there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod shown;
mod states;
