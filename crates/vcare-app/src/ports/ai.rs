//! The AI gateway, the chart, and the seal on what waits between them.

use async_trait::async_trait;
use time::Duration;
use vcare_domain::{
    AiDraftId, AiModel, AudioKind, ChartNote, GatewayRequestId, NoteId, SealedText, SummaryText, TenantId, Transcript,
    Transcription,
};

use super::{AudioBody, NeighbourError, SecretsError};
use crate::actor::TraceContext;

/// Audio on its way to the gateway.
#[derive(Debug)]
pub struct AudioUpload {
    /// What it is.
    pub kind: AudioKind,
    /// The audio itself, as it comes.
    pub body: AudioBody,
}

/// What the gateway heard.
#[derive(Debug)]
pub struct Transcribed {
    /// What was said.
    pub transcription: Transcription,
    /// Which model heard it, where the gateway names it.
    pub model: Option<AiModel>,
    /// How long the audio is, where the gateway says it: by its length, or by where the last stretch ends.
    pub length: Option<Duration>,
    /// The gateway's name for the request, where it gave one.
    pub request_id: Option<GatewayRequestId>,
}

/// What the gateway drafted.
#[derive(Debug)]
pub struct DraftedSummary {
    /// The draft.
    pub text: SummaryText,
    /// Which model wrote it.
    pub model: AiModel,
    /// The gateway's name for the request, where it gave one.
    pub request_id: Option<GatewayRequestId>,
}

/// Why there is neither transcript nor draft. Holds nothing of what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AiError {
    /// The gateway, or one of its safeguards, will not do it.
    #[error("the AI gateway refuses")]
    Refused,
    /// It did not answer, or with something else than was agreed on.
    #[error(transparent)]
    Unavailable(#[from] NeighbourError),
}

/// The platform's gateway to machines that hear and write.
#[async_trait]
pub trait AiGateway: Send + Sync {
    /// Has audio written down. It is sent on as it comes; what ends before its end is no audio, and is not answered.
    async fn transcribe(
        &self,
        tenant: &TenantId,
        audio: AudioUpload,
        trace: &TraceContext,
    ) -> Result<Transcribed, AiError>;
    /// Has a transcript summed up. The same draft id twice is the same request.
    async fn summarise(
        &self,
        tenant: &TenantId,
        draft: AiDraftId,
        transcript: &Transcript,
        trace: &TraceContext,
    ) -> Result<DraftedSummary, AiError>;
}

/// Why a note is not in the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The chart will not have it: trying again cannot help, a person must look.
    #[error("the chart refuses the note (status {status})")]
    Refused {
        /// The status it answered.
        status: u16,
    },
    /// Anything else: the same call will work later.
    #[error(transparent)]
    Unavailable(#[from] NeighbourError),
}

/// The patients' charts.
#[async_trait]
pub trait ChartNotes: Send + Sync {
    /// Writes a note; answers its id. Safe to repeat after any failure: the same draft becomes one note. `deadline` bounds
    /// the whole.
    async fn write(&self, note: &ChartNote, deadline: Duration, trace: &TraceContext) -> Result<NoteId, ChartError>;
}

/// Seals texts that must be kept for a while, so that a copy of the database tells nothing.
#[async_trait]
pub trait DraftTexts: Send + Sync {
    /// Seals a text for one draft of one tenant. The same text twice is not the same bytes.
    async fn seal_text(
        &self,
        tenant: &TenantId,
        draft: AiDraftId,
        text: &SummaryText,
    ) -> Result<SealedText, SecretsError>;
    /// Opens what was sealed for that draft.
    async fn open_text(
        &self,
        tenant: &TenantId,
        draft: AiDraftId,
        sealed: &SealedText,
    ) -> Result<SummaryText, SecretsError>;
}
