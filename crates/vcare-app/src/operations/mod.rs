//! What those who watch over the service do.

mod jobs;
mod reconcile;
mod repoint;

pub use reconcile::Reconciliation;
