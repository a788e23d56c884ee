//! One thing has one name: what events tell is called as in requests and responses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

/// What only events tell, and why requests and responses have no name for it.
const ONLY_IN_EVENTS: &[(&str, &[&str])] = &[
    (
        "audit entries and emergency access, which are read in the audit service",
        &[
            "accessId",
            "action",
            "actorId",
            "actorType",
            "eventType",
            "grantedAt",
            "outcome",
            "resourceId",
            "resourceIds",
            "resourceType",
            "treatingProviderIds",
        ],
    ),
    ("an id or a state that stands in a response without its noun, as that is the response's own", &["asyncVisitId"]),
    (
        "when it happened, and what was before it: a response shows only what is now",
        &[
            "claimedAt",
            "consentWithdrawnAt",
            "occurredAt",
            "previousEnd",
            "previousMode",
            "previousStart",
            "withdrawnAt",
        ],
    ),
    ("what is charged, and its facility in billing-service's word", &["facilityId", "secondsPerMode"]),
    (
        "what neighbours need to do their part",
        &["changedFields", "idempotencyKey", "number", "participantIds", "requestedBy", "tokenVersion"],
    ),
];

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// The fields of a schema and of what is in it, each with its types.
fn fields(document: &Value, schema: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for (name, field) in members(&schema["properties"]) {
        let pointer = field["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
        let field = pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(field);
        found.entry(name.clone()).or_default().extend(field["type"].as_str().map(str::to_owned));
    }
    match schema {
        Value::Object(members) => members.values().for_each(|value| fields(document, value, found)),
        Value::Array(items) => items.iter().for_each(|value| fields(document, value, found)),
        _ => {}
    }
}

#[test]
fn what_events_tell_is_called_as_in_requests_and_responses() {
    let (mut rest, mut events) = (BTreeMap::new(), BTreeMap::new());
    let document = serde_json::to_value(vcare_api::openapi::document()).unwrap();
    fields(&document, &document["components"]["schemas"], &mut rest);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/events");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.to_string_lossy().ends_with(".schema.json")) {
        let schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        fields(&schema, &schema["properties"]["data"], &mut events);
    }
    let own: BTreeSet<&str> = ONLY_IN_EVENTS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let names = events.keys().map(String::as_str).filter(|name| !["video", "audio", "message"].contains(name));
    let (known, unknown): (BTreeSet<&str>, BTreeSet<&str>) = names.partition(|name| rest.contains_key(*name));
    assert_eq!(unknown, own, "give it the name that requests and responses have for it, or say why they have none");
    for name in known {
        let (here, there) = (&events[name], &rest[name]);
        assert!(there.is_empty() || here.is_subset(there), "{name}: {here:?} in events, {there:?} in responses");
    }
}
