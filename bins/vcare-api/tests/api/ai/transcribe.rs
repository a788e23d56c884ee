//! A piece of a visit is written down.

use serde_json::{Value, json};
use vcare_testkit::{AiSays, Mode, Name};

use super::asked;
use crate::support::{TENANT, TestApp, audio, silence};

#[tokio::test(flavor = "multi_thread")]
async fn us_011_a_transcript_is_returned_and_is_not_in_the_chart() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let before = app.event_types().await;
    let answer = app.transcribe(&app.token("clinician"), &visit, audio(5000)).await.expect(200).body;
    let (first, second) = ("Good morning, how are you feeling today?", "The cough is better, but I sleep badly.");
    assert_eq!(answer["transcript"], format!("{first} {second}"));
    assert_eq!((&answer["noSpeech"], &answer["language"]), (&json!(false), &json!("en")));
    assert_eq!(answer["segments"][1], json!({"start": 2.5, "end": 5.0, "text": second}));
    assert!(answer["gatewayRequestId"].as_str().unwrap().starts_with("req_"), "{answer}");

    let asked = asked(&app, "/audio/transcriptions").remove(0);
    assert_eq!(asked.header("content-type"), Some("audio/webm"));
    assert_eq!(asked.header("x-tenant-id"), Some(TENANT));
    assert_eq!(asked.body, "(5000 bytes)", "all of it, as it was");
    // It is shown, and stands nowhere.
    assert!(app.standins.requests(Name::Chart).is_empty());
    assert_eq!(app.event_types().await, before);
    assert_eq!(app.count("ai_draft").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_011_when_the_gateway_is_unreachable_the_clinician_is_told_and_the_visit_goes_on() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    let before = app.read(&visit).await;
    for mode in [Mode::DOWN, Mode::down_with(401), Mode::down_with(500), Mode::SLOW, Mode::WRONG] {
        app.standins.set_mode(Name::Ai, mode);
        let answer = app.transcribe(&clinician, &visit, audio(5000)).await.refused(503, "AI_UNAVAILABLE");
        let told = answer.text("detail");
        assert!(told.contains("The visit goes on") && told.contains("notes by hand"), "{mode:?}: {told}");
        assert!(!answer.header("retry-after").is_empty());
    }
    // It has not answered five times in a row: nobody sends audio there for a while.
    app.standins.set_mode(Name::Ai, Mode::UP);
    app.standins.clear_requests(Name::Ai);
    app.transcribe(&clinician, &visit, audio(5000)).await.refused(503, "AI_UNAVAILABLE");
    assert!(app.standins.requests(Name::Ai).is_empty());
    assert_eq!(app.read(&visit).await, before);

    app.clock.advance(time::Duration::MINUTE);
    app.transcribe(&clinician, &visit, audio(5000)).await.expect(200);
    app.end(&visit).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_gateway_in_the_settings_it_is_said_like_that() {
    let app = TestApp::start_without_ai().await;
    let (visit, _) = app.active_visit().await;
    app.transcribe(&app.token("clinician"), &visit, audio(5000)).await.refused(503, "AI_UNAVAILABLE");
    app.summarise(&app.token("clinician"), &visit, "cough").await.refused(503, "AI_UNAVAILABLE");
    app.end(&visit).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_clinician_of_an_active_visit_has_it_written_down() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let (waiting, _) = app.waiting_visit().await;
    let refused = app.transcribe(&clinician, &waiting, audio(500)).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(refused.body["currentStatus"], "waiting");
    let (visit, _) = app.active_visit().await;
    // Of this tenant, and not of this visit.
    app.transcribe(&app.other_clinician(), &visit, audio(500)).await.refused(404, "SESSION_NOT_FOUND");
    app.clock.advance(time::Duration::MINUTE);
    app.end(&visit).await.expect(200);
    app.transcribe(&clinician, &visit, audio(500)).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert!(app.standins.requests(Name::Ai).is_empty(), "nobody's audio left the house");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_has_no_transcript_whatever_the_gateway_invents() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    let quiet = app.transcribe(&clinician, &visit, silence()).await.expect(200).body;
    assert_eq!((&quiet["noSpeech"], &quiet["transcript"], &quiet["segments"]), (&json!(true), &json!(""), &json!([])));

    let thanks = "Thank you for watching!";
    let segment = |text: &str, silent: f64| json!({"start": 0, "end": 2, "text": text, "noSpeechProb": silent});
    let table: [(Value, Option<&str>); 5] = [
        (json!({"text": thanks, "noSpeech": true, "segments": [segment(thanks, 0.1)]}), None),
        (json!({"text": thanks, "segments": [segment(thanks, 0.93)]}), None),
        (json!({"text": thanks, "segments": []}), None),
        (json!({"text": "  ", "segments": [segment(" ", 0.1)]}), None),
        (
            json!({"text": format!("Cough. {thanks}"), "segments": [segment("Cough.", 0.1), segment(thanks, 0.93)]}),
            Some("Cough."),
        ),
    ];
    for (body, expected) in table {
        let body = body.to_string();
        app.standins.ai().say(Some(AiSays::This { status: 200, content_type: "application/json", body: body.clone() }));
        let answer = app.transcribe(&clinician, &visit, audio(500)).await.expect(200);
        assert_eq!(answer.body["noSpeech"], expected.is_none(), "{body}");
        assert_eq!(answer.body["transcript"], expected.unwrap_or_default(), "{body}");
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(thanks), "{body}");
    }
}
