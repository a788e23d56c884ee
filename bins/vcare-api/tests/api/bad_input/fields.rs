//! Fields that are missing, of another type, empty, too long, or hold what does not belong in them.

use serde_json::{Value, json};

use super::{Bench, Case, case, wrong_field};

const NUL: &str = "a\u{0}b";
const ESCAPE: &str = "a\u{1b}[31mb";
/// Makes what follows read from right to left: `abc` and this line look alike.
const BIDI: &str = "a\u{202E}cb";
const ISOLATE: &str = "a\u{2066}b";

/// No id, wherever one of a neighbour's is asked for.
fn no_ids(longest: usize) -> Vec<Value> {
    let texts =
        ["", " ", "a b", "a/b", "../b", "a\nb", "<b>", "پت", "'; DROP TABLE outbox --", NUL, ESCAPE, BIDI, ISOLATE];
    let mut all: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
    all.push(json!("x".repeat(longest + 1)));
    all.push(json!("x".repeat(60_000)));
    all.extend(no_texts());
    all
}

fn no_texts() -> Vec<Value> {
    vec![json!(7), json!(1.5), json!(true), json!(["a"]), json!({"a": "b"})]
}

/// `body` with that value in that field, at that path.
fn tried(bench: &Bench, path: &str, body: &Value, field: &str, value: Value) -> Case {
    let shown: String = value.to_string().chars().take(40).collect();
    let mut body = body.clone();
    body[field] = value;
    wrong_field(format!("{path} {field} {shown}"), bench.post_json(path, &body), field)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_visit_names_its_people_by_their_ids() {
    let bench = Bench::start().await;
    let wish = bench.app.wish();
    let mut cases = Vec::new();
    for (field, longest) in [("patientId", 64), ("appointmentId", 64), ("providerId", 128)] {
        cases.extend(no_ids(longest).into_iter().map(|value| tried(&bench, "/sessions", &wish, field, value)));
    }
    let zones = ["", " ", "Mars/Olympus", "Asia Kabul", "Asia/Kabul\n", "../../etc/passwd\u{0}", BIDI, "کابل", "UTC;x"];
    let zones = zones.map(Value::from).into_iter().chain([json!("x".repeat(65))]).chain(no_texts());
    cases.extend(zones.map(|value| tried(&bench, "/sessions", &wish, "timeZone", value)));
    let flags = [json!("true"), json!("yes"), json!(1), json!(null), json!([true])];
    cases.extend(flags.into_iter().map(|value| tried(&bench, "/sessions", &wish, "recordingEnabled", value)));
    for field in ["patientId", "scheduledStart"] {
        cases.push(tried(&bench, "/sessions", &wish, field, Value::Null));
        let mut without = wish.clone();
        without.as_object_mut().unwrap().remove(field);
        cases.push(wrong_field(format!("no {field}"), bench.post_json("/sessions", &without), field));
    }
    let empty = bench.post("/sessions", "");
    cases.push(wrong_field("no body", empty, "patientId"));
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_with_a_new_visit_is_told_at_once() {
    let bench = Bench::start().await;
    let mut wish = bench.app.wish();
    for (field, value) in [("patientId", "a/b"), ("appointmentId", ""), ("providerId", "a b"), ("timeZone", " ")] {
        wish[field] = json!(value);
    }
    let answer = bench.app.post(&bench.clinician, "/sessions", &wish).await;
    let answer = answer.names_field("patientId").names_field("appointmentId").names_field("providerId");
    answer.names_field("timeZone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_half_of_a_character_is_no_text() {
    let bench = Bench::start().await;
    let start = bench.app.minutes_ahead(30);
    let body = format!(r#"{{"patientId": "\ud800", "scheduledStart": "{start}"}}"#);
    bench.refuse(vec![wrong_field("half a character", bench.post("/sessions", body), "body")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_is_prose_that_shows_what_it_says() {
    let bench = Bench::start().await;
    let remove = bench.at(&format!("/participants/{}/remove", bench.visit.patient));
    let mut cases = Vec::new();
    for path in [bench.at("/cancel"), remove] {
        let texts = ["", " \n\t", NUL, ESCAPE, BIDI, ISOLATE, "\r", "a\u{7f}b", "a\u{85}b"].map(Value::from);
        let more = [json!("x".repeat(501)), json!("ن".repeat(501)), json!("x".repeat(60_000)), json!(null)];
        let reasons = texts.into_iter().chain(more).chain(no_texts());
        cases.extend(reasons.map(|value| tried(&bench, &path, &json!({}), "reason", value)));
        cases.push(wrong_field(format!("{path} no reason"), bench.post(&path, "{}"), "reason"));
        cases.push(wrong_field(format!("{path} no body"), bench.post(&path, ""), "reason"));
        let bare = bench.app.request(reqwest::Method::POST, &path).bearer_auth(&bench.clinician);
        cases.push(wrong_field(format!("{path} nothing"), bare, "reason"));
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_has_a_role_and_a_provider_an_account() {
    let bench = Bench::start().await;
    let path = bench.at("/participants");
    let observer = json!({"role": "observer"});
    let mut cases: Vec<Case> =
        no_ids(128).into_iter().map(|value| tried(&bench, &path, &observer, "userId", value)).collect();
    let roles = ["", " ", "doctor", "Observer", "observer ", "admin", NUL, BIDI].map(Value::from);
    let roles = roles.into_iter().chain([json!(null), json!("x".repeat(60_000))]).chain(no_texts());
    cases.extend(roles.map(|value| tried(&bench, &path, &json!({}), "role", value)));
    cases.push(wrong_field("no role", bench.post(&path, "{}"), "role"));
    cases.push(wrong_field("a provider without account", bench.post(&path, r#"{"role": "provider"}"#), "userId"));
    cases.push(case("a second patient", bench.post(&path, r#"{"role": "patient"}"#), 409, "PATIENT_ALREADY_INVITED"));
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_body_is_a_text() {
    let bench = Bench::start().await;
    let tokens =
        no_texts().into_iter().chain([Value::Null, json!([bench.join_token]), json!({"token": bench.join_token})]);
    let mut cases: Vec<Case> =
        tokens.map(|value| tried(&bench, "/sessions/join", &json!({}), "token", value)).collect();
    cases.push(wrong_field("no token", bench.post("/sessions/join", "{}"), "token"));
    cases.push(wrong_field("no body", bench.post("/sessions/join", ""), "token"));
    let bare = json!(bench.join_token);
    cases.push(wrong_field("only the token", bench.post_json("/sessions/join", &bare), "body"));
    let misplaced = json!({"token": "a.b.c", "version": bench.join_token});
    cases.push(wrong_field("in another field", bench.post_json("/sessions/join", &misplaced), "version"));
    let misplaced = json!({"version": bench.join_token});
    cases.push(wrong_field("for a number", bench.post_json(&bench.at("/end"), &misplaced), "version"));
    bench.refuse(cases).await;
}
