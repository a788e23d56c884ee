//! The examples in the API's description: each is what its schema says, and what they make together is a request that is taken.

use serde_json::{Map, Value, json};
use vcare_testkit::Consents;

use crate::described::{Operation, operations};
use crate::support::{TestApp, draft};

/// What is answered otherwise than with success when an example is sent as it stands: method, path, status, and why.
const OTHERWISE: [(&str, &str, u16, &str); 6] = [
    ("POST", "/sessions/{sessionId}/continue-async", 409, "the visit has not failed"),
    ("POST", "/sessions/{sessionId}/ai/accept-summary", 404, "no draft is the one of the example"),
    ("POST", "/sessions/{sessionId}/connection", 403, "somebody else's connection is not told to be alive"),
    ("PUT", "/config", 428, "the version that was read is in a header"),
    ("POST", "/sessions/join/short", 401, "no link has the code of the example"),
    ("POST", "/sessions/join/clinic", 401, "no link has the code of the example"),
];

fn document() -> Value {
    serde_json::to_value(vcare_api::openapi::document()).unwrap()
}

/// What a schema says, also where it only names another one.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    schema["$ref"].as_str().map_or(schema, |name| document.pointer(name.trim_start_matches('#')).unwrap())
}

/// A schema's example: OpenAPI's own `example`, or the first of JSON Schema's `examples`.
fn shown(schema: &Value) -> Option<&Value> {
    schema.get("example").or_else(|| schema["examples"].get(0))
}

/// Every schema with an example, by where it stands.
fn with_examples<'a>(value: &'a Value, place: &str, found: &mut Vec<(String, &'a Value, &'a Value)>) {
    match value {
        Value::Object(members) => {
            // A problem's example is one of the whole document, and so is held to its schema by `problems`.
            let is_schema = ["type", "oneOf", "allOf", "$ref"].iter().any(|name| members.contains_key(*name));
            for example in shown(value).into_iter().filter(|_| is_schema) {
                found.push((place.to_owned(), value, example));
            }
            for (name, member) in members {
                with_examples(member, &format!("{place}/{name}"), found);
            }
        }
        Value::Array(members) => {
            for (index, member) in members.iter().enumerate() {
                with_examples(member, &format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_example_is_as_its_schema_says() {
    let document = document();
    let mut found = Vec::new();
    with_examples(&document, "#", &mut found);
    assert!(found.len() > 80, "{}", found.len());
    for (place, schema, example) in found {
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(example).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{place}: {example}");
    }
}

/// What the document's examples make together; nothing where there is none, unless it is needed.
fn example(document: &Value, schema: &Value, needed: bool, place: &str) -> Option<Value> {
    if let Some(example) = shown(schema) {
        return Some(example.clone());
    }
    let schema = resolved(document, schema);
    if let Some(example) = shown(schema) {
        return Some(example.clone());
    }
    let parts = |name: &str| schema[name].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(one) = parts("oneOf").iter().chain(parts("anyOf")).find(|one| one["type"] != "null")
        && (one.get("required").is_none() || one.get("type").is_some())
    {
        return example(document, one, needed, place);
    }
    if let Some(properties) = schema["properties"].as_object() {
        let required: Vec<&Value> = schema["required"].as_array().into_iter().flatten().collect();
        let mut body = Map::new();
        let wanted = needed || properties.values().any(|property| shown(property).is_some());
        for (name, property) in properties {
            let needed = wanted && required.contains(&&json!(name));
            if let Some(value) = example(document, property, needed, &format!("{place}/{name}")) {
                body.insert(name.clone(), value);
            }
        }
        return (needed || !body.is_empty()).then_some(Value::Object(body));
    }
    if schema["type"] == "array" {
        return example(document, &schema["items"], needed, place).map(|item| json!([item]));
    }
    if schema["format"] == "date-time" {
        return needed.then(|| json!(SOON));
    }
    let first = schema["enum"].as_array().and_then(|words| words.first()).filter(|_| needed);
    let least = schema.get("minimum").filter(|_| needed);
    first.or(least).cloned().or_else(|| {
        assert!(!needed || schema["type"] == "boolean" || SECRETS.contains(&place), "{place} needs an example");
        needed.then_some(json!(true))
    })
}

/// A time that is to come, which no example can say.
const SOON: &str = "soon";

/// What no example can say either: it is somebody's, or its own each time.
const SECRETS: [&str; 2] = ["body/token", "body/clientMutationId"];

/// A visit in the state in which the operation is asked for, with what stands in its path and its body.
async fn ready(app: &TestApp, operation: &Operation, body: &mut Value) -> (String, String) {
    app.free_appointments().await;
    let goes_on =
        ["/end", "/ai/", "/fallback-message", "/recording/"].iter().any(|what| operation.template.contains(what));
    let comes_later = operation.template.contains("delay") || operation.template.ends_with("{sessionId}");
    let (visit, token) = if goes_on {
        app.active_visit().await
    } else if comes_later || operation.template.ends_with("/no-show") {
        app.missed_visit().await
    } else {
        app.waiting_visit().await
    };
    let id = match operation.template.rsplit('/').next() {
        Some("claim" | "sync") | None => app.submitted().await,
        Some("close" | "addendum") => {
            let id = app.claimed().await;
            app.respond(&id).await.expect(200);
            id
        }
        Some(_) => app.claimed().await,
    };
    if let Some(shown) = body.get_mut("token") {
        *shown = json!(token);
    }
    for place in ["/clientMutationId", "/drafts/0/clientMutationId"] {
        if let Some(name) = body.pointer_mut(place) {
            *name = draft()["clientMutationId"].clone();
        }
    }
    for (_, member) in body.as_object_mut().unwrap() {
        if member == SOON {
            *member = json!(app.minutes_ahead(30));
        }
    }
    let path = operation.template.replace("{sessionId}", &visit.id).replace("{participantId}", &visit.patient);
    (path.replace("{asyncVisitId}", &id), token)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_a_request_is_taken_when_it_is_sent() {
    let (app, document) = (TestApp::start().await, document());
    app.standins.set_consent("pat-0001", Consents::ALL);
    let mut otherwise = Vec::new();
    for operation in operations().into_iter().filter(|operation| operation.takes_body && !operation.internal) {
        let path = format!("/api/v1/virtual-care{}", operation.template);
        let described = &document["paths"][&path][operation.method.as_str().to_lowercase()];
        let schema = &described["requestBody"]["content"]["application/json"]["schema"];
        let mut body = example(&document, schema, true, "body").unwrap();
        let (path, joins) = Box::pin(ready(&app, &operation, &mut body)).await;
        let role = match operation.template.as_str() {
            "/sessions/{sessionId}/delay" => "patient",
            template if template.starts_with("/config") => "tenant_admin",
            _ => "clinician",
        };
        let token = if operation.signed_in { app.token(role) } else { joins };
        let request = app.request(operation.method.clone(), &path).bearer_auth(token);
        let request = request.header("Content-Type", "application/json").body(body.to_string());
        let answer = app.send(request).await;
        if !(200..300).contains(&answer.status) {
            otherwise.push((operation.method.to_string(), operation.template, answer.status, body, answer.body));
        }
    }
    for known in OTHERWISE {
        let before = otherwise.len();
        otherwise.retain(|one| (known.0, known.1, known.2) != (&one.0, &one.1, one.2));
        if otherwise.len() == before {
            otherwise.push((known.0.to_owned(), known.1.to_owned(), 200, json!("it is taken"), json!(known.3)));
        }
    }
    let said = otherwise.iter().map(|(method, template, status, body, answer)| {
        format!("{method} {template} of {body} was answered {status}: {answer}")
    });
    assert!(otherwise.is_empty(), "{}", said.collect::<Vec<_>>().join("\n"));
}
