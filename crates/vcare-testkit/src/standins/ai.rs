//! ai-gateway-service: speech to text, and drafts. It understands nothing, and says the same to everybody.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use ulid::Ulid;

use super::exchange::{Answer, Asked};
use crate::machine;

const AUDIO_LIMIT: usize = 30 * 1024 * 1024;
const MODEL: &str = "standin-1";

/// `POST /api/v1/ai/audio/transcriptions` with audio, `POST /api/v1/ai/completions` with `{templateId, inputs}`.
pub(super) fn answer(asked: &Asked, segments: &[&str]) -> Answer {
    let post = asked.method == "POST";
    match segments {
        ["audio", "transcriptions"] if post => transcription(asked),
        ["completions"] if post => completion(asked),
        ["audio", "transcriptions"] | ["completions"] => Answer::not_allowed("POST"),
        _ => Answer::not_found(),
    }
}

fn transcription(asked: &Asked) -> Answer {
    let kind = asked.content_type();
    if !kind.starts_with("audio/") && kind != "multipart/form-data" {
        return refusal(415, "UNSUPPORTED_MEDIA_TYPE", "send audio");
    }
    if asked.body.is_empty() {
        return refusal(400, "VALIDATION_ERROR", "the audio is empty");
    }
    if asked.body.len() > AUDIO_LIMIT {
        return refusal(413, "PAYLOAD_TOO_LARGE", "at most 30 MB");
    }
    // Silence is told by its zeros, after whatever the file's head may be.
    let silent = asked.body.len() > 64 && asked.body[64..].iter().all(|byte| *byte == 0);
    let segments = if silent {
        json!([])
    } else {
        json!([
            {"start": 0.0, "end": 2.5, "text": "Good morning, how are you feeling today?", "confidence": 0.93},
            {"start": 2.5, "end": 5.0, "text": "The cough is better, but I sleep badly.", "confidence": 0.88},
        ])
    };
    let texts: Vec<&str> = segments.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect();
    Answer::json(
        200,
        &json!({
            "text": texts.join(" "),
            "noSpeech": silent,
            "language": "en",
            "model": MODEL,
            "segments": segments,
            "moderation": {"input": "allow", "output": "allow"},
        }),
    )
}

fn completion(asked: &Asked) -> Answer {
    let Some(body) = asked.object() else { return refusal(400, "VALIDATION_ERROR", "the body is no JSON object") };
    let Some(template) = body.get("templateId").and_then(Value::as_str) else {
        return refusal(400, "VALIDATION_ERROR", "templateId is missing");
    };
    if !body.get("inputs").is_some_and(Value::is_object) {
        return refusal(400, "VALIDATION_ERROR", "inputs is missing");
    }
    let id = |prefix: &str| format!("{prefix}_{}", Ulid::from(machine::new_id().as_u128()));
    let now = machine::now().format(&Rfc3339).unwrap_or_default();
    Answer::json(
        200,
        &json!({
            "decisionId": id("dec"),
            "draftText": "Draft by a stand-in: the patient reports that the cough is better and sleep is poor.",
            "isDraft": true,
            "hitlRequired": true,
            "provenance": {
                "provenanceId": id("prv"),
                "modelVersion": MODEL,
                "promptTemplate": {"key": template, "version": 1},
                "moderation": {"input": "allow", "output": "allow"},
                "requestedAt": now,
                "completedAt": now,
            },
        }),
    )
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}
