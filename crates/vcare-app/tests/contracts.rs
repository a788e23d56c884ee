//! What is committed under `contracts/events` is what the code publishes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vcare_app::events::catalogue::{EVENT_TYPES, EventType, asyncapi, samples};
use vcare_testkit::promises::must_keep_promises;

const REGENERATE: &str = "just contracts";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/events")
}

/// The same text whatever features `serde_json` was built with.
fn pretty(mut value: Value) -> String {
    value.sort_all_objects();
    format!("{value:#}\n")
}

fn sample(event: &EventType) -> Value {
    let bytes = samples().unwrap().remove(event.subject).unwrap_or_else(|| panic!("no sample of {}", event.subject));
    serde_json::from_slice(&bytes).unwrap()
}

fn generated() -> BTreeMap<String, String> {
    let mut files = BTreeMap::from([("asyncapi.json".to_owned(), pretty(asyncapi()))]);
    for event in EVENT_TYPES {
        files.insert(format!("{}.schema.json", event.subject), pretty(event.schema()));
        files.insert(format!("{}.sample.json", event.subject), pretty(sample(&event)));
    }
    files
}

/// Every file of the folder but the README, which people write.
fn committed() -> BTreeMap<String, String> {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| name != "README.md");
    names.map(|name| (name.clone(), fs::read_to_string(folder().join(name)).unwrap())).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the service")]
fn the_committed_contracts_are_those_of_the_code() {
    let generated = generated();
    for (name, text) in &generated {
        must_keep_promises(&format!("contracts/events/{name}"), Some(text));
    }
    if std::env::var("UPDATE_CONTRACTS").is_ok_and(|value| value == "1") {
        let committed = committed();
        let stale: Vec<_> = committed.keys().filter(|name| !generated.contains_key(*name)).collect();
        // First all of them: what is refused leaves everything as it was.
        stale.iter().for_each(|name| must_keep_promises(&format!("contracts/events/{name}"), None));
        stale.iter().for_each(|name| fs::remove_file(folder().join(name)).unwrap());
        for (name, text) in &generated {
            fs::write(folder().join(name), text).unwrap();
        }
    }
    let committed = committed();
    let names: BTreeSet<_> = generated.keys().chain(committed.keys()).collect();
    let drifted: Vec<_> = names.into_iter().filter(|name| generated.get(*name) != committed.get(*name)).collect();
    assert!(drifted.is_empty(), "contracts/events is not what the code says: {drifted:#?}\nregenerate: {REGENERATE}");
}

fn accepts(schema: &Value, event: &Value) -> bool {
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(schema).unwrap().is_valid(event)
}

#[test]
fn every_schema_is_a_json_schema_and_takes_its_sample() {
    for event in EVENT_TYPES {
        let (schema, sample) = (event.schema(), sample(&event));
        assert!(jsonschema::meta::is_valid(&schema), "{}", event.subject);
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&sample).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}\n{sample:#}", event.subject);
        assert_eq!(sample["type"], event.subject);
    }
}

type Spoil = (&'static str, fn(&mut Value));

const SPOILS: [Spoil; 10] = [
    ("a name in the envelope", |event| event["patientName"] = json!("Ahmad")),
    ("a name in the data", |event| event["data"]["patientName"] = json!("Ahmad")),
    ("no data", |event| drop(event.as_object_mut().unwrap().remove("data"))),
    ("no tenant", |event| drop(event.as_object_mut().unwrap().remove("tenantid"))),
    ("no id", |event| drop(event.as_object_mut().unwrap().remove("id"))),
    ("another kind of id", |event| event["id"] = event["data"]["sessionId"].clone()),
    ("another type", |event| event["type"] = json!("virtual_care.session.paused.v1")),
    ("another source", |event| event["source"] = json!("ghasi/billing-service")),
    ("a time that is none", |event| event["time"] = json!("yesterday")),
    ("null for nothing", |event| event["data"]["appointmentId"] = Value::Null),
];

#[test]
fn a_spoilt_sample_is_refused() {
    for event in EVENT_TYPES {
        for (what, spoil) in SPOILS {
            let mut spoilt = sample(&event);
            spoil(&mut spoilt);
            assert!(!accepts(&event.schema(), &spoilt), "{}: {what}", event.subject);
        }
    }
}

/// Follows a schema into every object and collects the texts that could hold prose.
fn unbounded(schema: &Value, path: &str, found: &mut Vec<String>) {
    match schema["type"].as_str() {
        Some("string") => {
            let bounds = ["const", "enum", "pattern", "format"];
            if !bounds.iter().any(|bound| schema.get(bound).is_some()) {
                found.push(path.to_owned());
            }
        }
        Some("object") => {
            let rest = &schema["additionalProperties"];
            if rest != &json!(false) {
                unbounded(rest, &format!("{path}.*"), found);
            }
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                unbounded(property, &format!("{path}.{name}"), found);
            }
        }
        Some("array") => unbounded(&schema["items"], &format!("{path}[]"), found),
        Some("integer" | "boolean") => {}
        other => found.push(format!("{path} ({other:?})")),
    }
}

#[test]
fn no_event_has_a_field_that_could_hold_free_text() {
    for event in EVENT_TYPES {
        let mut found = Vec::new();
        unbounded(&event.schema(), event.subject, &mut found);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn the_asyncapi_document_names_every_event_and_refers_to_its_schema() {
    let document = asyncapi();
    let files = generated();
    for section in ["channels", "operations"] {
        assert_eq!(document[section].as_object().unwrap().len(), EVENT_TYPES.len(), "{section}");
    }
    for event in EVENT_TYPES {
        let payload = &document["components"]["messages"][event.subject]["payload"]["$ref"];
        let file = payload.as_str().and_then(|reference| reference.strip_prefix("./")).unwrap();
        assert!(files.contains_key(file), "{file}");
    }
}
