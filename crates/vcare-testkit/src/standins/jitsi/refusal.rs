//! What Jitsi says when it refuses.

use std::fmt;

/// A refusal, in the words that reach the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The XMPP condition: `not-allowed`, `room-mismatch`, `service-unavailable`, …
    pub condition: &'static str,
    /// The text that comes with it; empty if none does.
    pub text: String,
}

impl Refusal {
    pub(super) fn new(condition: &'static str, text: impl Into<String>) -> Self {
        Self { condition, text: text.into() }
    }

    pub(super) fn not_allowed(text: impl Into<String>) -> Self {
        Self::new("not-allowed", text)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.condition, self.text)
    }
}

impl std::error::Error for Refusal {}
