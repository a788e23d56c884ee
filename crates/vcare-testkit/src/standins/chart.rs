//! patient-chart-service: clinical notes, and what a machine wrote into them.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use ulid::Ulid;

use super::exchange::{Answer, Asked};
use super::replay::{Known, Replays};
use crate::machine;

#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    notes: Vec<Value>,
    replays: Replays,
}

impl Notes {
    pub fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).notes.clone()
    }

    /// `POST /v1/clinical-notes` and `POST /v1/clinical-notes/{id}/ai-accepted`.
    pub fn answer(&self, asked: &Asked, segments: &[&str]) -> Answer {
        if !matches!(segments, [] | [_, "ai-accepted"]) {
            return refusal(404, "NOT_FOUND", "no such resource");
        }
        if asked.method != "POST" {
            return Answer::not_allowed("POST");
        }
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match book.replays.look_up(asked) {
            Known::New(key) => key,
            Known::Answered(answer) => return answer,
            Known::Misused => return refusal(409, "CONFLICT", "this Idempotency-Key was used for another request"),
            Known::Missing => return refusal(400, "VALIDATION_ERROR", "Idempotency-Key is missing"),
        };
        let Some(body) = asked.object() else { return refusal(400, "VALIDATION_ERROR", "the body is no JSON object") };
        let answer = match segments {
            [id, _] => book.accept(id, &body),
            _ => book.create(&body),
        };
        if answer.status.is_success() {
            book.replays.keep(key, asked, &answer);
        }
        answer
    }
}

impl Book {
    fn create(&mut self, body: &Map<String, Value>) -> Answer {
        let patient = body.get("patientId").and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(patient) = patient else { return refusal(400, "VALIDATION_ERROR", "patientId is missing") };
        let note = json!({
            "noteId": format!("note_{}", Ulid::from(machine::new_id().as_u128())),
            "patientId": patient,
            "encounterId": body.get("encounterId"),
            "title": body.get("title"),
            "metadata": body.get("metadata"),
            "status": "draft",
            "version": 1,
            "createdAt": machine::now().format(&Rfc3339).unwrap_or_default(),
            "sections": [],
        });
        self.notes.push(note.clone());
        Answer::json(201, &json!({ "data": note }))
    }

    /// Only with its provenance: which feature, which model, and a hash that fits.
    fn accept(&mut self, id: &str, body: &Map<String, Value>) -> Answer {
        let Some(note) = self.notes.iter_mut().find(|note| note["noteId"] == id) else {
            return refusal(404, "NOT_FOUND", "no such note");
        };
        for name in ["sectionKey", "feature", "modelVersion", "content", "contentHash"] {
            if body.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
                return refusal(400, "VALIDATION_ERROR", &format!("{name} is missing"));
            }
        }
        if body["contentHash"].as_str() != Some(hash(body["content"].as_str().unwrap_or_default()).as_str()) {
            return refusal(400, "VALIDATION_ERROR", "contentHash is not that of content");
        }
        if let Some(sections) = note["sections"].as_array_mut() {
            sections.push(Value::Object(body.clone()));
        }
        note["version"] = json!(note["version"].as_u64().unwrap_or(1) + 1);
        Answer::json(200, &json!({"data": {"noteId": id, "status": "draft", "version": note["version"]}}))
    }
}

fn hash(content: &str) -> String {
    let mut text = "sha256:".to_owned();
    for byte in digest(&SHA256, content.as_bytes()).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"data": Value::Null, "error": {"code": code, "message": message}}))
}
