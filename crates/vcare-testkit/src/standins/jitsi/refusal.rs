//! What Jitsi says when it refuses.

use std::fmt;

/// A refusal, in the words that reach the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The XMPP condition: `not-allowed`, `room-mismatch`, `service-unavailable`, …
    pub condition: &'static str,
    /// The text that comes with it; empty if none does.
    pub text: String,
    /// The code in `<reservation-error/>`, when it was the reservation that was refused.
    pub reservation_error: Option<u16>,
}

impl Refusal {
    pub(super) fn new(condition: &'static str, text: impl Into<String>) -> Self {
        Self { condition, text: text.into(), reservation_error: None }
    }

    pub(super) fn not_allowed(text: impl Into<String>) -> Self {
        Self::new("not-allowed", text)
    }

    pub(super) fn reservation(code: u16, text: impl Into<String>) -> Self {
        Self { reservation_error: Some(code), ..Self::new("service-unavailable", text) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.condition, self.text)
    }
}

impl std::error::Error for Refusal {}
