//! What machines write: transcripts that are shown and kept nowhere, and summaries that wait for a clinician.
//!
//! ```text
//! pending ──▶ accepted ──▶ delivered
//!    │ │
//!    ▼ ▼
//! declined expired
//! ```
//! A machine's words come into a chart in one way: a [`ChartNote`], which is made of a draft that a provider of the visit
//! accepted, and of nothing else.

mod audio;
mod chart_note;
mod draft;
mod hash;
mod parts;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod transcription;

pub use audio::AudioKind;
pub use chart_note::ChartNote;
pub use draft::AiDraft;
pub use hash::{ContentHash, KeyedHash, TextHashes};
pub use parts::{
    AiDraftParts, Decision, Delivery, DraftEvent, DraftRefusal, DraftState, DraftStatus, EditedSummary, NewDraft,
    RecordedDraft, SUMMARY_TEMPLATE, SealedText,
};
pub use transcription::{HeardSegment, HeardSpeech, SpokenSegment, Transcription};
