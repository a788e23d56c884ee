//! `If-Match`, the version in the body, and `Idempotency-Key`.

use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::{Bench, Case, case, wrong_field};
use crate::described::{Operation, operations};

impl Bench {
    /// A request that would pass, but for what is added to it.
    fn good(&self, operation: &Operation, more: &Value) -> RequestBuilder {
        let mut body = operation.good_body(&self.app.wish());
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.with_body(operation, body.to_string())
    }
}

fn versioned() -> impl Iterator<Item = Operation> {
    operations().into_iter().filter(|operation| operation.versioned)
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match_is_a_list_of_entity_tags() {
    let bench = Bench::start().await;
    let mut cases = Vec::new();
    for operation in versioned() {
        let good = || bench.good(&operation, &json!({}));
        for header in [
            "3",
            "\"3",
            "3\"",
            "\"2\" \"3\"",
            "\"2\"; \"3\"",
            "\"2\", 3",
            "*, \"3\"",
            "w/\"3\"",
            "W/3",
            "\" 3\"",
            "'3'",
            ",",
            "",
        ] {
            cases.push(wrong_field(
                format!("{} {header}", operation.id),
                good().header("If-Match", header),
                "If-Match",
            ));
        }
        let twice = good().header("If-Match", "\"3\"").header("If-Match", "3");
        cases.push(wrong_field(format!("{} twice", operation.id), twice, "If-Match"));
        let bytes = HeaderValue::from_bytes(b"\xd9\xa3").unwrap();
        cases.push(wrong_field(format!("{} no ASCII", operation.id), good().header("If-Match", bytes), "If-Match"));
    }
    assert!(cases.len() >= 7 * 15);
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_in_the_body_is_a_number_and_agrees_with_if_match() {
    let bench = Bench::start().await;
    let mut cases = Vec::new();
    for operation in versioned() {
        for version in [
            json!(0),
            json!(-1),
            json!(1.5),
            json!(4_294_967_296_u64),
            json!("3"),
            json!(true),
            json!([3]),
            json!({"is": 3}),
        ] {
            let request = operation.conditional(bench.good(&operation, &json!({"version": version})));
            cases.push(wrong_field(format!("{} {version}", operation.id), request, "version"));
        }
        let two = bench.good(&operation, &json!({"version": 2})).header("If-Match", "\"3\"");
        cases.push(wrong_field(format!("{} two versions", operation.id), two, "version"));
        let zero = bench.good(&operation, &json!({"version": 0})).header("If-Match", "*");
        cases.push(wrong_field(format!("{} any, and none", operation.id), zero, "version"));
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saw_another_version_is_told_the_current_one_and_changes_nothing() {
    let bench = Bench::start().await;
    let session = bench.app.get(&bench.clinician, &bench.at("")).await.expect(200).body;
    let current = session["version"].as_u64().unwrap();
    let mut cases = Vec::new();
    for operation in versioned().filter(Operation::of_a_session) {
        for other in [1, current - 1, current + 1, u64::from(u32::MAX)] {
            let by_body = bench.good(&operation, &json!({"version": other}));
            let by_header = bench.good(&operation, &json!({})).header("If-Match", format!("\"{other}\""));
            let name = format!("{} at {other}", operation.id);
            cases.push(case(name.clone(), by_body, 409, "OPTIMISTIC_LOCK_CONFLICT"));
            cases.push(case(name, by_header, 409, "OPTIMISTIC_LOCK_CONFLICT"));
        }
    }
    bench.refuse(cases).await;
    let answer = bench.app.post(&bench.clinician, &bench.at("/end"), &json!({"version": 1})).await;
    assert_eq!(answer.refused(409, "OPTIMISTIC_LOCK_CONFLICT").body["currentVersion"], current);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_up_to_128_visible_characters_and_sent_once() {
    let bench = Bench::start().await;
    let takes_key = |operation: &Operation| operation.signed_in && operation.takes_body && operation.of_a_session();
    let mut cases = Vec::new();
    for operation in operations().into_iter().filter(takes_key) {
        let mut tried = |name: &str, with: &dyn Fn(RequestBuilder) -> RequestBuilder| {
            let request = with(bench.good(&operation, &json!({})));
            cases.push(wrong_field(format!("{} {name}", operation.id), request, "Idempotency-Key"));
        };
        let long = "k".repeat(129);
        let quoted = format!("\"{long}\"");
        for key in ["", " ", "a b", "a\tb", &long, "\"", "\"\"", "\"a", "\"a b\"", "\"a\"b", "\"a\";b=1", &quoted] {
            tried(key, &|request| request.header("Idempotency-Key", key));
        }
        let bytes = HeaderValue::from_bytes("کلید".as_bytes()).unwrap();
        tried("no ASCII", &|request| request.header("Idempotency-Key", bytes.clone()));
        tried("twice", &|request| request.header("Idempotency-Key", "k1").header("Idempotency-Key", "k1"));
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_request() {
    let bench = Bench::start().await;
    let (first, key) = (bench.app.wish(), "wish-1");
    bench.app.post_once(&bench.clinician, "/sessions", &first, key).await.expect(201);
    let again = |path: &str, body: &Value| bench.post_json(path, body).header("Idempotency-Key", key);
    let mut other = first.clone();
    other["appointmentId"] = json!("appt-2");
    let mut written_out = first.clone();
    written_out["recordingEnabled"] = json!(false);
    let reused = |name: &str, request| case(name, request, 422, "IDEMPOTENCY_KEY_REUSED");
    let cases: Vec<Case> = vec![
        reused("another wish", again("/sessions", &other)),
        reused("the same with a default written out", again("/sessions", &written_out)),
        reused("another route", again(&bench.at("/cancel"), &json!({"reason": "x"}))),
    ];
    bench.refuse(cases).await;
}
