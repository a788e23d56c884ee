//! What was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::exchange::Asked;
use super::mode::Mode;
use crate::machine;

const KEPT: usize = 1000;
/// Longer texts are cut: an audio chunk has 30 MB.
const TEXT_LIMIT: usize = 64 * 1024;

/// A request as it came.
#[derive(Debug, Clone, Serialize)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The path with its query. Tokens in Jitsi's query are masked.
    pub path: String,
    /// The headers, in lower case; of several by one name, all of them, with commas.
    pub headers: BTreeMap<String, String>,
    /// JSON as JSON, text as text, everything else as its length; null when there was none.
    pub body: Value,
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl RecordedRequest {
    /// A header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn of(asked: &Asked) -> Self {
        Self {
            method: asked.method.clone(),
            path: asked.path_and_query(),
            headers: asked.headers.clone(),
            body: body(&asked.body),
            at: machine::now(),
        }
    }
}

fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    if let Ok(json) = serde_json::from_slice(bytes) {
        return json;
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Value::String(format!("({} bytes)", bytes.len())) };
    let cut = text.floor_char_boundary(TEXT_LIMIT);
    if cut == text.len() { text.into() } else { format!("{}… ({} bytes)", &text[..cut], text.len()).into() }
}

/// A neighbour's mode and what it was asked.
#[derive(Debug)]
pub(super) struct Desk {
    mode: Mutex<Mode>,
    requests: Mutex<VecDeque<RecordedRequest>>,
}

impl Desk {
    pub const fn new() -> Self {
        Self { mode: Mutex::new(Mode::UP), requests: Mutex::new(VecDeque::new()) }
    }

    pub fn mode(&self) -> Mode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_mode(&self, mode: Mode) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    pub fn record(&self, asked: &Asked) {
        let request = RecordedRequest::of(asked);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub fn clear(&self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
