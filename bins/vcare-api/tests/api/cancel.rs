//! A visit is called off.

use serde_json::{Value, json};
use time::Duration;

use crate::support::TestApp;

const CANCELLED: &str = "virtual_care.session.cancelled.v1";
const REASON: &str = "ناروغ نه دی راغلی: the patient is at the clinic";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_not_begun_is_cancelled_with_its_reason() {
    let app = TestApp::start().await;
    for (visit, status) in [(app.visit().await, "scheduled"), (app.waiting_visit().await.0, "waiting")] {
        assert_eq!(app.read(&visit).await["status"], status);
        let cancelled = app.cancel(&visit, REASON).await.expect(200).body;
        assert_eq!((&cancelled["status"], &cancelled["cancelReason"]), (&json!("cancelled"), &json!(REASON)));
        assert_eq!(cancelled["encounterStatus"], Value::Null);
        assert_eq!(app.read(&visit).await, cancelled);
    }
    let events = app.events_of(CANCELLED).await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["data"]["status"], "cancelled");
    // A reason is prose, and may tell about a person: it stays with us.
    assert!(
        !app.events()
            .await
            .iter()
            .any(|event| event.to_string().contains("clinic:") || event.to_string().contains("راغلی"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_again_changes_nothing_not_even_the_reason() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let cancelled = app.cancel(&visit, "snow").await.expect(200).body;
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.cancel(&visit, "power cut").await.expect(200).body, cancelled);
    app.only_event(CANCELLED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_began_cannot_be_cancelled() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let answer = app.cancel(&visit, "snow").await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(answer.body["currentStatus"], "active");
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    let answer = app.cancel(&visit, "snow").await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(answer.body["currentStatus"], "ended");
    assert!(app.events_of(CANCELLED).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_needs_a_reason() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (clinician, path) = (app.token("clinician"), visit.path("/cancel"));
    app.post(&clinician, &path, &json!({})).await.names_field("reason");
    app.cancel(&visit, "  ").await.names_field("reason");
    app.cancel(&visit, &"x".repeat(501)).await.names_field("reason");
    app.cancel(&visit, &"ب".repeat(500)).await.expect(200);
}
