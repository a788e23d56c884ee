//! The VirtualSession aggregate: one telehealth visit from plan to charge.
//!
//! ```text
//! scheduled ◀─▶ waiting ──▶ active ──▶ ended
//!     │            │  ╲       ╲▲         ▲
//!     ▼            ▼   ╲       ▼╲        │
//!  cancelled   cancelled ╲    failed ────┤
//!  no_show     no_show    ╲──────────────┘ (duration 0)
//! ```
//! Commands are methods: each answers [`Outcome::Applied`], [`Outcome::AlreadyApplied`] or a [`Refusal`] that names
//! the action and the state. An applied change raises the version by one and records its events; a refused or
//! repeated one leaves no trace.

mod by_itself;
mod commands;
mod connection;
mod documentation;
mod ending;
mod expected;
mod medium;
mod parts;
mod people;
mod planned_time;
#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
pub(crate) mod tests;
mod together;
mod video_room;
mod waiting_room;

use std::fmt;

use time::OffsetDateTime;

use crate::event::{FollowUp, Recorded, SessionEvent};
use crate::refusal::{Action, Refusal};
use crate::text::UserId;

pub use by_itself::Patience;
pub use commands::{NewParticipant, NewSession};
pub use connection::Heard;
pub use documentation::Author;
pub use expected::ExpectedVersions;
pub use parts::{EndCause, RecordingConsent, SessionParts, SessionState, SessionStatus};
pub use people::Profile;
pub use together::ProviderTime;
pub use video_room::{RoomClosed, RoomOpening};
pub use waiting_room::Entry;

/// How often a row has been changed, counted from 1: the key of optimistic locking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u32);

impl Version {
    /// A newly created row.
    pub const FIRST: Self = Self(1);

    /// The version of that number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The version after one more change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a command did. It steers the write: only an applied change is saved.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The aggregate changed.
    Applied,
    /// The wish was already fulfilled; nothing changed.
    AlreadyApplied,
}

/// Who changes a visit, when, and which version they saw.
#[derive(Debug, Clone)]
pub struct Change {
    /// The person who decides.
    pub by: UserId,
    /// Now.
    pub at: OffsetDateTime,
    /// The versions the caller acted on, when they said so.
    pub expected: Option<ExpectedVersions>,
}

/// One telehealth visit.
#[derive(Debug, Clone)]
pub struct VirtualSession {
    parts: SessionParts,
    stored: Option<Box<SessionParts>>,
    events: Vec<Recorded>,
    follow_ups: Vec<FollowUp>,
}

impl VirtualSession {
    /// A visit as it was stored.
    #[must_use]
    pub fn restore(parts: SessionParts) -> Self {
        let stored = Some(Box::new(parts.clone()));
        Self { parts, stored, events: Vec::new(), follow_ups: Vec::new() }
    }

    /// Everything the visit holds, for reading.
    #[must_use]
    pub fn parts(&self) -> &SessionParts {
        &self.parts
    }

    /// What is in the store: `None` for a visit that was never saved. The difference to [`Self::parts`] is what a save
    /// must write, and [`SessionParts::version`] in it is what a save must still find.
    #[must_use]
    pub fn stored(&self) -> Option<&SessionParts> {
        self.stored.as_deref()
    }

    /// The events of the changes not yet saved, oldest first.
    #[must_use]
    pub fn events(&self) -> &[Recorded] {
        &self.events
    }

    /// The durable work of the changes not yet saved.
    #[must_use]
    pub fn follow_ups(&self) -> &[FollowUp] {
        &self.follow_ups
    }

    /// Called by the store after a save: what was pending is in the outbox now.
    pub fn mark_saved(&mut self) {
        self.stored = Some(Box::new(self.parts.clone()));
        self.events.clear();
        self.follow_ups.clear();
    }

    /// The visit's state without its data.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        self.parts.state.status()
    }

    /// Whether nobody can come any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        use SessionStatus::{Cancelled, Ended, Failed, NoShow};
        matches!(self.status(), Failed | Ended | Cancelled | NoShow)
    }

    /// Refuses a caller who saw an older version.
    fn expect(&self, expected: Option<&ExpectedVersions>) -> Result<(), Refusal> {
        match expected {
            Some(versions) if !versions.contain(self.parts.version) => {
                Err(Refusal::VersionConflict { current: self.parts.version })
            }
            _ => Ok(()),
        }
    }

    fn refuse<T>(&self, action: Action) -> Result<T, Refusal> {
        Err(Refusal::InvalidTransition { action, from: self.status() })
    }

    /// The moment of a change: never before the last one, however the clocks of two servers differ.
    fn moment(&self, at: OffsetDateTime) -> OffsetDateTime {
        at.max(self.parts.updated_at)
    }

    fn applied(&mut self, at: OffsetDateTime, events: impl IntoIterator<Item = SessionEvent>) -> Outcome {
        self.parts.version = self.parts.version.next();
        self.parts.updated_at = at;
        self.events.extend(events.into_iter().map(|event| Recorded { at, event }));
        Outcome::Applied
    }
}
