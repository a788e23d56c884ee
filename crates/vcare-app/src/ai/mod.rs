//! What machines do for a visit: they write down what is said, and draft what it came to. A clinician decides.
//!
//! Nothing here writes into a chart but `deliver`, and that only what `vcare_domain::ChartNote` says was accepted.

mod accept;
mod ask;
mod deliver;
mod expire;
mod gate;
mod seats;
mod summarise;
mod totals;
mod transcribe;

use sha2::{Digest, Sha256};
use vcare_domain::{ContentHash, DraftEvent, KeyedHash, TextHashes};

use crate::ports::RecordCipher;

pub use accept::{DecidedSummary, SummaryDecision};
pub use seats::{AiSeats, TooManyAtOnce};
pub use summarise::SummaryDraft;

/// What is asked of machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AiTask {
    /// To write down what is said.
    Transcription,
    /// To sum it up.
    Summary,
}

impl AiTask {
    /// A fixed word for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transcription => "transcribe",
            Self::Summary => "summary",
        }
    }
}

/// Counts what happened to a draft, once it is committed.
fn counted(event: DraftEvent) {
    let event = match event {
        DraftEvent::Drafted => "drafted",
        DraftEvent::Accepted => "accepted",
        DraftEvent::Declined => "declined",
        DraftEvent::Expired => "expired",
        DraftEvent::Delivered => "delivered",
        DraftEvent::Parked => "parked",
    };
    metrics::counter!("vcare_ai_drafts_total", "event" => event).increment(1);
}

/// A text's hash under the key of its visit.
fn keyed_hash(cipher: &dyn RecordCipher, text: &str) -> KeyedHash {
    KeyedHash::from_bytes(cipher.mac("ai_draft.hash", text.as_bytes()))
}

fn hashes_of(cipher: &dyn RecordCipher, text: &str) -> TextHashes {
    TextHashes { content: ContentHash::from_bytes(Sha256::digest(text).into()), keyed: keyed_hash(cipher, text) }
}
