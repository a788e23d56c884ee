//! What the aggregate does.

mod review;
mod state_machine;
pub(super) mod support;
