//! What those who watch over the service do.

mod jobs;
mod reconcile;
mod repoint;

pub use jobs::{InvalidReason, OperatorsReason};
pub use reconcile::Reconciliation;
