//! Nobody's words go to a machine without their consent.

use serde_json::json;
use vcare_testkit::{Consents, Mode, Name};

use super::asked;
use crate::support::{Answer, CONSENTED, TestApp, Visit, audio};

const GATE: &str = "ai_transcription_consent";
const AUDIT: &str = "virtual_care.audit.recorded.v1";

/// The refusal, and what the audit says of it.
async fn blocked(app: &TestApp, answer: Answer, status: u16, code: &str) -> serde_json::Value {
    let answer = answer.refused(status, code);
    assert_eq!(answer.body["gate"], GATE);
    let entry = app.events_of(AUDIT).await.pop().unwrap();
    assert_eq!(entry["data"]["eventType"], "CONSENT_GATE_BLOCKED");
    assert_eq!(entry["data"]["metadata"]["gate"], GATE);
    entry["data"].clone()
}

async fn piece(app: &TestApp, visit: &Visit) -> Answer {
    app.transcribe(&app.token("clinician"), visit, audio(500)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_consent_refuses_the_next_piece() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    piece(&app, &visit).await.expect(200);
    app.standins.set_consent(CONSENTED, Consents { ai_transcription: false, ..Consents::ALL });
    let entry = blocked(&app, piece(&app, &visit).await, 403, "CONSENT_REQUIRED").await;
    assert_eq!((&entry["resourceType"], &entry["resourceId"]), (&json!("Patient"), &json!(CONSENTED)));
    assert_eq!(entry["metadata"]["attemptedAction"], "virtual_care:ai:transcribe");
    // Nor is what was said before sent there again.
    let summary = app.summarise(&app.token("clinician"), &visit, "The cough is better.").await;
    let entry = blocked(&app, summary, 403, "CONSENT_REQUIRED").await;
    assert_eq!(entry["metadata"]["attemptedAction"], "virtual_care:ai:summary");
    assert_eq!(app.standins.requests(Name::Ai).len(), 1);

    app.standins.set_consent(CONSENTED, Consents::ALL);
    piece(&app, &visit).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cares_must_consent_too_and_so_must_every_provider_who_came() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.set_provider_consent("clinician-1", false);
    let answer = piece(&app, &visit).await;
    assert!(answer.text("detail").contains("of a provider"), "{}", answer.body);
    let entry = blocked(&app, answer, 403, "CONSENT_REQUIRED").await;
    assert_eq!((&entry["resourceType"], &entry["resourceId"]), (&json!("User"), &json!("clinician-1")));
    assert_eq!(entry["metadata"]["reason"], "provider_consent_missing");

    app.standins.set_provider_consent("clinician-1", true);
    app.standins.set_provider_consent("clinician-2", false);
    piece(&app, &visit).await.expect(200);
    app.invite_colleague(&visit, "clinician-2").await;
    app.come(&app.other_clinician(), &visit).await.expect(200);
    let entry = blocked(&app, piece(&app, &visit).await, 403, "CONSENT_REQUIRED").await;
    assert_eq!(entry["resourceId"], "clinician-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_about_a_consent_is_a_no() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    for mode in [Mode::DOWN, Mode::SLOW, Mode::WRONG, Mode::down_with(404)] {
        app.standins.set_mode(Name::Consent, mode);
        let entry = blocked(&app, piece(&app, &visit).await, 503, "CONSENT_SERVICE_UNAVAILABLE").await;
        assert_eq!(entry["metadata"]["reason"], "consent_unavailable", "{mode:?}");
    }
    assert!(asked(&app, "/audio/transcriptions").is_empty());
}
