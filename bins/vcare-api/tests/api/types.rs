//! The OpenAPI document has types that help whoever generates a client from it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use vcare_app::authorisation::Permission;

use crate::described::resolved_document;
use crate::support::TestApp;

fn document() -> Value {
    serde_json::to_value(vcare_api::openapi::document()).unwrap()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    members(&document["paths"])
        .flat_map(|(path, item)| members(item).map(move |(method, operation)| (format!("{method} {path}"), operation)))
}

/// Every schema in it, with where it is.
fn schemas<'a>(place: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("type") || fields.contains_key("$ref") || fields.contains_key("oneOf") {
                found.push((place.to_owned(), value));
            }
            // What stands in an example is no schema.
            let inner = fields.iter().filter(|(name, _)| !["example", "examples", "value"].contains(&name.as_str()));
            inner.for_each(|(name, value)| schemas(&format!("{place}.{name}"), value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| schemas(place, value, found)),
        _ => {}
    }
}

fn takes_null(schema: &Value) -> bool {
    let of_type = |one: &Value| one == "null" || one.as_array().is_some_and(|all| all.iter().any(|one| one == "null"));
    of_type(&schema["type"])
        || ["oneOf", "anyOf"]
            .iter()
            .any(|key| schema[key].as_array().is_some_and(|all| all.iter().any(|one| of_type(&one["type"]))))
}

/// A description that lists words in backticks is one of a closed set: the schema must name them.
#[test]
fn every_closed_set_of_words_is_an_enum() {
    let document = document();
    let mut found = Vec::new();
    schemas("", &document["components"]["schemas"], &mut found);
    for (place, schema) in found {
        let Some(description) = schema["description"].as_str().filter(|_| schema["type"] == "string") else { continue };
        let words: Vec<&str> = description.split('`').skip(1).step_by(2).collect();
        let plain = |word: &&&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !word.is_empty();
        let words = words.iter().filter(plain).count();
        assert!(words < 2 || schema["enum"].is_array(), "{place} lists words, but is no enum: {description}");
    }
    let sets = members(&document["components"]["schemas"]).filter(|(_, schema)| schema["enum"].is_array());
    let sets: BTreeSet<&str> = sets.map(|(name, _)| name.as_str()).collect();
    for set in [
        "SessionStatus",
        "AsyncVisitStatus",
        "ParticipantRole",
        "ParticipantStatus",
        "Destination",
        "MediaMode",
        "VideoBackend",
        "Locale",
        "EncounterStatus",
        "AttachmentStatus",
        "ChartStatus",
    ] {
        assert!(sets.contains(set), "{set}: {sets:?}");
    }
}

/// A field that has no value is absent. Only a tenant's settings know null: it stands for the default.
#[test]
fn nothing_is_null_but_a_setting_and_the_cursor_of_the_last_page() {
    let document = document();
    for (what, operation) in operations(&document) {
        for (kind, content) in members(&operation["requestBody"]["content"]) {
            assert!(!takes_null(&content["schema"]), "{what}: a body of {kind} may be null");
        }
    }
    let mut found = Vec::new();
    schemas("parameters", &document["components"]["parameters"], &mut found);
    schemas("paths", &document["paths"], &mut found);
    schemas("headers", &document["components"]["headers"], &mut found);
    let answered = members(&document["components"]["schemas"]).filter(|(name, _)| {
        !name.ends_with("Request") && !["TenantConfig", "TenantConfigPatch"].contains(&name.as_str())
    });
    answered.for_each(|(name, schema)| schemas(name, schema, &mut found));
    for (place, schema) in found {
        assert!(!takes_null(schema) || place.ends_with(".nextCursor"), "{place} may be null");
    }
}

#[test]
fn operations_say_which_token_they_need_or_that_they_need_none() {
    let document = document();
    let mut public = Vec::new();
    for (what, operation) in operations(&document) {
        let security = operation["security"].as_array().unwrap_or_else(|| panic!("{what} says nothing"));
        if security.is_empty() {
            public.push(what);
        }
    }
    assert!(public.contains(&"post /api/v1/virtual-care/sessions/join".to_owned()), "{public:?}");
    assert!(public.iter().all(|what| !what.contains("{sessionId}")), "{public:?}");
}

/// Ids that others draw, and what is shown as it was sent.
const OF_OTHERS: [(&str, &str); 11] = [
    ("Conference", "id"),
    ("Occupant", "id"),
    ("TenantConfigPatch", "tenantId"),
    ("Problem", "requestId"),
    ("SyncResult", "clientMutationId"),
    ("Transcription", "gatewayRequestId"),
    ("DecidedSummary", "noteId"),
    ("TenantConfig", "zoomAccountId"),
    ("TenantConfig", "jitsiAppId"),
    ("TenantConfigPatch", "zoomAccountId"),
    ("TenantConfigPatch", "jitsiAppId"),
];

#[test]
fn every_id_has_a_pattern() {
    let document = document();
    for (what, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        for parameter in parameters {
            let parameter = resolve(&document, parameter);
            let schema = resolve(&document, &parameter["schema"]);
            let id = parameter["in"] == "path" && parameter["name"] != "conferenceId";
            assert!(!id || schema["pattern"].is_string(), "{what}: {}", parameter["name"]);
        }
    }
    for (name, schema) in members(&document["components"]["schemas"]) {
        for (field, schema) in members(&schema["properties"]) {
            let (name, field) = (name.as_str(), field.as_str());
            let id = (field == "id" || field.ends_with("Id")) && !OF_OTHERS.contains(&(name, field));
            let schema = without_absence(schema);
            let schema = resolve(&document, schema);
            assert!(!id || schema["pattern"].is_string(), "{name}.{field}");
        }
    }
}

/// What a field holds when it is there.
fn without_absence(schema: &Value) -> &Value {
    let all = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().find(|one| one["type"] != "null").unwrap_or(schema)
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// What several operations have in common is described once: the document is read on poor links, too.
#[test]
fn what_operations_have_in_common_is_described_once() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (what, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let responses = members(&operation["responses"]).map(|(_, response)| response);
        let problems = responses.filter(|response| {
            members(&response["content"]).any(|(kind, _)| kind == "application/problem+json")
                && response["content"].as_object().unwrap().len() == 1
        });
        for one in parameters.iter().chain(problems).filter(|one| one.get("$ref").is_none()) {
            assert!(seen.insert(one.to_string()), "{what} describes again: {one}");
        }
    }
    assert!(seen.len() < 150, "{}", seen.len());
}

/// Views of audiences are named when everything else has a name: none may take that of another schema.
#[test]
fn no_schema_is_a_part_of_itself() {
    let document = document();
    for (name, schema) in members(&document["components"]["schemas"]) {
        let mut seen = BTreeSet::new();
        let mut open = vec![schema];
        while let Some(schema) = open.pop() {
            for part in schema["allOf"].as_array().into_iter().flatten().filter_map(|part| part["$ref"].as_str()) {
                assert!(!part.ends_with(&format!("/{name}")), "{name}");
                if seen.insert(part) {
                    open.push(document.pointer(part.trim_start_matches('#')).unwrap());
                }
            }
        }
    }
}

#[test]
fn schemas_are_named_by_what_they_are() {
    for (name, _) in members(&document()["components"]["schemas"]) {
        assert!(!name.ends_with("Dto") && name.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
    }
}

/// What is deprecated says so where it is described and where it is used: RFC 9745.
#[tokio::test(flavor = "multi_thread")]
async fn joining_by_get_works_and_says_that_it_is_deprecated() {
    let document = document();
    let deprecated: Vec<&str> = operations(&document)
        .filter(|(_, operation)| operation["deprecated"] == true)
        .map(|(_, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(deprecated, ["joinSessionByGet"]);
    let app = TestApp::start().await;
    let (_, token) = app.waiting_visit().await;
    let by_get = app.join(&token).await.expect(200);
    let since = time::OffsetDateTime::from_unix_timestamp(by_get.header("deprecation")[1..].parse().unwrap()).unwrap();
    assert_eq!(since.date(), time::macros::date!(2026 - 12 - 01));
    assert!(app.join_by_post(&token).await.expect(200).headers.get("deprecation").is_none());
}

/// An operation of those who sign in names its permission, as the platform spells scopes.
#[test]
fn every_operation_with_an_access_token_names_its_permission() {
    let document = document();
    for (operation, described) in operations(&document) {
        for requirement in described["security"].as_array().unwrap() {
            let Some(scopes) = requirement.get("accessToken") else { continue };
            let known = |scope: &Value| Permission::ALL.iter().any(|known| *scope == known.as_str());
            assert!(
                scopes.as_array().unwrap().iter().filter(|scope| known(scope)).count() == 1,
                "{operation}: {scopes}"
            );
        }
    }
}

/// What a client got from the API, or may write by the standard, is good by the document, too.
#[test]
fn headers_of_requests_have_the_forms_that_are_described() {
    let document = resolved_document();
    for (operation, name, good, bad) in [
        (
            "endSession",
            "If-Match",
            &["*", "\"3\"", "\"3-5f1c0a92b4d7e683\"", "W/\"3\"", "\"3\", \"4\""][..],
            &["3", "", "w/\"3\"", "\"3"][..],
        ),
        ("getSession", "If-None-Match", &["*", "\"3-5f1c0a92b4d7e683\"", "W/\"3-5f\""], &["3", "\"3\" \"4\""]),
        ("createSession", "Idempotency-Key", &["7f4df2a6-3c7e", "\"7f4df2a6\"", "\"a\\\"b\""], &["a b", "\"open", ""]),
        (
            "getSession",
            "X-Emergency-Reason",
            &["unconscious in the ward", "ناروغ بې هوشه دی"],
            &["two\nlines of text", "turned \u{202e} around", " blank in front"],
        ),
        (
            "appendToUpload",
            "Upload-Checksum",
            &["sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", "sha256 ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="],
            &["sha1", "md5 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", "sha256 qZk+NkcGgWq6PiVxeFDCbJzQ2J0="],
        ),
    ] {
        let (_, described) = operations(&document).find(|(_, one)| one["operationId"] == operation).unwrap();
        let header = described["parameters"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
        let validator = jsonschema::validator_for(&header["schema"]).unwrap();
        for text in good {
            assert!(validator.is_valid(&Value::from(*text)), "{name}: {text}");
        }
        for text in bad {
            assert!(!validator.is_valid(&Value::from(*text)), "{name}: {text}");
        }
    }
}
