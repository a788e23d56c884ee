//! What those who watch over the service do.

mod jobs;
mod reconcile;

pub use reconcile::Reconciliation;
