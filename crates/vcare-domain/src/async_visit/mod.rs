//! The AsyncVisit aggregate: a visit without a live link, from the patient's words to the charge.
//!
//! ```text
//! submitted ──▶ under_review ──▶ responded ──▶ closed
//!     ▲              │  ╲
//!     └──────────────┘   ╰──▶ under_review by somebody else, once the claim's time is over
//!        released
//! ```
//! A draft lives on the phone; here a visit begins when it arrives. What was submitted never changes. Commands answer as
//! those of a live visit do: [`Outcome::Applied`], [`Outcome::AlreadyApplied`] or a refusal that names action and state.

mod commands;
mod complaint_code;
mod event;
mod parts;
#[cfg(test)]
pub(crate) mod properties;
mod refusal;
#[cfg(test)]
mod tests;

use time::OffsetDateTime;

use crate::event::{FollowUp, Recorded};
use crate::session::{ExpectedVersions, Outcome, Version};

pub use commands::{ClaimLease, InvalidAsyncVisit, NewAsyncVisit};
pub use complaint_code::{CodeSystem, ComplaintCode, InvalidCodeSystem};
pub use event::AsyncVisitEvent;
pub use parts::{
    Addendum, Advice, AsyncVisitParts, AsyncVisitState, AsyncVisitStatus, Claim, MAX_ADDENDA, MAX_ATTACHMENTS,
    MAX_SYMPTOMS, Response,
};
pub use refusal::{AsyncVisitAction, AsyncVisitRefusal};

/// One visit without a live link.
#[derive(Debug, Clone)]
pub struct AsyncVisit {
    parts: AsyncVisitParts,
    stored: Option<Version>,
    events: Vec<Recorded<AsyncVisitEvent>>,
    follow_ups: Vec<FollowUp>,
}

impl AsyncVisit {
    /// A visit as it was stored.
    #[must_use]
    pub fn restore(parts: AsyncVisitParts) -> Self {
        let stored = Some(parts.version);
        Self { parts, stored, events: Vec::new(), follow_ups: Vec::new() }
    }

    /// Everything the visit holds, for reading.
    #[must_use]
    pub fn parts(&self) -> &AsyncVisitParts {
        &self.parts
    }

    /// The version that a save must still find in the store; `None` for a visit that was never saved.
    #[must_use]
    pub const fn stored(&self) -> Option<Version> {
        self.stored
    }

    /// The events of the changes not yet saved, oldest first.
    #[must_use]
    pub fn events(&self) -> &[Recorded<AsyncVisitEvent>] {
        &self.events
    }

    /// The durable work of the changes not yet saved.
    #[must_use]
    pub fn follow_ups(&self) -> &[FollowUp] {
        &self.follow_ups
    }

    /// Called by the store after a save: what was pending is in the outbox now.
    pub fn mark_saved(&mut self) {
        self.stored = Some(self.parts.version);
        self.events.clear();
        self.follow_ups.clear();
    }

    /// The visit's state without its data.
    #[must_use]
    pub const fn status(&self) -> AsyncVisitStatus {
        self.parts.state.status()
    }

    /// Refuses a caller who saw an older version.
    fn expect(&self, expected: Option<&ExpectedVersions>) -> Result<(), AsyncVisitRefusal> {
        match expected {
            Some(versions) if !versions.contain(self.parts.version) => {
                Err(AsyncVisitRefusal::VersionConflict { current: self.parts.version })
            }
            _ => Ok(()),
        }
    }

    const fn refuse<T>(&self, action: AsyncVisitAction) -> Result<T, AsyncVisitRefusal> {
        Err(AsyncVisitRefusal::InvalidTransition { action, from: self.status() })
    }

    /// The moment of a change: never before the last one, however the clocks of two servers differ.
    fn moment(&self, at: OffsetDateTime) -> OffsetDateTime {
        at.max(self.parts.updated_at)
    }

    fn applied(&mut self, state: AsyncVisitState, at: OffsetDateTime, event: AsyncVisitEvent) -> Outcome {
        self.note(at, event);
        self.parts.state = state;
        Outcome::Applied
    }

    fn changed(&mut self, at: OffsetDateTime) {
        self.parts.version = self.parts.version.next();
        self.parts.updated_at = at;
    }

    fn note(&mut self, at: OffsetDateTime, event: AsyncVisitEvent) {
        self.changed(at);
        self.events.push(Recorded { at, event });
    }
}
