//! VCARE-US-011 and VCARE-US-012: machines write down what is said and draft what it came to; a clinician decides.

mod accept;
mod bad_input;
mod consent;
mod crash;
mod drafts;
mod faults;
mod memory;
mod one_way;
mod panic;
mod redaction;
mod refusals;
mod totals;
mod transcribe;
mod upload;

use vcare_testkit::{Name, RecordedRequest};

use crate::support::TestApp;

/// What the AI gateway was asked for at that end of its paths.
fn asked(app: &TestApp, path: &str) -> Vec<RecordedRequest> {
    app.standins.requests(Name::Ai).into_iter().filter(|request| request.path.ends_with(path)).collect()
}
