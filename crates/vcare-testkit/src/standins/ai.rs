//! ai-gateway-service: speech to text, and drafts. It understands nothing, and says to everybody what it was told to say.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use ulid::Ulid;

use super::exchange::{Answer, Asked};
use super::replay::{Known, Replays};
use crate::machine;

const AUDIO_LIMIT: usize = 30 * 1024 * 1024;
const MODEL: &str = "standin-1";

/// What the gateway says in the place of what was agreed on.
#[derive(Debug, Clone, PartialEq)]
pub enum AiSays {
    /// That, word for word.
    This {
        /// The status.
        status: u16,
        /// The `Content-Type`.
        content_type: &'static str,
        /// The body.
        body: String,
    },
    /// An error that repeats what it was sent, as far as that is text, and what it would have said.
    AnEcho {
        /// The status.
        status: u16,
    },
}

/// The gateway: what it hears and writes.
#[derive(Debug)]
pub struct Ai {
    script: Mutex<Script>,
    replays: Mutex<Replays>,
    arrived: AtomicU64,
}

#[derive(Debug)]
struct Script {
    hears: Vec<String>,
    writes: String,
    says: Option<AiSays>,
}

impl Default for Ai {
    fn default() -> Self {
        let hears = ["Good morning, how are you feeling today?", "The cough is better, but I sleep badly."];
        let writes = "Draft by a stand-in: the patient reports that the cough is better and sleep is poor.";
        let script = Script { hears: hears.map(str::to_owned).to_vec(), writes: writes.to_owned(), says: None };
        Self { script: Mutex::new(script), replays: Mutex::default(), arrived: AtomicU64::new(0) }
    }
}

impl Ai {
    /// From now on it hears this, sentence by sentence, wherever there is anything to be heard.
    pub fn hear(&self, sentences: &[&str]) {
        self.script().hears = sentences.iter().map(|text| (*text).to_owned()).collect();
    }

    /// From now on it drafts this.
    pub fn write(&self, draft: &str) {
        draft.clone_into(&mut self.script().writes);
    }

    /// From now on it says that in the place of what was agreed on; with nothing, it is itself again.
    pub fn say(&self, says: Option<AiSays>) {
        self.script().says = says;
    }

    /// How many bytes have reached it so far, also of requests that have not ended.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    pub(super) fn arrives(&self, bytes: usize) {
        self.arrived.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `POST /api/v1/ai/audio/transcriptions` with audio, `POST /api/v1/ai/completions` with `{templateId, inputs}`.
    pub(super) fn answer(&self, asked: &Asked, segments: &[&str]) -> Answer {
        let post = asked.method == "POST";
        let agreed = match segments {
            ["audio", "transcriptions"] if post => self.transcription(asked),
            ["completions"] if post => self.completion(asked),
            ["audio", "transcriptions"] | ["completions"] => Answer::not_allowed("POST"),
            _ => Answer::not_found(),
        };
        match self.script().says.clone() {
            None => agreed,
            Some(AiSays::This { status, content_type, body }) => Answer::new(status, content_type, body),
            Some(AiSays::AnEcho { status }) => {
                let sent = String::from_utf8_lossy(&asked.body);
                let agreed = String::from_utf8_lossy(&agreed.body);
                let message = format!("cannot process: {} / {agreed}", sent.get(..sent.len().min(4096)).unwrap_or(""));
                refusal(status, "INTERNAL", &message)
            }
        }
    }

    fn transcription(&self, asked: &Asked) -> Answer {
        if !asked.content_type().starts_with("audio/") {
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
        let hears = if silent { Vec::new() } else { self.script().hears.clone() };
        let segments: Vec<Value> = hears
            .iter()
            .zip(0_u32..)
            .map(|(text, n)| {
                let start = f64::from(n) * 2.5;
                json!({"start": start, "end": start + 2.5, "text": text, "confidence": 0.9, "noSpeechProb": 0.02})
            })
            .collect();
        Answer::json(
            200,
            &json!({
                "requestId": new_id("req"),
                "text": hears.join(" "),
                "noSpeech": silent,
                "language": "en",
                "model": MODEL,
                "segments": segments,
                "moderation": {"input": "allow", "output": "allow"},
            }),
        )
    }

    fn completion(&self, asked: &Asked) -> Answer {
        let mut replays = self.replays.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match replays.look_up(asked) {
            Known::New(key) => Some(key),
            Known::Answered(answer) => return answer,
            Known::Misused => return refusal(409, "CONFLICT", "this Idempotency-Key was used for another request"),
            Known::Missing => None,
        };
        let Some(body) = asked.object() else { return refusal(400, "VALIDATION_ERROR", "the body is no JSON object") };
        let Some(template) = body.get("templateId").and_then(Value::as_str) else {
            return refusal(400, "VALIDATION_ERROR", "templateId is missing");
        };
        if !body.get("inputs").is_some_and(Value::is_object) {
            return refusal(400, "VALIDATION_ERROR", "inputs is missing");
        }
        let now = machine::now().format(&Rfc3339).unwrap_or_default();
        let answer = Answer::json(
            200,
            &json!({
                "decisionId": new_id("dec"),
                "draftText": self.script().writes,
                "isDraft": true,
                "hitlRequired": true,
                "provenance": {
                    "provenanceId": new_id("prv"),
                    "modelVersion": MODEL,
                    "promptTemplate": {"key": template, "version": 1},
                    "moderation": {"input": "allow", "output": "allow"},
                    "requestedAt": now,
                    "completedAt": now,
                },
            }),
        );
        if let Some(key) = key {
            replays.keep(key, asked, &answer);
        }
        answer
    }
}

fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", Ulid::from(machine::new_id().as_u128()))
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}
