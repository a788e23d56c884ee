//! A visit's Encounter: what it is made of, and how it gets into the chart exactly once.
//!
//! The gateway is asked about each visit alone (`ask`), and what it answers is recorded in batches (`record`), whether one
//! visit has just ended or a worker takes up a thousand jobs (`round`).

mod ask;
mod draft;
mod record;
mod round;
mod work;

pub(crate) use ask::EncounterJob;
pub use draft::{SESSION_IDENTIFIER_SYSTEM, encounter_draft};
