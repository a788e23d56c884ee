//! What was promised in a contract, and what of it a newer one breaks.
//!
//! A contract may grow: fields that may be left out, words in a list, statuses, routes. It may not take away or narrow what
//! somebody's program was written for. Compared are the documents that we write ourselves, in the forms that we use; a form
//! that is not known here is reported as a break rather than passed over.

mod history;
mod openapi;
mod schema;

use serde_json::Value;

pub use history::{broken_promises, must_keep_promises, promised};

/// What of an event's JSON Schema a newer one breaks: one line a break, empty when there is none.
///
/// Subscribers read old events with the new schema (a stream is read again from its beginning) and new ones with the old
/// code: a new field may be left out, and none that had to be there may be missing.
#[must_use]
pub fn event_breaks(before: &Value, after: &Value) -> Vec<String> {
    let mut breaks = schema::Breaks::new(schema::Side::Stored, before, after);
    breaks.compare("event", before, after);
    breaks.found
}

/// What of an OpenAPI document a newer one breaks: one line a break, empty when there is none.
///
/// Who asks may be asked for less and may send more; who is answered may be told more.
#[must_use]
pub fn openapi_breaks(before: &Value, after: &Value) -> Vec<String> {
    openapi::breaks(before, after)
}
