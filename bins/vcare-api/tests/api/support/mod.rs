//! One service for one test.

mod answer;
mod app;
mod people;

pub use answer::Answer;
pub use app::TestApp;
pub use people::{CONSENTED, NO_CONSENT, NO_RECORDING_CONSENT, OTHER_TENANT, TENANT};
