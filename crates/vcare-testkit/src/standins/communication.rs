//! communication-service: message threads.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use ulid::Ulid;
use uuid::Uuid;

use super::exchange::{Answer, Asked};
use super::replay::{Known, Replays};
use crate::machine;

#[derive(Debug, Default)]
pub(super) struct Threads(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    threads: Vec<Value>,
    refuses: Option<(u16, &'static str)>,
    replays: Replays,
}

impl Threads {
    pub fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).threads.clone()
    }

    /// From here on every thread is refused with that status and code; with `None`, none.
    pub fn refuse(&self, with: Option<(u16, &'static str)>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).refuses = with;
    }

    /// `POST /v1/communication/threads` with `{participantIds[], patientId?, encounterId?, subject}`.
    pub fn answer(&self, asked: &Asked, segments: &[&str]) -> Answer {
        if segments != ["threads"] {
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
        if asked.header("idempotency-key").is_none_or(|key| Uuid::try_parse(key).is_err()) {
            return refusal(400, "VALIDATION_ERROR", "Idempotency-Key is no UUID");
        }
        if let Some((status, code)) = book.refuses {
            return refusal(status, code, "as it was told to say");
        }
        let thread = match asked.object().ok_or("the body is no JSON object").and_then(|body| thread(&body)) {
            Ok(thread) => thread,
            Err(message) => return refusal(400, "VALIDATION_ERROR", message),
        };
        let answer = Answer::json(201, &thread);
        book.threads.push(thread);
        book.replays.keep(key, asked, &answer);
        answer
    }
}

fn thread(body: &Map<String, Value>) -> Result<Value, &'static str> {
    let texts = |value: &Value| value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_string));
    let participants = body.get("participantIds").filter(|value| texts(value)).ok_or("participantIds is missing")?;
    body.get("subject").and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or("subject is missing")?;
    for name in ["patientId", "encounterId"] {
        if body.get(name).is_some_and(|value| !value.is_string()) {
            return Err("patientId and encounterId are texts");
        }
    }
    let id = format!("thr_{}", Ulid::from(machine::new_id().as_u128()));
    let now = machine::now().format(&Rfc3339).unwrap_or_default();
    Ok(json!({"threadId": id, "createdAt": now, "participantIds": participants}))
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({"success": false, "error": {"code": code, "message": message, "details": Value::Null}}),
    )
}
