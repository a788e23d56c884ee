//! VCARE-US-006: recording has a consent of its own.

use serde_json::{Value, json};

use crate::support::{Answer, CONSENTED, NO_RECORDING_CONSENT, TENANT, TestApp, VideoUrl, Visit};

async fn create(app: &TestApp, patient: &str, recording: bool) -> Answer {
    let mut wish = app.wish();
    wish["patientId"] = json!(patient);
    wish["recordingEnabled"] = json!(recording);
    app.post(&app.token("clinician"), "/sessions", &wish).await
}

/// What the tokens of provider and patient say about recording.
async fn may_record(app: &TestApp, visit: &Visit) -> (Value, Value) {
    let token = app.join_token(visit).await;
    app.join(&token).await.expect(200);
    let provider = app.admit(visit).await.expect(200).text("videoJoinUrl");
    let patient = app.join(&token).await.expect(200).text("url");
    let says = async |url: &str| VideoUrl::read(TENANT, url).await.claims["context"]["features"]["recording"].clone();
    (says(&provider).await, says(&patient).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn us_006_recording_without_its_consent_is_403_and_names_the_gate() {
    let app = TestApp::start().await;
    let answer = create(&app, NO_RECORDING_CONSENT, true).await.refused(403, "CONSENT_REQUIRED");
    assert_eq!(answer.body["gate"], "recording_consent");
    assert_eq!(app.count("virtual_session").await, 0);
    let audit = app.only_event("virtual_care.audit.recorded.v1").await;
    assert_eq!(audit["data"]["eventType"], "CONSENT_GATE_BLOCKED");
    assert_eq!(audit["data"]["metadata"]["gate"], "recording_consent");
    // The same patient may be cared for, if not recorded.
    create(&app, NO_RECORDING_CONSENT, false).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_006_with_consent_the_session_may_be_recorded_by_who_moderates() {
    let app = TestApp::start().await;
    let created = create(&app, CONSENTED, true).await.expect(201).body;
    assert_eq!(created["recordingEnabled"], true);
    let row = app.database.query_one("SELECT recording_enabled FROM virtual_session", &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
    let event = app.only_event("virtual_care.session.created.v1").await;
    assert_eq!(event["data"]["recordingEnabled"], true);
    assert_eq!(may_record(&app, &Visit::of(&created)).await, (json!(true), json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_006_a_session_for_which_no_recording_was_asked_is_recorded_by_nobody() {
    let app = TestApp::start().await;
    // Consent is on file, but nobody asked for it.
    let created = create(&app, CONSENTED, false).await.expect(201).body;
    assert_eq!(may_record(&app, &Visit::of(&created)).await, (json!(false), json!(false)));
}
