//! ai-gateway-service: speech to text, and text to a draft.

use serde_json::{Value, json};
use uuid::Uuid;
use vcare_adapters_http::HttpAiGateway;
use vcare_app::ports::{AiError, AiGateway, AudioUpload, DraftedSummary, Transcribed, audio_channel};
use vcare_domain::{AiDraftId, AudioKind, SUMMARY_TEMPLATE, Transcript, Transcription};
use vcare_testkit::pacts::{Interaction, Matcher, Request, Response, Rules};

use crate::contract::{Contract, ours};
use crate::kabul;
use crate::support::{client, neighbour, trace};

/// Audio that fits into a file of text.
const SPEECH: &str = "OggS and a little speech";
/// Audio whose samples are zeros.
const SILENCE: &str = "OggS: a head of a container, and after it samples that are zeros\0\0\0\0\0\0\0\0";

fn gateway(port: u16) -> HttpAiGateway {
    HttpAiGateway::new(client(), neighbour(&format!("http://127.0.0.1:{port}")))
}

async fn transcribed(port: u16, audio: &'static str) -> Result<Transcribed, AiError> {
    let (feed, body) = audio_channel();
    let feeding = async {
        feed.feed(audio.into()).await;
        feed.finish().await;
    };
    let audio = AudioUpload { kind: AudioKind::Ogg, body };
    let hearing = async { gateway(port).transcribe(&kabul(), audio, &trace()).await };
    tokio::join!(hearing, feeding).0
}

async fn summarised(port: u16, draft: AiDraftId) -> Result<DraftedSummary, AiError> {
    let transcript = Transcript::parse("The cough is better.").unwrap();
    gateway(port).summarise(&kabul(), draft, &transcript, &trace()).await
}

fn audio(audio: &str) -> Request {
    ours("POST", "/api/v1/ai/audio/transcriptions").header("X-Tenant-Id", "kabul").body("audio/ogg", json!(audio))
}

fn heard(body: Value) -> Response {
    let rules = Rules::new().body("$.requestId", Matcher::TYPE);
    Response::json(200, "application/json", body).matching(rules)
}

/// Under the ULID of the draft.
fn wish(draft: AiDraftId) -> Request {
    let id = draft.to_string();
    ours("POST", "/api/v1/ai/completions")
        .header("X-Tenant-Id", "kabul")
        .header("Idempotency-Key", id.trim_start_matches("drf_"))
        .body(
            "application/json",
            json!({"templateId": SUMMARY_TEMPLATE, "inputs": {"transcript": "The cough is better."}}),
        )
}

fn refusal(status: u16, code: &str) -> Response {
    Response::json(status, "application/json", json!({"error": {"code": code}}))
}

fn denies(code: &str) -> Value {
    json!({"status": 403, "code": code})
}

#[tokio::test]
async fn the_contract_with_the_ai_gateway_hears_and_drafts_or_refuses() {
    let mut contract = Contract::with("ai-gateway-service");
    let allow = json!({"input": "allow", "output": "allow"});
    let said = json!({
        "requestId": "req_1", "text": "Good morning", "noSpeech": false, "language": "en",
        "segments": [{"start": 0.0, "end": 2.5, "text": "Good morning", "noSpeechProb": 0.02}], "moderation": allow,
    });
    let rules = Rules::new()
        .body("$.text", Matcher::regex(r"[\s\S]*\S[\s\S]*"))
        .body("$.language", Matcher::regex("^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$"))
        .body("$.segments", Matcher::SOME);
    let speech = Interaction::new("what is said in audio", audio(SPEECH), heard(said).matching(rules))
        .given("somebody speaks in what it hears", &json!({}));
    let told = contract.says([speech], async |port| transcribed(port, SPEECH).await).await.unwrap();
    let Transcription::Speech { text, segments, .. } = told.transcription else { panic!("it heard nothing") };
    assert_eq!((text.as_str(), segments.len()), ("Good morning", 1));

    let nothing = json!({"requestId": "req_1", "text": "", "noSpeech": true, "segments": [], "moderation": allow});
    let silence = Interaction::new("what is said in silence", audio(SILENCE), heard(nothing));
    let told = contract.says([silence], async |port| transcribed(port, SILENCE).await).await.unwrap();
    assert_eq!(told.transcription, Transcription::Silence);

    let denied = Interaction::new("what is said in audio", audio(SPEECH), refusal(403, "AI_POLICY_DENY"))
        .given("a policy denies", &denies("AI_POLICY_DENY"));
    let told = contract.says([denied], async |port| transcribed(port, SPEECH).await).await;
    assert_eq!(told.err(), Some(AiError::Refused));

    let draft = json!({
        "decisionId": "dec_1", "draftText": "The cough is better.", "isDraft": true,
        "provenance": {
            "modelVersion": "model-1", "promptTemplate": {"key": SUMMARY_TEMPLATE}, "moderation": allow,
        },
    });
    let rules = Rules::new()
        .body("$.decisionId", Matcher::TYPE)
        .body("$.draftText", Matcher::regex(r"[\s\S]*\S[\s\S]*"))
        .body("$.provenance.modelVersion", Matcher::regex(r"[\s\S]*\S[\s\S]*"));
    let id = AiDraftId::from_uuid(Uuid::from_u128(1));
    let drafted = Response::json(200, "application/json", draft).matching(rules);
    let drafted = Interaction::new("a summary of a transcript", wish(id), drafted)
        .given("it drafts what it is asked for", &json!({}));
    let told = contract.says([drafted], async |port| summarised(port, id).await).await.unwrap();
    assert_eq!((told.text.as_str(), told.model.as_str()), ("The cough is better.", "model-1"));

    let id = AiDraftId::from_uuid(Uuid::from_u128(2));
    let refused = Interaction::new("a summary of a transcript", wish(id), refusal(403, "MODERATION_BLOCKED"))
        .given("a policy denies", &denies("MODERATION_BLOCKED"));
    let told = contract.says([refused], async |port| summarised(port, id).await).await;
    assert_eq!(told.err(), Some(AiError::Refused));
    contract.must_be_committed();
}
