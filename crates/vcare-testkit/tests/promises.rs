//! Contracts only grow: what an earlier commit promised holds in the later one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::{Value, json};
use vcare_testkit::must_be_committed;
use vcare_testkit::promises::{broken_promises, event_breaks, must_keep_promises, openapi_breaks, promised};

#[test]
fn no_contract_breaks_what_an_earlier_one_promised() {
    for path in promised() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&path);
        must_keep_promises(&path, std::fs::read_to_string(file).ok().as_deref());
    }
}

/// The code is asked before a file is written, so that a break is not there at all, and the file stays as it is.
#[test]
fn a_contract_that_breaks_a_promise_is_refused_before_it_is_written() {
    let Some(path) = promised().into_iter().find(|path| path.ends_with(".schema.json")) else { return };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&path);
    let before = std::fs::read_to_string(&file).unwrap();
    let mut broken: Value = serde_json::from_str(&before).unwrap();
    broken["properties"].as_object_mut().unwrap().remove("type");
    let broken = broken.to_string();
    assert_eq!(broken_promises(&path, Some(&before)), Vec::<String>::new());
    assert!(broken_promises(&path, Some(&broken))[0].ends_with("event.type: is gone"));
    assert!(broken_promises(&path, None)[0].ends_with(": is gone"));
    let refused = std::panic::catch_unwind(|| must_be_committed(&path, &broken)).unwrap_err();
    assert!(refused.downcast_ref::<String>().unwrap().contains("accepted-breaks.txt"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

type Change = fn(&mut Value);

fn event() -> Value {
    json!({"type": "object", "additionalProperties": false, "required": ["id", "mode"], "properties": {
        "id": {"type": "string", "pattern": "^vsn_", "maxLength": 30},
        "mode": {"enum": ["video", "audio"]},
        "seconds": {"type": "integer", "minimum": 0},
    }})
}

const GROWTH: [(&str, Change); 2] = [
    ("a field that may be left out", |schema| {
        schema["properties"]["note"] = json!({"type": "string", "format": "uuid"})
    }),
    ("one more word", |schema| schema["properties"]["mode"]["enum"] = json!(["video", "audio", "message"])),
];

const HARM: [(&str, Change); 10] = [
    ("event.seconds: is gone", |schema| drop(schema["properties"].as_object_mut().unwrap().remove("seconds"))),
    ("event.seconds: must be there now", |schema| schema["required"] = json!(["id", "mode", "seconds"])),
    ("event.mode: may be left out now", |schema| schema["required"] = json!(["id"])),
    ("event.mode: the word \"audio\" is gone", |schema| schema["properties"]["mode"]["enum"] = json!(["video"])),
    ("event.mode: may be any word now", |schema| schema["properties"]["mode"] = json!({})),
    ("event.id: 'pattern' is another", |schema| schema["properties"]["id"]["pattern"] = json!("^avs_")),
    ("event.id: 'maxLength' was 30, is 40", |schema| schema["properties"]["id"]["maxLength"] = json!(40)),
    ("event.seconds: 'minimum' was 0, is none", |schema| {
        schema["properties"]["seconds"].as_object_mut().unwrap().remove("minimum");
    }),
    ("event.seconds: was {\"integer\"}, is {\"string\"}", |schema| {
        schema["properties"]["seconds"]["type"] = json!("string");
    }),
    ("event.*: is another", |schema| schema["additionalProperties"] = json!(true)),
];

#[test]
fn an_event_may_gain_what_may_be_left_out_and_nothing_else() {
    for (what, change) in GROWTH {
        let mut after = event();
        change(&mut after);
        assert!(event_breaks(&event(), &after).is_empty(), "{what}: {:?}", event_breaks(&event(), &after));
    }
    for (breaks, change) in HARM {
        let mut after = event();
        change(&mut after);
        assert_eq!(event_breaks(&event(), &after), [breaks]);
    }
}

fn api() -> Value {
    json!({
        "paths": {"/visits": {"post": {
            "operationId": "create",
            "security": [{"bearer": []}],
            "parameters": [{"$ref": "#/components/parameters/Key"}],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}}},
            "responses": {"201": {"$ref": "#/components/responses/Made"}},
        }}},
        "components": {
            "parameters": {"Key": {
                "in": "header", "name": "Idempotency-Key", "required": false, "schema": {"type": "string"}}},
            "schemas": {
                "Wish": {"type": "object", "required": ["patientId"], "properties": {
                    "patientId": {"type": "string", "maxLength": 64}, "reason": {"type": "string"}}},
                "Visit": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "mode": {"enum": ["video"]}}},
            },
            "responses": {"Made": {
                "headers": {"ETag": {}},
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Visit"}, "examples": {"ONE": {}}}},
            }},
        },
    })
}

fn at<'a>(api: &'a mut Value, schema: &str) -> &'a mut Value {
    &mut api["components"]["schemas"][schema]
}

const WIDENED: [(&str, Change); 6] = [
    ("another route", |api| api["paths"]["/more"] = json!({"get": {"responses": {}}})),
    ("another answer", |api| api["paths"]["/visits"]["post"]["responses"]["409"] = json!({})),
    ("what may be sent, too", |api| at(api, "Wish")["properties"]["language"] = json!({"type": "string"})),
    ("longer than before", |api| at(api, "Wish")["properties"]["patientId"]["maxLength"] = json!(100)),
    ("what need not be sent", |api| at(api, "Wish")["required"] = json!([])),
    ("more is told", |api| {
        at(api, "Visit")["properties"]["since"] = json!({"type": "string"});
        at(api, "Visit")["required"] = json!(["id", "since"]);
    }),
];

const NARROWED: [(&str, Change); 12] = [
    ("POST /visits: 201: header 'ETag' is gone", |api| {
        api["components"]["responses"]["Made"]["headers"] = json!({"Location": {}});
    }),
    ("POST /visits: 201: 'ONE' is gone", |api| {
        api["components"]["responses"]["Made"]["content"]["application/json"]["examples"] = json!({"TWO": {}});
    }),
    ("POST /visits: is gone", |api| api["paths"]["/visits"] = json!({})),
    ("POST /visits: has another operationId", |api| api["paths"]["/visits"]["post"]["operationId"] = json!("make")),
    ("POST /visits: has another security", |api| api["paths"]["/visits"]["post"]["security"] = json!([])),
    ("POST /visits: 201 is gone", |api| api["paths"]["/visits"]["post"]["responses"] = json!({"200": {}})),
    ("POST /visits: header 'Idempotency-Key' must be there now", |api| {
        api["components"]["parameters"]["Key"]["required"] = json!(true);
    }),
    ("POST /visits: header 'Idempotency-Key' is gone", |api| api["paths"]["/visits"]["post"]["parameters"] = json!([])),
    ("POST /visits: body.patientId: 'maxLength' was 64, is 30", |api| {
        at(api, "Wish")["properties"]["patientId"]["maxLength"] = json!(30);
    }),
    ("POST /visits: body.reason: must be there now", |api| {
        at(api, "Wish")["required"] = json!(["patientId", "reason"])
    }),
    ("POST /visits: 201.id: may be left out now", |api| at(api, "Visit")["required"] = json!([])),
    ("POST /visits: 201.mode: is gone", |api| {
        at(api, "Visit")["properties"].as_object_mut().unwrap().remove("mode");
    }),
];

#[test]
fn an_api_may_ask_for_less_and_tell_more_and_nothing_else() {
    for (what, change) in WIDENED {
        let mut after = api();
        change(&mut after);
        assert!(openapi_breaks(&api(), &after).is_empty(), "{what}: {:?}", openapi_breaks(&api(), &after));
    }
    for (breaks, change) in NARROWED {
        let mut after = api();
        change(&mut after);
        assert_eq!(openapi_breaks(&api(), &after), [breaks]);
    }
}
