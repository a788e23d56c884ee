//! Contracts only grow: what an earlier commit promised holds in the later one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use vcare_testkit::promises::{event_breaks, openapi_breaks};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What git says; `None` when there is none, no repository, or no such thing in it.
fn git(arguments: &[&str]) -> Option<String> {
    let said = Command::new("git").current_dir(root()).args(arguments).output().ok()?;
    said.status.success().then(|| String::from_utf8(said.stdout).unwrap().trim_end().to_owned())
}

/// Commits whose promises must hold: what the change started from, what is committed, and what was before it.
fn earlier() -> Vec<String> {
    let branches = ["origin/main", "main"].iter().filter_map(|branch| git(&["merge-base", branch, "HEAD"]));
    let steps = ["HEAD", "HEAD~1"].iter().filter_map(|step| git(&["rev-parse", "--verify", "--quiet", step]));
    let mut commits: Vec<String> = branches.chain(steps).collect();
    commits.sort();
    commits.dedup();
    commits
}

/// A break that was meant, and the reason, one a line: `<break>  # <reason>`.
fn accepted() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("contracts/accepted-breaks.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_once("  # ").unwrap_or_else(|| panic!("no reason: {line}")).0.to_owned()).collect()
}

fn broken_since(commit: &str) -> Vec<String> {
    let mut found = Vec::new();
    let files = git(&["ls-tree", "-r", "--name-only", commit, "--", "contracts"]).unwrap_or_default();
    for file in files.lines() {
        let compare: fn(&Value, &Value) -> Vec<String> = match file {
            _ if file.ends_with(".schema.json") => event_breaks,
            "contracts/openapi/vcare-api.json" => openapi_breaks,
            _ => continue,
        };
        let before = serde_json::from_str(&git(&["show", &format!("{commit}:{file}")]).unwrap()).unwrap();
        let name = file.trim_start_matches("contracts/").trim_start_matches("events/");
        match std::fs::read_to_string(root().join(file)) {
            Ok(after) => {
                let breaks = compare(&before, &serde_json::from_str(&after).unwrap());
                found.extend(breaks.iter().map(|one| format!("{name}: {one}")));
            }
            Err(_) => found.push(format!("{name}: is gone")),
        }
    }
    found
}

#[test]
fn no_contract_breaks_what_an_earlier_one_promised() {
    let accepted = accepted();
    for commit in earlier() {
        let broken: Vec<_> = broken_since(&commit).into_iter().filter(|one| !accepted.contains(one)).collect();
        assert!(
            broken.is_empty(),
            "since {commit}: {broken:#?}\nMake it a new version (v2 beside v1), or say in contracts/accepted-breaks.txt why \
             nobody is hurt."
        );
    }
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
            "parameters": [{"in": "header", "name": "Idempotency-Key", "required": false, "schema": {"type": "string"}}],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}}},
            "responses": {"201": {"$ref": "#/components/responses/Made"}},
        }}},
        "components": {
            "schemas": {
                "Wish": {"type": "object", "required": ["patientId"], "properties": {
                    "patientId": {"type": "string", "maxLength": 64}, "reason": {"type": "string"}}},
                "Visit": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "mode": {"enum": ["video"]}}},
            },
            "responses": {"Made": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Visit"}}}}},
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

const NARROWED: [(&str, Change); 10] = [
    ("POST /visits: is gone", |api| api["paths"]["/visits"] = json!({})),
    ("POST /visits: has another operationId", |api| api["paths"]["/visits"]["post"]["operationId"] = json!("make")),
    ("POST /visits: has another security", |api| api["paths"]["/visits"]["post"]["security"] = json!([])),
    ("POST /visits: 201 is gone", |api| api["paths"]["/visits"]["post"]["responses"] = json!({"200": {}})),
    ("POST /visits: header 'Idempotency-Key' must be there now", |api| {
        api["paths"]["/visits"]["post"]["parameters"][0]["required"] = json!(true);
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
