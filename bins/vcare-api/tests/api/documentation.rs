//! The API's description is what the API does.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::{Consents, Mode, Name};

use crate::described::{self, resolved_document};
use crate::support::{Answer, CONSENTED, NO_CONSENT, TestApp, Visit, audio, draft, must_be_committed, silence};

fn document() -> Value {
    serde_json::to_value(vcare_api::openapi::document()).unwrap()
}

#[test]
fn the_committed_openapi_document_is_that_of_the_code() {
    let text = vcare_api::openapi::document().to_pretty_json().unwrap();
    must_be_committed("contracts/openapi/vcare-api.json", &format!("{text}\n"));
}

#[test]
fn the_openapi_document_is_whole() {
    let document = resolved_document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let whole = serde_json::to_value(vcare_api::openapi::document()).unwrap();
    let mut references = Vec::new();
    collect_references(&whole, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{what}: its id is another's");
            assert!(operation["summary"].is_string(), "{what} has no summary");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{what}");
            let responses = operation["responses"].as_object().unwrap();
            for status in responses.keys() {
                assert!(!operation["responses"][status].is_null());
            }
            if operation["security"].to_string().contains("accessToken") {
                for status in ["400", "401", "403", "503"] {
                    assert!(responses.contains_key(status), "{what} does not describe {status}");
                }
            }
            // Every parameter of the path is described, and no other.
            let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            let described = parameters.iter().filter(|parameter| parameter["in"] == "path");
            let described: BTreeSet<&str> = described.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            let named: BTreeSet<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
            assert_eq!(described, named, "{what}");
            if method == "post" && path.contains("/sessions") && !path.contains("/sessions/join") {
                let keyed = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
                assert!(keyed, "{what} takes no Idempotency-Key");
            }
        }
    }
}

fn collect_references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| collect_references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_references(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_is_served() {
    let app = TestApp::start().await;
    let served = app.send(app.request(Method::GET, "//openapi.json")).await.expect(200);
    assert_eq!(served.body, document());
}

/// Behind a hospital's firewall, and on a 2G link: nothing is loaded from elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn the_docs_page_loads_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let page = app.send(app.request(Method::GET, "//docs")).await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let page = app.send(app.request(Method::GET, "//docs/")).await.expect(200);
    let html = String::from_utf8(page.bytes).unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    let assets: Vec<&str> = ["src=\"", "href=\""].iter().flat_map(|mark| html.split(mark).skip(1)).collect();
    let assets: Vec<&str> = assets.iter().map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(assets.len() >= 4, "{assets:?}");
    for asset in assets {
        assert!(!asset.starts_with("//") && !asset.contains(':'), "{asset}");
        let path = format!("//docs/{}", asset.trim_start_matches("./"));
        let answer = app.send(app.request(Method::GET, &path)).await.expect(200);
        assert!(!answer.bytes.is_empty(), "{asset}");
        let text = String::from_utf8_lossy(&answer.bytes);
        if asset.ends_with("initializer.js") {
            assert!(text.contains("/openapi.json"), "{text}");
            assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
        }
        if asset.ends_with(".css") {
            assert!(!text.contains("@import") && !text.contains("url(http") && !text.contains("url(//"), "{asset}");
        }
    }
}

/// Whatever is described is answered, by the methods that are described and by no other.
#[tokio::test(flavor = "multi_thread")]
async fn every_described_path_is_routed_for_its_methods_alone() {
    let app = TestApp::start().await;
    let (session, participant) = ("vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R", "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S");
    let token = app.token("clinician");
    let operations = described::operations();
    for operation in &operations {
        let path = operation.path(session, participant);
        let token = operation.opened_by(&token);
        let answer = app.send(app.request(operation.method.clone(), &path).bearer_auth(token)).await;
        assert!(answer.status != 405 && answer.body["code"] != "NOT_FOUND", "{operation:?}: {}", answer.body);
        let same: Vec<_> = operations.iter().filter(|other| other.template == operation.template).collect();
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            if same.iter().any(|other| other.method == method) {
                continue;
            }
            let answer = app.send(app.request(method, &path).bearer_auth(token)).await;
            let answer = answer.refused(405, "METHOD_NOT_ALLOWED");
            let allowed: BTreeSet<&str> = answer.header("allow").split(", ").collect();
            let mut described: BTreeSet<&str> = same.iter().map(|other| other.method.as_str()).collect();
            // HEAD goes with GET, but where that enters a session or is held open; OPTIONS with all that people call.
            if described.contains("GET")
                && !matches!(operation.id.as_str(), "joinSessionByGet" | "joinSession" | "getWaitingRoomStatus")
            {
                described.insert("HEAD");
            }
            if !operation.internal {
                described.insert("OPTIONS");
            }
            assert_eq!(allowed, described, "{path}");
        }
    }
}

/// What is no part of the API's contract: pages, and the document itself.
const PAGES: [&str; 8] =
    ["/visit", "/v", "/docs", "/docs/", "/docs/{_:.*}", "/openapi.json", "/problems", "/problems/{code}"];

/// Routes cannot be asked of the server, so they are read where they are registered.
#[test]
fn every_route_is_described_in_the_openapi_document() {
    let source = include_str!("../../src/routes/mod.rs");
    let (_, registered) = source.split_once("pub fn configure").unwrap();
    let paths: Vec<&str> = registered.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/')).collect();
    assert!(paths.len() > 15, "{paths:?}");
    let document = document();
    let described: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    for path in paths {
        // The source of the format that all paths of a session begin with.
        if PAGES.contains(&path) || path == "/sessions/{{sessionId}}{path}" {
            continue;
        }
        assert!(described.iter().any(|known| known.ends_with(path)), "{path} is not described");
    }
}

/// The description as it must hold for answers: nothing in them that is not described.
struct Description(Value);

impl Description {
    fn strict() -> Self {
        let mut document = resolved_document();
        let schemas = document["components"]["schemas"].as_object_mut().unwrap();
        let mut parts = BTreeSet::new();
        schemas.values().for_each(|schema| parts_of_others(schema, &mut parts));
        for (name, schema) in schemas {
            if let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
                variants.iter_mut().for_each(close);
            }
            // What is put together is closed as a whole.
            if !parts.contains(name) {
                close(schema);
            }
        }
        Self(document)
    }

    fn operation(&self, id: &str) -> &Value {
        let paths = self.0["paths"].as_object().unwrap().values();
        let mut operations = paths.flat_map(|methods| methods.as_object().unwrap().values());
        operations.find(|operation| operation["operationId"] == id).unwrap_or_else(|| panic!("no {id}"))
    }

    /// Asserts that this is an answer as it is described.
    #[track_caller]
    fn holds(&self, id: &str, answer: Answer) -> Answer {
        let status = answer.status;
        let response = &self.operation(id)["responses"][status.to_string()];
        assert!(!response.is_null(), "{id} does not describe {status}: {}", answer.body);
        let kind = answer.header("content-type").split(';').next().unwrap();
        let mut schema = response["content"][kind]["schema"].clone();
        assert!(!schema.is_null(), "{id}, {status}: {kind} is not described");
        schema["components"] = self.0["components"].clone();
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&answer.body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{id}, {status}: {errors:#?}\n{:#}", answer.body);
        if let Some(code) = answer.body["code"].as_str() {
            let words = response["description"].as_str().unwrap();
            assert!(words.contains(code), "{id}, {status}: {code} is not described, but {words}");
        }
        answer
    }
}

/// Closes a schema of an object: what it does not name may not be there.
fn close(schema: &mut Value) {
    if schema.get("properties").is_some() || schema.get("allOf").is_some() {
        schema["unevaluatedProperties"] = json!(false);
    }
}

/// Names the schemas that a schema is put together from.
fn parts_of_others(schema: &Value, parts: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for part in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
                let name = part["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
                parts.extend(name.map(str::to_owned));
            }
            members.values().for_each(|member| parts_of_others(member, parts));
        }
        Value::Array(members) => members.iter().for_each(|member| parts_of_others(member, parts)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_during_a_visit_is_as_it_is_described() {
    let app = TestApp::start().await;
    let described = Description::strict();
    let (clinician, patient) = (app.token("clinician"), app.token("patient"));
    let created = described.holds("createSession", app.post(&clinician, "/sessions", &app.wish()).await);
    let visit = Visit::of(&created.expect(201).body);
    let of = |rest: &str| visit.path(&format!("/participants/{}/{rest}", visit.patient));
    let observer = json!({"role": "observer"});
    described.holds("inviteParticipant", app.post(&clinician, &visit.path("/participants"), &observer).await);
    let issued = described.holds("issueJoinToken", app.post(&clinician, &of("join-token"), &json!({})).await);
    let issued = issued.expect(201);
    let token = issued.text("joinToken");
    described.holds("joinSessionByGet", app.join(&token).await).expect(200);
    described.holds("joinSession", app.join_by_post(&token).await).expect(200);
    described.holds("getWaitingRoomStatus", app.join_status(&token).await).expect(200);
    described.holds("reportConnectionByToken", app.tell_connection(&token, "alive", 0).await).expect(200);
    let code = json!({"code": issued.text("shortUrl").split_once('#').unwrap().1});
    described.holds("resolveShortLink", app.post("", "/sessions/join/short", &code).await).expect(200);
    described.holds("getClinic", app.post("", "/sessions/join/clinic", &code).await).expect(200);
    let alive = json!({"state": "alive"});
    described.holds("reportConnection", app.post(&clinician, &visit.path("/connection"), &alive).await).expect(200);
    described.holds("joinSessionAsProvider", app.come(&clinician, &visit).await).expect(200);
    described.holds("admitParticipant", app.admit(&visit).await).expect(200);
    described.holds("getSession", app.get(&patient, &visit.path("")).await).expect(200);
    described.holds("transcribeAudio", app.transcribe(&clinician, &visit, audio(500)).await).expect(200);
    described.holds("transcribeAudio", app.transcribe(&clinician, &visit, silence()).await).expect(200);
    let drafted = described.holds("createSummaryDraft", app.summarise(&clinician, &visit, "cough").await).expect(201);
    let accepted = app.accept(&visit, &drafted.text("draftId")).await;
    described.holds("acceptSummary", accepted).expect(200);
    let declined = app.draft(&visit).await;
    described.holds("acceptSummary", app.decline(&visit, &declined).await).expect(200);
    let pending = app.draft(&visit).await;
    app.standins.set_mode(Name::Chart, Mode::DOWN);
    described.holds("acceptSummary", app.accept(&visit, &pending).await).expect(202);
    app.clock.advance(Duration::minutes(10));
    described.holds("endSession", app.end(&visit).await).expect(200);
    described.holds("listSessions", app.get(&patient, "/sessions").await).expect(200);

    let (visit, _) = app.waiting_visit().await;
    described.holds("removeParticipant", app.remove(&visit, &visit.patient, "wrong person").await).expect(200);
    described.holds("cancelSession", app.cancel(&visit, "snow").await).expect(200);
    described.holds("getSession", app.get(&clinician, &visit.path("")).await).expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_about_a_visit_without_a_link_is_as_it_is_described() {
    let app = TestApp::start().await;
    let described = Description::strict();
    let (clinician, patient, written) = (app.token("clinician"), app.token("patient"), draft());
    let submit = async |token: &str, body: &Value| {
        described.holds("submitAsyncVisit", app.post(token, "/async-visits", body).await)
    };
    let id = submit(&patient, &written).await.expect(201).text("id");
    submit(&patient, &written).await.expect(200);
    submit(&patient, &json!({})).await.expect(400);
    submit("x", &written).await.expect(401);
    let mut other = written.clone();
    other["patientId"] = json!(NO_CONSENT);
    submit(&patient, &other).await.expect(403);
    submit(&clinician, &other).await.expect(409);
    other["clientMutationId"] = draft()["clientMutationId"].clone();
    submit(&clinician, &other).await.expect(403);
    let drafts = json!({"drafts": [draft(), written, other, {}]});
    described.holds("syncAsyncVisits", app.post(&clinician, "/async-visits/sync", &drafts).await).expect(200);
    described.holds("listAsyncVisits", app.get(&patient, "/async-visits").await).expect(200);
    let act = async |what: &str, token: &str, body: Value| {
        let answer = app.post(token, &format!("/async-visits/{id}/{what}"), &body).await;
        described.holds(&format!("{what}AsyncVisit"), answer)
    };
    act("respond", &clinician, json!({"responseText": "rest"})).await.expect(409);
    act("close", &clinician, json!({})).await.expect(403);
    act("claim", &patient, json!({})).await.expect(403);
    act("claim", &clinician, json!({})).await.expect(200);
    act("claim", &app.other_clinician(), json!({})).await.expect(409);
    act("release", &app.other_clinician(), json!({})).await.expect(409);
    act("release", &clinician, json!({})).await.expect(200);
    act("claim", &clinician, json!({"leaseMinutes": 5})).await.expect(200);
    act("respond", &clinician, json!({"responseText": "rest", "version": 1})).await.expect(409);
    act("respond", &clinician, json!({"responseText": "rest"})).await.expect(200);
    act("close", &clinician, json!({})).await.expect(200);
    described.holds("getAsyncVisit", app.get(&patient, &format!("/async-visits/{id}")).await).expect(200);
    let nobody = format!("/async-visits/{}", described::NO_ASYNC_VISIT);
    described.holds("getAsyncVisit", app.get(&patient, &nobody).await).expect(404);
    let (visit, _) = app.active_visit().await;
    let mut continuation = draft();
    continuation.as_object_mut().unwrap().remove("patientId");
    let path = visit.path("/continue-async");
    described.holds("continueSessionAsync", app.post(&patient, &path, &continuation).await).expect(409);
    app.fail(&visit).await;
    described.holds("continueSessionAsync", app.post(&patient, &path, &continuation).await).expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_as_it_is_described() {
    let app = TestApp::start().await;
    let described = Description::strict();
    let (clinician, patient) = (app.token("clinician"), app.token("patient"));
    let create = async |body: &Value| described.holds("createSession", app.post(&clinician, "/sessions", body).await);
    create(&json!({})).await.expect(400);
    let mut wish = app.wish();
    wish["patientId"] = json!(NO_CONSENT);
    create(&wish).await.expect(403);
    described.holds("createSession", app.post("x", "/sessions", &app.wish()).await).expect(401);
    described.holds("createSession", app.post(&patient, "/sessions", &app.wish()).await).expect(403);
    app.standins.set_mode(Name::Jitsi, Mode::DOWN);
    create(&app.wish()).await.expect(503);
    app.standins.set_mode(Name::Jitsi, Mode::UP);
    described.holds("getSession", app.get(&clinician, "/sessions/vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R").await).expect(404);

    let (visit, token) = app.active_visit().await;
    described.holds("admitParticipant", app.admit(&visit).await).expect(409);
    described.holds("cancelSession", app.cancel(&visit, "snow").await).expect(409);
    let path = visit.path(&format!("/participants/{}/join-token", visit.provider));
    described.holds("issueJoinToken", app.post(&clinician, &path, &json!({})).await).expect(409);
    described.holds("inviteParticipant", app.invite(&visit, &json!({"role": "patient"})).await).expect(409);
    described.holds("endSession", app.post_at(&clinician, &visit.path("/end"), &json!({}), 1).await).expect(409);
    described.holds("removeParticipant", app.remove(&visit, "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S", "x").await).expect(404);
    described.holds("acceptSummary", app.decline(&visit, "x").await).expect(400);
    described.holds("acceptSummary", app.decline(&visit, "drf_01KA8Z0Q3CJ9XW2V5T7N4B6M8T").await).expect(404);
    let draft = app.draft(&visit).await;
    app.decline(&visit, &draft).await.expect(200);
    described.holds("acceptSummary", app.decline(&visit, &draft).await).expect(409);
    described.holds("transcribeAudio", app.transcribe(&clinician, &visit, "words").await).expect(415);
    described.holds("transcribeAudio", app.transcribe(&clinician, &visit, Vec::new()).await).expect(400);
    described.holds("transcribeAudio", app.transcribe(&app.other_clinician(), &visit, audio(500)).await).expect(404);
    app.standins.set_consent(CONSENTED, Consents::TELEHEALTH);
    described.holds("transcribeAudio", app.transcribe(&clinician, &visit, audio(500)).await).expect(403);
    app.standins.set_consent(CONSENTED, Consents::ALL);
    for (mode, status) in [(Mode::down_with(422), 422), (Mode::DOWN, 503)] {
        app.standins.set_mode(Name::Ai, mode);
        described.holds("transcribeAudio", app.transcribe(&clinician, &visit, audio(500)).await).expect(status);
        described.holds("createSummaryDraft", app.summarise(&clinician, &visit, "cough").await).expect(status);
    }
    for _ in 0..4 {
        app.invite(&visit, &json!({"role": "observer"})).await.expect(201);
    }
    described.holds("inviteParticipant", app.invite(&visit, &json!({"role": "observer"})).await).expect(422);
    described.holds("joinSessionAsProvider", app.come_in_emergency(&app.other_clinician(), &visit).await).expect(422);
    described.holds("joinSessionByGet", app.join("x").await).expect(401);
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    described.holds("joinSession", app.join_by_post(&token).await).expect(409);
    described.holds("getWaitingRoomStatus", app.join_status(&token).await).expect(409);
    described.holds("reportConnectionByToken", app.tell_connection(&token, "alive", 0).await).expect(409);
    described
        .holds("reportConnection", app.post(&clinician, &visit.path("/connection"), &json!({"state": "lost"})).await)
        .expect(409);
    described.holds("resolveShortLink", app.post("", "/sessions/join/short", &json!({"code": "x"})).await).expect(401);
    described.holds("getClinic", app.post("", "/sessions/join/clinic", &json!({"token": "x"})).await).expect(401);
}
