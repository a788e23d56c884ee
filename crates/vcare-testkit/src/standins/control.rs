//! The control: how a stand-in is told to behave, and asked what it was asked.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::access::RelationRegister;
use super::consent::Consents;
use super::exchange::{Answer, Asked};
use super::licence::Licence;
use super::mode::{Behaviour, Mode, Name};
use super::office::Office;

const MAX_LATENCY_MS: u64 = 600_000;

/// What is wrong with the body of a control call, and where.
struct Wrong {
    field: &'static str,
    message: String,
}

fn wrong(field: &'static str, message: impl Into<String>) -> Wrong {
    Wrong { field, message: message.into() }
}

/// `/_control/…`.
pub(super) fn answer(office: &Office, asked: &Asked, segments: &[&str]) -> Answer {
    // A browser asks first whether it may.
    if asked.method == "OPTIONS" {
        return Answer::empty(204)
            .header("access-control-allow-methods", "GET, PUT, DELETE")
            .header("access-control-allow-headers", "content-type")
            .header("access-control-max-age", "86400");
    }
    let method = if asked.reads() { "GET" } else { asked.method.as_str() };
    match (segments, method) {
        ([] | [""], "GET") => {
            let all = Name::ALL.map(|name| state(office, name));
            Answer::json(200, &json!(all))
        }
        (["licence", "tenants", tenant], "GET" | "PUT") => changed(
            asked,
            |body| licence(body).map(|licence| office.licences.set(tenant, licence)),
            || json!({"tenantId": tenant, "status": office.licences.of(tenant).as_str()}),
        ),
        (["consent", "patients", patient], "GET" | "PUT") => changed(
            asked,
            |body| consents(body).map(|consents| office.consents.set(patient, consents)),
            || {
                let Consents { telehealth, recording, ai_transcription } = office.consents.of(patient);
                json!({
                    "patientId": patient,
                    "telehealth": telehealth,
                    "recording": recording,
                    "aiTranscription": ai_transcription,
                })
            },
        ),
        (["consent", "providers", user], "GET" | "PUT") => changed(
            asked,
            |body| provider_consent(body).map(|given| office.consents.set_provider(user, given)),
            || json!({"userId": user, "aiTranscription": office.consents.of_provider(user).ai_transcription}),
        ),
        (["access", "assigned", user, patient], "GET" | "PUT") => changed(
            asked,
            |body| {
                let change = if flag(body, "assigned", &["assigned", "userId", "patientId"])? {
                    RelationRegister::assign
                } else {
                    RelationRegister::unassign
                };
                change(&office.relations, user, patient);
                Ok(())
            },
            || json!({"userId": user, "patientId": patient, "assigned": office.relations.is_assigned(user, patient)}),
        ),
        (["access", "proxies", user, patient], "GET" | "PUT") => changed(
            asked,
            |body| {
                match text_or_null(body, "relatedPersonId", &["relatedPersonId", "userId", "patientId"])? {
                    Some(person) => office.relations.make_proxy(user, patient, person),
                    None => office.relations.end_proxy(user, patient),
                }
                Ok(())
            },
            || json!({"userId": user, "patientId": patient, "relatedPersonId": office.relations.proxy(user, patient)}),
        ),
        (["access", "answers"], "GET" | "PUT") => changed(
            asked,
            |body| text_or_null(body, "tenantId", &["tenantId"]).map(|tenant| office.relations.answer_about(tenant)),
            || json!({"tenantId": office.relations.answers_about()}),
        ),
        (
            ["licence", "tenants", _]
            | ["consent", "patients" | "providers", _]
            | ["access", "assigned" | "proxies", _, _]
            | ["access", "answers"],
            _,
        ) => Answer::not_allowed("GET, PUT"),
        ([name] | [name, "requests"], _) => match name.parse() {
            Ok(name) => of_one(office, name, asked, method, segments.len() > 1),
            Err(_) => unknown(name),
        },
        _ => Answer::not_found(),
    }
}

fn of_one(office: &Office, name: Name, asked: &Asked, method: &str, requests: bool) -> Answer {
    match (requests, method) {
        (false, "GET" | "PUT") => {
            changed(asked, |body| mode(body).map(|mode| office.desk(name).set_mode(mode)), || state(office, name))
        }
        (true, "GET") => Answer::json(200, &json!(office.desk(name).requests())),
        (true, "DELETE") => {
            office.desk(name).clear();
            Answer::empty(204)
        }
        (false, _) => Answer::not_allowed("GET, PUT"),
        (true, _) => Answer::not_allowed("GET, DELETE"),
    }
}

/// Makes the change when it is a PUT, and answers how things are then.
fn changed(
    asked: &Asked,
    change: impl FnOnce(&Map<String, Value>) -> Result<(), Wrong>,
    state: impl FnOnce() -> Value,
) -> Answer {
    if asked.method == "PUT" {
        let body = asked.object().ok_or_else(|| wrong("", "the body must be a JSON object"));
        if let Err(Wrong { field, message }) = body.and_then(|body| change(&body)) {
            return Answer::json(400, &json!({"error": message, "field": field}));
        }
    }
    Answer::json(200, &state())
}

fn state(office: &Office, name: Name) -> Value {
    let mut state = office.desk(name).mode().to_json(name);
    state["requests"] = json!(office.desk(name).requests().len());
    state
}

fn unknown(name: &str) -> Answer {
    let known = Name::ALL.map(Name::as_str).join(", ");
    Answer::json(404, &json!({ "error": format!("there is no {name:?}; there are {known}") }))
}

/// A misspelt field would be a change that was not made.
fn only(body: &Map<String, Value>, known: &[&'static str]) -> Result<(), Wrong> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        // The name is told as it came; it is no field of ours.
        Some(name) => Err(Wrong { field: "", message: format!("unknown field {name:?}; known: {}", known.join(", ")) }),
    }
}

fn number(body: &Map<String, Value>, field: &'static str) -> Result<Option<u64>, Wrong> {
    match body.get(field) {
        None => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or_else(|| wrong(field, format!("{field} must be a whole number"))),
    }
}

fn mode(body: &Map<String, Value>) -> Result<Mode, Wrong> {
    only(body, &["mode", "status", "latencyMs", "name", "requests"])?;
    let word = body.get("mode").and_then(Value::as_str);
    let behaviour = Behaviour::ALL.into_iter().find(|one| Some(one.as_str()) == word);
    let behaviour = behaviour.ok_or_else(|| wrong("mode", "mode must be up, down, slow or wrong"))?;
    let mut mode = if behaviour == Behaviour::Slow { Mode::SLOW } else { Mode { behaviour, ..Mode::UP } };
    if let Some(status) = number(body, "status")? {
        let status = u16::try_from(status).ok().filter(|status| (300..600).contains(status));
        mode.status = status.ok_or_else(|| wrong("status", "status must be from 300 to 599"))?;
    }
    if let Some(latency) = number(body, "latencyMs")? {
        if latency > MAX_LATENCY_MS {
            return Err(wrong("latencyMs", format!("latencyMs must be at most {MAX_LATENCY_MS}")));
        }
        mode.latency = Duration::from_millis(latency);
    }
    Ok(mode)
}

fn licence(body: &Map<String, Value>) -> Result<Licence, Wrong> {
    only(body, &["status", "tenantId"])?;
    let word = body.get("status").and_then(Value::as_str);
    let licence = Licence::ALL.into_iter().find(|one| Some(one.as_str()) == word);
    licence.ok_or_else(|| wrong("status", "status must be active, suspended, expired or none"))
}

fn provider_consent(body: &Map<String, Value>) -> Result<bool, Wrong> {
    flag(body, "aiTranscription", &["aiTranscription", "userId"])
}

/// A truth value that must be said, in a body that has no other fields than those.
fn flag(body: &Map<String, Value>, field: &'static str, known: &[&'static str]) -> Result<bool, Wrong> {
    only(body, known)?;
    body.get(field).and_then(Value::as_bool).ok_or_else(|| wrong(field, format!("{field} must be true or false")))
}

/// A text that must be said, or null, in a body that has no other fields than those.
fn text_or_null<'a>(
    body: &'a Map<String, Value>,
    field: &'static str,
    known: &[&'static str],
) -> Result<Option<&'a str>, Wrong> {
    only(body, known)?;
    match body.get(field) {
        Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        _ => Err(wrong(field, format!("{field} must be a text, or null"))),
    }
}

fn consents(body: &Map<String, Value>) -> Result<Consents, Wrong> {
    only(body, &["telehealth", "recording", "aiTranscription", "patientId"])?;
    let flag = |field: &'static str| match body.get(field) {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| wrong(field, format!("{field} must be true or false"))),
    };
    Ok(Consents {
        telehealth: flag("telehealth")?,
        recording: flag("recording")?,
        ai_transcription: flag("aiTranscription")?,
    })
}
