//! A visit's Encounter: what it is made of, and how it gets into the chart exactly once.

mod draft;
mod settle;
mod work;

pub use draft::{SESSION_IDENTIFIER_SYSTEM, encounter_draft};
pub use settle::{EncounterJob, Settled, Settlement};
pub use work::{RETRY_CEILING, WorkReport, retry_delay};
