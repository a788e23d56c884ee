//! ai-gateway-service: audio to text, and text to a draft. Nothing that it says is passed on but what was agreed on, and
//! nothing of it is printed.

use async_trait::async_trait;
use http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use time::Duration;
use vcare_app::TraceContext;
use vcare_app::ports::{AiError, AiGateway, AudioUpload, DraftedSummary, NeighbourFault, Transcribed};
use vcare_domain::{
    AiDraftId, AiModel, GatewayRequestId, HeardSegment, HeardSpeech, InvalidText, LanguageTag, SUMMARY_TEMPLATE,
    SpokenSegment, SummaryText, TenantId, Transcript, Transcription,
};

use crate::client::{Answer, Call, HttpClient};
use crate::neighbour::{Neighbour, NeighbourConfig, for_tenant, once};

/// A transcript of half an hour has some 30 kB; with its segments, ten times that.
const TRANSCRIPT_LIMIT: usize = 1024 * 1024;
const DRAFT_LIMIT: usize = 256 * 1024;
/// In seconds. What is said to be longer is not believed.
const LONGEST_AUDIO: f64 = 24.0 * 3600.0;
/// What the gateway calls its own refusals, and those of its safeguards.
const REFUSALS: [&str; 4] = ["AI_POLICY_DENY", "AI_REFUSED", "CONTENT_REFUSED", "MODERATION_BLOCKED"];
const ALLOW: &str = "allow";

/// Asks the AI gateway: `POST {base}/api/v1/ai/audio/transcriptions` with the audio itself, and
/// `POST {base}/api/v1/ai/completions` with `{templateId, inputs}`.
#[derive(Debug, Clone)]
pub struct HttpAiGateway {
    neighbour: Neighbour,
}

impl HttpAiGateway {
    /// The gateway there. The deadline is for its answer, from the end of what it was sent.
    #[must_use]
    pub const fn new(client: HttpClient, config: NeighbourConfig) -> Self {
        Self { neighbour: Neighbour::new("ai", client, config) }
    }

    async fn ask<T>(&self, call: Call<'_>, read: fn(&Answer) -> Result<Said<T>, NeighbourFault>) -> Result<T, AiError> {
        match self.neighbour.client.exchange(call, read).await? {
            Said::Done(answer) => Ok(answer),
            Said::Refused => Err(AiError::Refused),
        }
    }
}

#[async_trait]
impl AiGateway for HttpAiGateway {
    async fn transcribe(
        &self,
        tenant: &TenantId,
        audio: AudioUpload,
        trace: &TraceContext,
    ) -> Result<Transcribed, AiError> {
        let url = self.neighbour.url(["api", "v1", "ai", "audio", "transcriptions"]);
        let mut call = self.neighbour.post_audio(url, audio, trace);
        for_tenant(&mut call, tenant);
        call.body_limit = TRANSCRIPT_LIMIT;
        call.reads_refusals = true;
        self.ask(call, transcribed).await
    }

    async fn summarise(
        &self,
        tenant: &TenantId,
        draft: AiDraftId,
        transcript: &Transcript,
        trace: &TraceContext,
    ) -> Result<DraftedSummary, AiError> {
        let url = self.neighbour.url(["api", "v1", "ai", "completions"]);
        let wish = json!({"templateId": SUMMARY_TEMPLATE, "inputs": {"transcript": transcript.as_str()}});
        let mut call = self.neighbour.post_json(url, &wish, trace);
        for_tenant(&mut call, tenant);
        let id = draft.to_string();
        once(&mut call, id.split_once('_').map_or("", |(_, ulid)| ulid));
        call.body_limit = DRAFT_LIMIT;
        call.reads_refusals = true;
        self.ask(call, drafted).await
    }
}

/// What the gateway makes of a request.
enum Said<T> {
    Done(T),
    Refused,
}

#[derive(Deserialize)]
struct Failure {
    code: Option<String>,
}

/// A failure, in the answer's head or in the middle of a success.
#[derive(Deserialize)]
struct Failed {
    error: Option<Failure>,
    code: Option<String>,
}

impl Failed {
    fn is_refusal(&self) -> bool {
        let code = self.error.as_ref().and_then(|error| error.code.as_deref()).or(self.code.as_deref());
        code.is_some_and(|code| REFUSALS.contains(&code))
    }
}

/// An answer that is no success: one of the refusals, or a fault.
fn refused<T>(answer: &Answer, says_no: &[u16]) -> Result<Said<T>, NeighbourFault> {
    let named = || answer.json::<Failed>().is_ok_and(|failed| failed.is_refusal());
    if says_no.contains(&answer.status.as_u16()) || (answer.status.is_client_error() && named()) {
        return Ok(Said::Refused);
    }
    Err(answer.refusal())
}

/// What the gateway's safeguards say; other words than `allow` are a no.
#[derive(Deserialize)]
struct Moderation {
    input: Option<String>,
    output: Option<String>,
}

impl Moderation {
    fn allows(&self) -> bool {
        [&self.input, &self.output].into_iter().flatten().all(|word| word == ALLOW)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TranscriptionBody {
    #[serde(default, deserialize_with = "present")]
    error: Option<Option<Failure>>,
    text: Option<String>,
    no_speech: Option<bool>,
    language: Option<String>,
    model: Option<String>,
    duration_seconds: Option<f64>,
    segments: Option<Vec<SegmentBody>>,
    moderation: Option<Moderation>,
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct SegmentBody {
    start: f64,
    end: f64,
    text: String,
    #[serde(alias = "noSpeechProb", alias = "noSpeechProbability")]
    no_speech_prob: Option<f64>,
}

/// Tells null from nothing.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Of what does not fit nothing is told.
fn malformed(_: InvalidText) -> NeighbourFault {
    NeighbourFault::Malformed
}

fn transcribed(answer: &Answer) -> Result<Said<Transcribed>, NeighbourFault> {
    if answer.status != StatusCode::OK {
        // It could not make anything of the audio, or must not.
        return refused(answer, &[400, 413, 415, 422]);
    }
    let body: TranscriptionBody = answer.json()?;
    if let Some(Some(error)) = body.error {
        return inside(error);
    }
    if body.moderation.as_ref().is_some_and(|moderation| !moderation.allows()) {
        return Ok(Said::Refused);
    }
    let length = length(&body);
    let text = body.text.ok_or(NeighbourFault::Malformed)?;
    let segments = body.segments.map(|all| all.into_iter().filter_map(segment).collect()).transpose()?;
    let heard = HeardSpeech {
        text: some(&text).map(Transcript::parse).transpose().map_err(malformed)?,
        silent: body.no_speech,
        segments,
        language: body.language.and_then(|tag| LanguageTag::parse(tag).ok()),
    };
    let transcription = Transcription::of(heard).map_err(malformed)?;
    // Only for the record: a transcript is not lost because of a name that does not fit.
    let model = body.model.and_then(|model| AiModel::parse(model).ok());
    Ok(Said::Done(Transcribed { transcription, model, length, request_id: request_id(body.request_id, answer) }))
}

/// How long the audio is: as the gateway says, else until the end of the last stretch.
fn length(body: &TranscriptionBody) -> Option<Duration> {
    let ends = body.segments.iter().flatten().map(|segment| segment.end);
    let seconds = body.duration_seconds.or_else(|| ends.reduce(f64::max))?;
    (0.0..=LONGEST_AUDIO).contains(&seconds).then(|| Duration::seconds_f64(seconds))
}

/// A stretch; one without a word is none.
fn segment(body: SegmentBody) -> Option<Result<HeardSegment, NeighbourFault>> {
    let SegmentBody { start, end, text, no_speech_prob } = body;
    let text = some(&text)?.to_owned();
    let in_order = start.is_finite() && end.is_finite() && 0.0 <= start && start <= end;
    Some(match Transcript::parse(text) {
        Ok(text) if in_order => Ok(HeardSegment { spoken: SpokenSegment { start, end, text }, silent: no_speech_prob }),
        _ => Err(NeighbourFault::Malformed),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompletionBody {
    #[serde(default, deserialize_with = "present")]
    error: Option<Option<Failure>>,
    #[serde(default, deserialize_with = "present")]
    draft_text: Option<Option<String>>,
    is_draft: Option<bool>,
    decision_id: Option<String>,
    request_id: Option<String>,
    provenance: Option<Provenance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provenance {
    model_version: Option<String>,
    prompt_template: Option<PromptTemplate>,
    moderation: Option<Moderation>,
}

#[derive(Deserialize)]
struct PromptTemplate {
    key: Option<String>,
}

fn drafted(answer: &Answer) -> Result<Said<DraftedSummary>, NeighbourFault> {
    if answer.status != StatusCode::OK {
        return refused(answer, &[422]);
    }
    let body: CompletionBody = answer.json()?;
    if let Some(Some(error)) = body.error {
        return inside(error);
    }
    let moderation = body.provenance.as_ref().and_then(|provenance| provenance.moderation.as_ref());
    if moderation.is_some_and(|moderation| !moderation.allows()) {
        return Ok(Said::Refused);
    }
    let text = match body.draft_text.ok_or(NeighbourFault::Malformed)? {
        Some(text) if some(&text).is_some() => SummaryText::parse(text).map_err(malformed)?,
        // It wrote nothing.
        _ => return Ok(Said::Refused),
    };
    let provenance = body.provenance.ok_or(NeighbourFault::Malformed)?;
    let template = provenance.prompt_template.and_then(|template| template.key);
    let another = template.is_some_and(|key| key != SUMMARY_TEMPLATE);
    if another || body.is_draft == Some(false) {
        return Err(NeighbourFault::Malformed);
    }
    let model = provenance.model_version.ok_or(NeighbourFault::Malformed)?;
    let model = AiModel::parse(model).map_err(malformed)?;
    let request_id = request_id(body.request_id.or(body.decision_id), answer);
    Ok(Said::Done(DraftedSummary { text, model, request_id }))
}

/// An error in the middle of a success.
fn inside<T>(error: Failure) -> Result<Said<T>, NeighbourFault> {
    let failed = Failed { error: Some(error), code: None };
    if failed.is_refusal() { Ok(Said::Refused) } else { Err(NeighbourFault::Malformed) }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.trim().is_empty())
}

fn request_id(told: Option<String>, answer: &Answer) -> Option<GatewayRequestId> {
    let header = || answer.headers.get("x-request-id")?.to_str().ok().map(str::to_owned);
    GatewayRequestId::parse(told.or_else(header)?).ok()
}
