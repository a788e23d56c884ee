//! `POST /sessions/{sessionId}/ai/transcribe`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use vcare_app::ports::Transcribed;
use vcare_domain::{SpokenSegment, Transcription};

use crate::answer::send;
use crate::dto::Bytes;
use crate::extract::{AudioRequest, SessionPath, SignedInCaller, WishKey};
use crate::problem::Problem;
use crate::server::Api;

/// A form with one part.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct AudioForm {
    /// The audio, with its own `Content-Type`.
    #[schema(value_type = String, format = Binary)]
    audio: Vec<u8>,
}

/// What was said, for a clinician to look over. It is in no chart, and kept nowhere.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Transcription)]
pub struct TranscriptionDto {
    /// Everything that was said; empty when nobody spoke.
    #[schema(example = "The cough is better, but I sleep badly.")]
    transcript: String,
    /// Nobody spoke.
    no_speech: bool,
    /// The language that was heard.
    #[schema(example = "fa-AF")]
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Stretch by stretch.
    segments: Vec<TranscriptSegmentDto>,
    /// The AI gateway's name for the request, for who asks it about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_request_id: Option<String>,
}

/// A stretch in which somebody spoke.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TranscriptSegment)]
pub struct TranscriptSegmentDto {
    /// Seconds from the beginning of the audio.
    start: f64,
    /// Seconds from the beginning of the audio.
    end: f64,
    /// What was said.
    text: String,
}

impl From<SpokenSegment> for TranscriptSegmentDto {
    fn from(segment: SpokenSegment) -> Self {
        let SpokenSegment { start, end, text } = segment;
        Self { start, end, text: text.as_str().to_owned() }
    }
}

impl From<Transcribed> for TranscriptionDto {
    fn from(heard: Transcribed) -> Self {
        let (text, language, segments) = match heard.transcription {
            Transcription::Silence => (None, None, Vec::new()),
            Transcription::Speech { text, language, segments } => (Some(text), language, segments),
        };
        Self {
            no_speech: text.is_none(),
            transcript: text.map_or_else(String::new, |text| text.as_str().to_owned()),
            language: language.map(|language| language.as_str().to_owned()),
            segments: segments.into_iter().map(TranscriptSegmentDto::from).collect(),
            gateway_request_id: heard.request_id.map(|id| id.as_str().to_owned()),
        }
    }
}

/// Have a piece of an active visit written down.
///
/// The audio (at most 30 MB) is passed on to the AI gateway while it comes, and kept nowhere; nor is what was heard. Patient
/// and providers must have consented: that is asked for each time, so that a consent that is withdrawn ends it with the next
/// piece. Send the next piece when the one before was answered; two of a visit may be under way.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/ai/transcribe", tag = "AI", operation_id = "transcribeAudio",
    request_body(content((inline(Bytes) = "audio/*"), (AudioForm = "multipart/form-data"))),
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; nothing is kept, so the same audio again is heard again", max_length = 128),
    ),
    responses(
        (status = 200, description = "What was said", body = TranscriptionDto),
    ),
    security(("accessToken" = [])),
)]
pub async fn transcribe(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    _key: WishKey,
    audio: AudioRequest,
) -> Result<HttpResponse, Problem> {
    let heard = audio.pass_to(api.audio, async |audio| api.app.transcribe(&caller.0, path.0, audio).await).await?;
    send(StatusCode::OK, &TranscriptionDto::from(heard))
}
