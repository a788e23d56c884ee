//! How HTTP is spoken on every path: HEAD, OPTIONS, charsets, limits, and what is not compressed.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use vcare_api::request::packing::HOLD_SECRETS;

use crate::described::{operations, resolved_document};
use crate::support::{Answer, TestApp};

/// Their GET lets somebody in, or is held open: there is no HEAD.
const WITHOUT_HEAD: [&str; 2] = ["/sessions/join", "/sessions/join/status"];

/// The headers that say the same whenever they are asked for.
fn lasting(answer: &Answer) -> BTreeMap<String, String> {
    let headers = answer.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
    headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_wherever_get_is_with_the_same_headers_and_no_body() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (clinician, admin) = (app.token("clinician"), app.token("tenant_admin"));
    let read = operations().into_iter().filter(|operation| operation.method == Method::GET);
    let mut paths: Vec<(String, String)> = read
        .filter(|operation| !WITHOUT_HEAD.contains(&operation.template.as_str()))
        .map(|operation| {
            let token = if operation.id == "getConfig" { &admin } else { &clinician };
            (operation.path(&visit.id, &visit.patient), operation.opened_by(token).to_owned())
        })
        .collect();
    let pages = ["//visit", "//v", "//openapi.json", "//docs/", "//docs/index.css", "/problems", "/problems/not-found"];
    paths.extend(pages.map(|page| (page.to_owned(), clinician.clone())));
    for (path, token) in paths {
        let ask = |method| app.send(app.request(method, &path).bearer_auth(&token));
        let (got, head) = (ask(Method::GET).await, ask(Method::HEAD).await);
        assert_eq!(head.status, got.status, "{path}");
        assert_ne!(got.body["code"], "NOT_FOUND", "{path}");
        assert_eq!(head.bytes.len(), 0, "{path}");
        // These are another text each time.
        if !["//metrics", "//health", "//health/ready"].contains(&path.as_str()) && got.status < 400 {
            assert_eq!(lasting(&head), lasting(&got), "{path}");
            assert_eq!(head.header("content-length"), got.bytes.len().to_string(), "{path}");
        }
    }
    for path in WITHOUT_HEAD {
        let answer = app.send(app.request(Method::HEAD, path)).await.refused(405, "METHOD_NOT_ALLOWED");
        assert!(!answer.header("allow").contains("HEAD"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_by_head_is_audited_as_one_by_get_is() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let looks = async || {
        let events = app.all_events().await.into_iter();
        let mut looks: Vec<Value> = events.map(|event| event["data"].clone()).collect();
        looks.retain(|data| data["eventType"] == "RECORD_READ");
        looks
    };
    for path in [visit.path(""), "/sessions".to_owned()] {
        let before = looks().await.len();
        for method in [Method::GET, Method::HEAD] {
            app.send(app.request(method, &path).bearer_auth(app.token("clinician"))).await.expect(200);
        }
        let new = looks().await.split_off(before);
        assert_eq!(new.len(), 2, "{path}");
        assert_eq!(new[0], new[1], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_lists_exactly_what_is_routed_and_allow_says_so_to_everybody() {
    let app = TestApp::start_with(r#"api.cors_allow_origins = ["https://console.example"]"#).await;
    let mut routed = BTreeMap::<String, BTreeSet<String>>::new();
    for operation in operations().into_iter().filter(|operation| !operation.internal) {
        let methods = routed.entry(operation.path("vsn_1", "vsp_1")).or_default();
        methods.insert(operation.method.to_string());
        if operation.method == Method::GET && !WITHOUT_HEAD.contains(&operation.template.as_str()) {
            methods.insert("HEAD".to_owned());
        }
    }
    let set = |text: &str| text.split(", ").map(str::to_owned).collect::<BTreeSet<String>>();
    for (path, mut methods) in routed {
        let bare = app.send(app.request(Method::OPTIONS, &path)).await.expect(204);
        let preflight = app.request(Method::OPTIONS, &path).header("Origin", "https://console.example");
        let preflight = preflight.header("Access-Control-Request-Method", "PUT");
        let preflight = preflight.header("Access-Control-Request-Headers", "if-match,x-anything");
        let asked = app.send(preflight).await.expect(204);
        assert_eq!(set(asked.header("access-control-allow-methods")), methods, "{path}");
        assert_eq!(asked.header("access-control-allow-headers"), "if-match,x-anything", "{path}");
        assert_eq!(asked.header("access-control-allow-origin"), "https://console.example", "{path}");
        methods.insert("OPTIONS".to_owned());
        for answer in [bare, asked] {
            assert_eq!(set(answer.header("allow")), methods, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_taken_in_utf_8_and_in_no_other_charset() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let probe = json!({"rttMs": 120, "lossPercent": 0.5, "upKbps": 300, "downKbps": 300}).to_string();
    let sent = async |kind: &str| {
        let request = app.request(Method::POST, &visit.path("/link-probe")).bearer_auth(app.token("clinician"));
        app.send(request.header("Content-Type", kind).body(probe.clone())).await
    };
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "APPLICATION/JSON; Charset=\"utf-8\"",
        "application/json; profile=x",
    ] {
        assert_ne!(sent(kind).await.status, 415, "{kind}");
    }
    for kind in ["application/json; charset=iso-8859-1", "application/json; charset=utf-16", "application/vnd.api+json"]
    {
        sent(kind).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
}

fn packed(request: RequestBuilder) -> RequestBuilder {
    request.header("Accept-Encoding", "gzip, br")
}

/// By the length of what is packed, a secret could be guessed (BREACH).
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_a_token_is_not_compressed_and_others_are() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let clinician = app.token("clinician");
    let post = |path: &str, body: Value| {
        let request =
            app.request(Method::POST, path).bearer_auth(&clinician).header("Content-Type", "application/json");
        packed(request.body(body.to_string()))
    };
    let requests = [
        post(&visit.path("/join"), json!({})),
        post(&visit.path(&format!("/admit/{}", visit.patient)), json!({})),
        post("/sessions/join", json!({ "token": token })),
        packed(app.request(Method::GET, &format!("/sessions/join?token={token}"))),
        post(&visit.path(&format!("/participants/{}/join-token", visit.patient)), json!({})),
    ];
    for request in requests {
        let answer = app.send(request).await;
        assert!((200..300).contains(&answer.status), "{}", answer.body);
        assert_eq!(answer.header("content-encoding"), "", "{}", answer.body);
        assert_eq!(answer.header("content-length"), answer.bytes.len().to_string());
    }
    let list = packed(app.request(Method::GET, "/sessions").bearer_auth(&clinician));
    assert!(["gzip", "br"].contains(&app.send(list).await.expect(200).header("content-encoding")));
}

#[test]
fn every_operation_that_answers_a_token_or_an_address_that_opens_something_is_kept_from_compression() {
    let document = resolved_document();
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let schema = &response["content"]["application/json"]["schema"];
                let secret = status.starts_with('2') && tells_secret(&document, schema, 0);
                // Server to server, inside the deployment: nobody's page can ask there.
                if secret && !path.starts_with("/internal/") {
                    found.insert(path.as_str());
                }
            }
        }
    }
    assert_eq!(found, HOLD_SECRETS.into_iter().collect());
}

/// Whether an answer of that schema has a member that is a token, or an address with one.
fn tells_secret(document: &Value, schema: &Value, depth: u8) -> bool {
    const SECRET: [&str; 8] = ["token", "joinToken", "joinUrl", "shortUrl", "videoJoinUrl", "url", "previewUrl", "jwt"];
    if depth > 8 {
        return false;
    }
    let inner = |schema: &Value| tells_secret(document, schema, depth + 1);
    if let Some(reference) = schema["$ref"].as_str() {
        return inner(document.pointer(reference.trim_start_matches('#')).unwrap());
    }
    let members = schema["properties"].as_object().into_iter().flatten();
    let mut parts = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
    members.into_iter().any(|(name, schema)| SECRET.contains(&name.as_str()) || inner(schema))
        || parts.any(inner)
        || schema.get("items").is_some_and(inner)
}
