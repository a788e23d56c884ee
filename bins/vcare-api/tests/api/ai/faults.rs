//! A gateway that says something else: none of it is passed on, whatever it is.

use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::{AiSays, Name};

use crate::support::{Answer, TestApp, Visit, audio};

/// Stands in everything that the gateway says here.
const PHRASE: &str = "haemoptysis since Nawruz";

fn says(status: u16, content_type: &'static str, body: impl Into<String>) -> AiSays {
    AiSays::This { status, content_type, body: body.into() }
}

fn json_of(status: u16, body: &Value) -> AiSays {
    says(status, "application/json", body.to_string())
}

/// Both of what it is asked for.
async fn ask(app: &TestApp, visit: &Visit) -> [Answer; 2] {
    let clinician = app.token("clinician");
    [app.transcribe(&clinician, visit, audio(500)).await, app.summarise(&clinician, visit, PHRASE).await]
}

/// A breaker that has opened asks nobody, until it hears that all is well.
async fn closed_again(app: &TestApp, visit: &Visit) {
    app.clock.advance(Duration::MINUTE);
    app.standins.ai().say(None);
    app.transcribe(&app.token("clinician"), visit, audio(500)).await.expect(200);
}

async fn both(app: &TestApp, visit: &Visit, name: &str, said: AiSays, status: u16, code: &str) {
    closed_again(app, visit).await;
    app.standins.clear_requests(Name::Ai);
    app.standins.ai().say(Some(said));
    for answer in ask(app, visit).await {
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!text.contains("Nawruz") && !text.contains("haemoptysis"), "{name}: {text}");
        assert_eq!((answer.status, answer.body["code"].as_str()), (status, Some(code)), "{name}: {text}");
    }
    assert_eq!(app.standins.requests(Name::Ai).len(), 2, "{name}: both were asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_a_gateway_says_it_is_unavailable_and_not_quoted() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let half = format!("{{\"text\": \"{PHRASE}\", \"draftText\": \"{PHRASE}");
    let huge = json!({"text": PHRASE.repeat(450_000), "draftText": PHRASE.repeat(450_000)});
    let inside = json!({"error": {"code": "INTERNAL", "message": PHRASE}, "text": PHRASE, "draftText": PHRASE});
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let table = [
        ("a page", says(200, "text/html", format!("<h1>{PHRASE}</h1>"))),
        ("a page said to be JSON", says(200, "application/json", format!("<h1>{PHRASE}</h1>"))),
        ("JSON said to be a page", says(200, "text/html", json!({"text": PHRASE, "draftText": PHRASE}).to_string())),
        ("half of it", says(200, "application/json", half)),
        ("ten megabytes", json_of(200, &huge)),
        ("an error in a success", json_of(200, &inside)),
        ("nothing", says(200, "application/json", "")),
        ("an empty object", json_of(200, &json!({}))),
        ("a list", json_of(200, &json!([PHRASE]))),
        ("depths", says(200, "application/json", deep)),
        ("a number for a text", json_of(200, &json!({"text": 7, "draftText": 7, "noSpeech": PHRASE}))),
        (
            "texts with control characters",
            json_of(200, &json!({"text": format!("{PHRASE}\u{0}"), "draftText": format!("{PHRASE}\u{1b}")})),
        ),
        ("an error", json_of(500, &json!({"error": {"message": PHRASE}}))),
        ("no content", says(204, "application/json", "")),
        ("elsewhere", says(302, "text/plain", PHRASE)),
        ("no right", json_of(403, &json!({"error": {"code": "FORBIDDEN", "message": PHRASE}}))),
        ("an echo", AiSays::AnEcho { status: 500 }),
        ("an echo that says it is well", AiSays::AnEcho { status: 200 }),
    ];
    app.standins.ai().hear(&[PHRASE]);
    app.standins.ai().write(PHRASE);
    for (name, said) in table {
        both(&app, &visit, name, said, 503, "AI_UNAVAILABLE").await;
    }
    assert_eq!(app.count("ai_draft").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_as_one_whoever_says_it() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let denied = |code: &str| json!({"error": {"code": code, "message": PHRASE}});
    let moderated = json!({
        "text": PHRASE, "draftText": PHRASE, "moderation": {"input": "allow", "output": "block"},
        "provenance": {"modelVersion": "m", "moderation": {"input": "flag", "output": "allow"}},
    });
    let table = [
        ("by policy", json_of(403, &denied("AI_POLICY_DENY"))),
        ("for what is in it", json_of(422, &denied("WHATEVER"))),
        ("in a success", json_of(200, &denied("CONTENT_REFUSED"))),
        ("by a safeguard", json_of(200, &moderated)),
    ];
    for (name, said) in table {
        both(&app, &visit, name, said, 422, "AI_REFUSED").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_without_its_provenance_is_none() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let good = json!({
        "draftText": "Cough improving.", "isDraft": true, "decisionId": "dec_1",
        "provenance": {"modelVersion": "m-1", "promptTemplate": {"key": "vcare-session-summary-v1"}},
    });
    let without = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let table = [
        ("no model", without("/provenance/modelVersion", Value::Null)),
        ("a model that is a sentence", without("/provenance/modelVersion", json!("the patient coughs"))),
        ("no provenance", without("/provenance", Value::Null)),
        ("another template", without("/provenance/promptTemplate/key", json!("vcare.soap"))),
        ("no draft", without("/isDraft", json!(false))),
        ("too long a draft", without("/draftText", json!("x".repeat(20_001)))),
    ];
    for (name, body) in table {
        closed_again(&app, &visit).await;
        app.standins.ai().say(Some(json_of(200, &body)));
        let answer = app.summarise(&app.token("clinician"), &visit, "cough").await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (503, Some("AI_UNAVAILABLE")), "{name}");
    }
    closed_again(&app, &visit).await;
    for nothing in [json!(null), json!(""), json!(" \n")] {
        app.standins.ai().say(Some(json_of(200, &without("/draftText", nothing))));
        app.summarise(&app.token("clinician"), &visit, "cough").await.refused(422, "AI_REFUSED");
    }
    app.standins.ai().say(Some(json_of(200, &good)));
    let draft = app.summarise(&app.token("clinician"), &visit, "cough").await.expect(201);
    assert_eq!((&draft.body["text"], &draft.body["aiModel"]), (&json!("Cough improving."), &json!("m-1")));
}
