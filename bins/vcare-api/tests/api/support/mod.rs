//! One service for one test.

mod ai;
mod answer;
mod app;
mod around;
mod documented;
mod drafts;
mod inside;
mod people;
mod program;
mod steps;
mod tokens;

pub use ai::{audio, silence};
pub use answer::{Answer, names, problem_type};
pub use app::{TestApp, Visit, scope};
pub use around::files_below;
pub use documented::must_be_described;
pub use drafts::draft;
pub use inside::{occupant, reservation};
pub use people::{CONSENTED, INTERNAL_TOKEN, NO_CONSENT, NO_RECORDING_CONSENT, OTHER_TENANT, TENANT};
pub use program::{Program, WITH_TRACES};
pub use tokens::{VideoUrl, claims, jitsi_secret, vault};
pub use vcare_testkit::must_be_committed;
