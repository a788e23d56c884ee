//! communication-service: message threads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use async_nats::jetstream;
use async_nats::jetstream::stream::Config;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use ulid::Ulid;
use uuid::Uuid;

use super::exchange::{Answer, Asked};
use super::mode::Behaviour;
use super::office::Office;
use super::replay::{Known, Replays};
use crate::{Subscriber, machine};

const CREATED: &str = "communication.thread.created";

#[derive(Debug, Default)]
pub(super) struct Threads(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    threads: Vec<Value>,
    /// The same by their keys: one key is one thread, whether it was asked for or heard of.
    by_key: HashMap<String, Value>,
    /// What was created and not published yet.
    unpublished: Vec<Value>,
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
        let body = match asked.object().ok_or("the body is no JSON object").and_then(|body| checked(body)) {
            Ok(body) => body,
            Err(message) => return refusal(400, "VALIDATION_ERROR", message),
        };
        let header = |name: &str| asked.header(name).unwrap_or_default().to_owned();
        let (thread, new) = book.create(&header("x-tenant-id"), &header("idempotency-key"), &body);
        let answer = Answer::json(if new { 201 } else { 200 }, &thread);
        book.replays.keep(key, asked, &answer);
        answer
    }

    /// `virtual_care.session.fallback.initiated.v1` was heard.
    fn hear(&self, event: &Value, behaviour: Behaviour) {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tenant = event["tenantid"].as_str().unwrap_or_default();
        let data = event["data"].as_object().cloned().unwrap_or_default();
        if behaviour == Behaviour::Wrong {
            let created = created(tenant, &Uuid::nil().to_string(), &data, "thr_wrong");
            book.unpublished.push(created);
            return;
        }
        let key = data.get("idempotencyKey").and_then(Value::as_str).unwrap_or_default().to_owned();
        book.create(tenant, &key, &data);
    }

    fn outgoing(&self) -> Vec<(String, Value)> {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.unpublished.drain(..).map(|body| (CREATED.to_owned(), body)).collect()
    }
}

impl Book {
    /// The thread under that key, and whether it is new.
    fn create(&mut self, tenant: &str, key: &str, wish: &Map<String, Value>) -> (Value, bool) {
        let place = format!("{tenant} {key}");
        if let Some(thread) = self.by_key.get(&place) {
            return (thread.clone(), false);
        }
        let id = format!("thr_{}", Ulid::from(machine::new_id().as_u128()));
        let now = machine::now().format(&Rfc3339).unwrap_or_default();
        let participants = wish.get("participantIds").cloned().unwrap_or_default();
        let thread = json!({"threadId": id, "createdAt": now, "participantIds": participants});
        self.unpublished.push(created(tenant, key, wish, &id));
        self.threads.push(thread.clone());
        self.by_key.insert(place, thread.clone());
        (thread, true)
    }
}

/// `communication.thread.created`, as it is published.
fn created(tenant: &str, key: &str, wish: &Map<String, Value>, thread: &str) -> Value {
    let mut data = json!({
        "threadId": thread, "tenantId": tenant, "idempotencyKey": key,
        "participantIds": wish.get("participantIds"), "createdBy": "virtual-care-service",
    });
    for field in ["patientId", "sessionId"] {
        if let Some(value) = wish.get(field) {
            data[field] = value.clone();
        }
    }
    json!({
        "specversion": "1.0", "id": machine::new_id().to_string(), "source": "ghasi/communication-service",
        "type": "ghasi.digital_communication.thread.created", "subject": CREATED,
        "time": machine::now().format(&Rfc3339).unwrap_or_default(), "datacontenttype": "application/json",
        "tenantid": tenant, "data": data,
    })
}

/// Subscribes to our events, and publishes on a stream of its own.
pub(super) async fn subscribe(office: Arc<Office>, nats_url: &str) -> Result<Subscriber> {
    let jetstream = jetstream::new(async_nats::connect(nats_url).await.context("NATS")?);
    let config =
        Config { name: "COMMUNICATION".to_owned(), subjects: vec!["communication.>".to_owned()], ..Config::default() };
    jetstream.get_or_create_stream(config).await?;
    let listening = Arc::clone(&office);
    let handle = move |_: &str, event: &Value, behaviour| listening.threads.hear(event, behaviour);
    let outgoing = move || office.threads.outgoing();
    Subscriber::start_with(nats_url, "communication-service", Box::new(handle), Box::new(outgoing)).await
}

fn checked(body: Map<String, Value>) -> Result<Map<String, Value>, &'static str> {
    let texts = |value: &Value| value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_string));
    body.get("participantIds").filter(|value| texts(value)).ok_or("participantIds is missing")?;
    body.get("subject").and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or("subject is missing")?;
    for name in ["patientId", "encounterId", "sessionId"] {
        if body.get(name).is_some_and(|value| !value.is_string()) {
            return Err("patientId, encounterId and sessionId are texts");
        }
    }
    Ok(body)
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({"success": false, "error": {"code": code, "message": message, "details": Value::Null}}),
    )
}
