//! How much of a visit was transcribed, in totals.

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use vcare_domain::{AiModel, ConsentId, ConsentVersion, SessionId};

use crate::consents::ReliedOnConsent;
use crate::ports::StoreError;

/// One piece of audio that was transcribed.
#[derive(Debug, Clone, Copy)]
pub struct TranscribedPiece<'a> {
    /// Which model heard it, where that is known.
    pub model: Option<&'a AiModel>,
    /// How long it is, where that is known.
    pub length: Option<Duration>,
    /// When it was heard.
    pub at: OffsetDateTime,
}

/// What one model transcribed of a visit, on one consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptionTotals {
    /// Whose consent it is: `patient` or `provider`.
    pub holder: String,
    /// The consent's id, where access-policy names it.
    pub consent_id: Option<ConsentId>,
    /// The consent's version, where access-policy names it.
    pub consent_version: Option<ConsentVersion>,
    /// The model, where the gateway names it.
    pub model: Option<AiModel>,
    /// How many pieces of audio.
    pub transcriptions: u32,
    /// Those of them whose length is not known.
    pub untimed: u32,
    /// How long the others are, together.
    pub audio: Duration,
}

/// The totals of transcriptions, inside a transaction.
#[async_trait]
pub trait Transcriptions: Send {
    /// Adds a piece to the totals of each consent that it relied on; answers those totals. The consents are evidence already.
    async fn add(
        &mut self,
        session: SessionId,
        consents: &[ReliedOnConsent],
        piece: TranscribedPiece<'_>,
    ) -> Result<Vec<TranscriptionTotals>, StoreError>;
    /// Those totals of a visit that have grown since they were last taken to be reported. None of them is taken twice as it is.
    async fn take_unreported(&mut self, session: SessionId) -> Result<Vec<TranscriptionTotals>, StoreError>;
}
