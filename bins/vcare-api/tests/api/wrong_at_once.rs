//! Everything that is wrong with a request is told at once, each thing with its place and its kind.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::TestApp;

/// The places that a refusal names, each with the code of what is wrong there.
async fn wrong(app: &TestApp, request: RequestBuilder) -> BTreeMap<String, String> {
    let answer = app.send(request).await.refused(400, "VALIDATION_ERROR");
    let errors = answer.body["errors"].as_array().unwrap();
    let told = errors.iter().map(|error| {
        let members = error.as_object().unwrap();
        let places: Vec<_> = members.iter().filter(|(name, _)| !matches!(name.as_str(), "code" | "detail")).collect();
        assert_eq!(places.len(), 1, "one place each: {error}");
        let (kind, place) = places[0];
        (format!("{kind} {}", place.as_str().unwrap()), error["code"].as_str().unwrap().to_owned())
    });
    let all: BTreeMap<_, _> = told.collect();
    assert_eq!(all.len(), errors.len(), "nothing is told twice: {}", answer.body);
    all
}

fn expected(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect()
}

fn body(app: &TestApp, path: &str, body: &Value) -> RequestBuilder {
    let request = app.request(Method::POST, path).bearer_auth(app.token("clinician"));
    request.header("Content-Type", "application/json").body(body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_path_headers_and_body_is_told_together() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let invite = json!({"role": 7, "surprise": 1, "other": 2, "userId": "a b"});
    let request = body(&app, "/sessions/garbage/participants", &invite);
    let request = request.header("If-Match", "three").header("Idempotency-Key", "a b");
    let all = expected(&[
        ("parameter sessionId", "FORMAT"),
        ("header If-Match", "FORMAT"),
        ("header Idempotency-Key", "FORMAT"),
        ("pointer /role", "TYPE"),
        ("pointer /userId", "FORMAT"),
        ("pointer /surprise", "UNKNOWN"),
        ("pointer /other", "UNKNOWN"),
    ]);
    assert_eq!(wrong(&app, request).await, all);
    // Of a body of the right types, too.
    let request = body(&app, &visit.path("/participants"), &json!({"role": "observer", "userId": "a b"}));
    let all = expected(&[("header If-Match", "FORMAT"), ("pointer /userId", "FORMAT")]);
    assert_eq!(wrong(&app, request.header("If-Match", "three")).await, all);
    // Where no body is read, all parameters and headers.
    let request = app.request(Method::GET, "/sessions/garbage").bearer_auth(app.token("clinician"));
    let all = expected(&[("parameter sessionId", "FORMAT"), ("header X-Emergency-Reason", "LENGTH")]);
    assert_eq!(wrong(&app, request.header("X-Emergency-Reason", "why")).await, all);
    let request = app.request(Method::GET, "/sessions/garbage").bearer_auth(app.token("clinician"));
    let request = request.header("X-Emergency-Reason", "why").header("X-Emergency-Reason-Code", "because");
    let all = expected(&[
        ("parameter sessionId", "FORMAT"),
        ("header X-Emergency-Reason", "LENGTH"),
        ("header X-Emergency-Reason-Code", "FORMAT"),
    ]);
    assert_eq!(wrong(&app, request).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_told_all_its_faults_by_pointer_and_kind() {
    let app = TestApp::start().await;
    let start = app.minutes_ahead(30);
    let table = [
        (json!({}), vec![("pointer /patientId", "REQUIRED"), ("pointer /scheduledStart", "REQUIRED")]),
        (
            json!({"patientId": "", "scheduledStart": "tomorrow", "recordingEnabled": "yes", "a/b": 1}),
            vec![
                ("pointer /patientId", "REQUIRED"),
                ("pointer /scheduledStart", "FORMAT"),
                ("pointer /recordingEnabled", "TYPE"),
                ("pointer /a~1b", "UNKNOWN"),
            ],
        ),
        (
            json!({"patientId": "x".repeat(65), "scheduledStart": start, "timeZone": "Mars/Olympus"}),
            vec![("pointer /patientId", "LENGTH"), ("pointer /timeZone", "FORMAT")],
        ),
        (json!([]), vec![("pointer ", "TYPE")]),
    ];
    for (wish, all) in table {
        assert_eq!(wrong(&app, body(&app, "/sessions", &wish)).await, expected(&all), "{wish}");
    }
    let twice = format!(r#"{{"patientId": "a b", "patientId": "c", "scheduledStart": "{start}", "x": 1}}"#);
    let request = app.request(Method::POST, "/sessions").bearer_auth(app.token("clinician"));
    let request = request.header("Content-Type", "application/json").body(twice);
    let all = expected(&[("pointer /patientId", "DUPLICATE"), ("pointer /x", "UNKNOWN")]);
    assert_eq!(wrong(&app, request).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_told_all_its_faults_unknown_parameters_among_them() {
    let app = TestApp::start().await;
    for path in ["/sessions", "/async-visits"] {
        let list =
            |query: &str| app.request(Method::GET, &format!("{path}?{query}")).bearer_auth(app.token("clinician"));
        let all = expected(&[
            ("parameter status", "FORMAT"),
            ("parameter first", "UNKNOWN"),
            ("parameter second", "UNKNOWN"),
            ("parameter patientId", "FORMAT"),
        ]);
        assert_eq!(wrong(&app, list("status=open&first=1&second=2&patientId=a%20b")).await, all, "{path}");
        let all = expected(&[("parameter status", "DUPLICATE"), ("parameter limit", "DUPLICATE")]);
        assert_eq!(wrong(&app, list("status=a&status=b&limit=1&limit=2&limit=3")).await, all, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_said_once_and_the_rest_is_counted() {
    let app = TestApp::start().await;
    let detail = async |wish: Value| {
        app.send(body(&app, "/sessions", &wish)).await.refused(400, "VALIDATION_ERROR").text("detail")
    };
    let (start, end) = (app.minutes_ahead(30), app.minutes_ahead(29));
    let visit = json!({"patientId": "pat-ahmad-rahimi", "scheduledStart": start, "scheduledEnd": end});
    let told = detail(visit).await;
    assert_eq!(told.matches("scheduledEnd").count(), 1, "{told}");
    let two = detail(json!({"patientId": "", "scheduledStart": start, "providerId": "a b"})).await;
    assert_eq!(two, "patientId: must not be empty (and 1 more)");
}
