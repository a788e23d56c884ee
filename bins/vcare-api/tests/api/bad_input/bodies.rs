//! Bodies that are none, whatever should stand in them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;
use serde_json::json;

use super::{Bench, Case, case, wrong_field};
use crate::described::{Operation, operations};

/// 70,000 spaces, packed into 104 bytes.
const GROWS: &str = "H4sIAAAAAAACA+3BMQEAAADCoCrrn9ISnkABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
                     AAAAAAAAAAAAAAAAAG8DYKxFH3ARAQA=";

/// Of people's requests. What the deployment's servers send is theirs to shape.
fn with_bodies() -> Vec<Operation> {
    operations()
        .into_iter()
        .filter(|operation| (operation.takes_body || operation.takes_patch) && !operation.internal)
        .collect()
}

/// A body of so many bytes that is wrong in that field, or too long for who takes only short ones.
fn wrong(operation: &Operation, what: String, request: RequestBuilder, field: &str, length: usize) -> Case {
    match operation.takes_only_short_bodies() && length > 300 {
        true => case(what, request, 413, "PAYLOAD_TOO_LARGE"),
        false => wrong_field(what, request, field),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_takes_a_body_that_is_not_one_json_object() {
    let bench = Bench::start().await;
    let megabyte = json!({"reason": "x".repeat(1 << 20)}).to_string();
    let deep = "[".repeat(60_000);
    let deep_object = format!("{}1{}", r#"{"a":"#.repeat(5000), "}".repeat(5000));
    let mut cases = Vec::new();
    for operation in with_bodies() {
        let good = operation.good_body(&bench.app.wish()).to_string();
        let values = operation.good_body(&bench.app.wish());
        let values: Vec<_> = values.as_object().unwrap().values().collect();
        let by_place = json!(values).to_string();
        let trailing = format!("{good}{good}");
        let cut = format!("{},", &good[..good.len() - 1]);
        let bom = format!("\u{FEFF}{good}");
        let bodies: [(&str, &[u8]); 17] = [
            ("words", b"please end it"),
            ("a form", b"reason=x&version=1"),
            ("one that is cut", cut.as_bytes()),
            ("one with another behind it", trailing.as_bytes()),
            ("a list of nothing", b"[]"),
            ("a list of the fields' values", by_place.as_bytes()),
            ("a text", b"\"x\""),
            ("a number", b"17"),
            ("null", b"null"),
            ("true", b"true"),
            ("white space", b" \r\n\t "),
            ("bytes that are no text", b"{\"\xff\xfe\": 1}"),
            ("a byte order mark", bom.as_bytes()),
            ("a comment", b"/* nothing */ {}"),
            ("single quotes", b"{'reason': 'x'}"),
            ("endless lists", deep.as_bytes()),
            ("an open brace", b"{"),
        ];
        let named = |what: &str| format!("{} takes {what}", operation.id);
        for (what, body) in bodies {
            cases.push(wrong(&operation, named(what), bench.with_body(&operation, body.to_vec()), "body", body.len()));
        }
        let endless = bench.with_body(&operation, deep_object.clone());
        cases.push(wrong(&operation, named("endless objects"), endless, "a", deep_object.len()));
        cases.push(case(named("a megabyte"), bench.with_body(&operation, megabyte.clone()), 413, "PAYLOAD_TOO_LARGE"));
    }
    assert!(cases.len() > 150, "{}", cases.len());
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_takes_a_field_that_it_does_not_know() {
    let bench = Bench::start().await;
    let mut cases = Vec::new();
    for operation in with_bodies() {
        let mut unknown = |field: &str| {
            let mut body = operation.good_body(&bench.app.wish());
            body[field] = json!("x");
            cases.push(wrong_field(
                format!("{} takes {field:.30}", operation.id),
                operation.conditional(bench.with_body(&operation, body.to_string())),
                field,
            ));
        };
        for field in ["surprise", "tenantId", "status", "Version", "__proto__", ""] {
            unknown(field);
        }
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_nobody_knows_is_not_repeated_at_length() {
    let bench = Bench::start().await;
    let cases = with_bodies().into_iter().map(|operation| {
        let mut body = operation.good_body(&bench.app.wish());
        body["x".repeat(30_000)] = json!(1);
        let shortened = format!("{}…", "x".repeat(100));
        wrong(&operation, operation.id.clone(), bench.with_body(&operation, body.to_string()), &shortened, 30_000)
    });
    let cases: Vec<Case> = cases.collect();
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_takes_a_body_of_another_kind() {
    let bench = Bench::start().await;
    let mut cases = Vec::new();
    for operation in with_bodies() {
        let path = operation.path(&bench.visit.id, &bench.visit.patient);
        let good = operation.good_body(&bench.app.wish()).to_string();
        let kinds = [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "text/json",
            "",
            "application/json, text/plain",
        ];
        for kind in kinds {
            let request =
                bench.request(operation.method.clone(), &path).header("Content-Type", kind).body(good.clone());
            cases.push(case(format!("{} takes {kind:?}", operation.id), request, 415, "UNSUPPORTED_MEDIA_TYPE"));
        }
        let request = bench.request(operation.method.clone(), &path).body(good);
        cases.push(case(format!("{} takes what is of no kind", operation.id), request, 415, "UNSUPPORTED_MEDIA_TYPE"));
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_body_is_64_kibibytes_however_it_is_packed() {
    let bench = Bench::start().await;
    let end = bench.at("/end");
    let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
    let grows = STANDARD.decode(GROWS).unwrap();
    bench
        .refuse(vec![
            case("one byte too much", bench.post(&end, padded(65_537)), 413, "PAYLOAD_TOO_LARGE"),
            case(
                "packed",
                bench.post(&end, grows.clone()).header("Content-Encoding", "gzip"),
                413,
                "PAYLOAD_TOO_LARGE",
            ),
            wrong_field("badly packed", bench.post(&end, "{}").header("Content-Encoding", "gzip"), "body"),
            wrong_field("packed, but not said so", bench.post(&end, grows), "body"),
        ])
        .await;
    bench.app.send(bench.post(&end, padded(65_536))).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_once_however_it_is_written() {
    let bench = Bench::start().await;
    let start = bench.app.minutes_ahead(30);
    let twice = |keys: [&str; 2]| {
        format!(r#"{{{}: "pat-ahmad-rahimi", {}: "pat-no-consent", "scheduledStart": "{start}"}}"#, keys[0], keys[1])
    };
    let cases = vec![
        wrong_field("twice", bench.post("/sessions", twice([r#""patientId""#, r#""patientId""#])), "patientId"),
        wrong_field(
            "once escaped",
            bench.post("/sessions", twice([r#""patientId""#, r#""\u0070atientId""#])),
            "patientId",
        ),
        wrong_field("reason", bench.post(&bench.at("/cancel"), r#"{"reason": "a", "reason": "b"}"#), "reason"),
        wrong_field("version", bench.post(&bench.at("/end"), r#"{"version": 3, "version": null}"#), "version"),
        wrong_field("token", bench.post("/sessions/join", r#"{"token": "a.b.c", "token": "a.b.c"}"#), "token"),
        wrong_field(
            "role",
            bench.post(&bench.at("/participants"), r#"{"role": "observer", "role": "provider"}"#),
            "role",
        ),
    ];
    bench.refuse(cases).await;
}
