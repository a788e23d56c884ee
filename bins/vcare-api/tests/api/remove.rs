//! Somebody is put out, and comes back.

use serde_json::{Value, json};
use time::Duration;

use crate::support::TestApp;

const REMOVED: &str = "virtual_care.session.participant.removed.v1";

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_participants_link_is_dead_and_a_new_one_brings_them_back() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    app.clock.advance(Duration::MINUTE);
    let removed = app.remove(&visit, &visit.patient, "wrong person").await.expect(200).body;
    assert_eq!(removed["version"], 4);
    let patient = app.participant(&visit, &visit.patient).await;
    let at = json!(app.minutes_ahead(0));
    assert_eq!((&patient["status"], &patient["removedReason"]), (&json!("removed"), &json!("wrong person")));
    assert_eq!((&patient["removedAt"], &patient["leftAt"]), (&at, &at));
    for answer in [app.join(&token).await, app.join_by_post(&token).await, app.join_status(&token).await] {
        answer.refused(401, "TOKEN_INVALID");
    }

    let fresh = app.join_token(&visit).await;
    assert_eq!(app.participant(&visit, &visit.patient).await["status"], "invited");
    app.join(&token).await.refused(401, "TOKEN_INVALID");
    assert_eq!(app.join(&fresh).await.expect(200).body["destination"], "waiting_room");
    let patient = app.participant(&visit, &visit.patient).await;
    assert_eq!((&patient["status"], &patient["removedReason"]), (&json!("waiting"), &Value::Null));
    assert_eq!(app.admit(&visit).await.expect(200).body["participant"]["status"], "admitted");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_was_let_in_is_put_out_of_the_visit() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    app.remove(&visit, &visit.patient, "not the patient").await.expect(200);
    app.join(&token).await.refused(401, "TOKEN_INVALID");
    // The visit goes on: who came by mistake is replaced by who was meant.
    assert_eq!(app.read(&visit).await["status"], "active");
    let fresh = app.join_token(&visit).await;
    assert_eq!(app.join(&fresh).await.expect(200).body["destination"], "waiting_room");
    app.admit(&visit).await.expect(200);
    let started = app.events_of("virtual_care.session.started.v1").await;
    assert_eq!(started.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_again_changes_nothing() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let removed = app.remove(&visit, &visit.patient, "wrong person").await.expect(200).body;
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.remove(&visit, &visit.patient, "another reason").await.expect(200).body, removed);
    let event = app.only_event(REMOVED).await;
    assert_eq!(event["data"]["participantId"], visit.patient.as_str());
    assert_eq!((&event["data"]["role"], &event["data"]["participantStatus"]), (&json!("patient"), &json!("removed")));
    assert_eq!(event["data"]["actorId"], "clinician-1");
    assert!(!event.to_string().contains("wrong person"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_takes_part_in_an_open_visit_can_be_removed() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let unknown = "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S";
    app.remove(&visit, unknown, "wrong person").await.refused(404, "PARTICIPANT_NOT_FOUND");
    let other = app.visit().await;
    app.remove(&visit, &other.patient, "wrong person").await.refused(404, "PARTICIPANT_NOT_FOUND");
    app.remove(&visit, &visit.patient, "").await.names_field("reason");
    app.cancel(&visit, "snow").await.expect(200);
    app.remove(&visit, &visit.patient, "wrong person").await.refused(409, "INVALID_STATUS_TRANSITION");
    assert!(app.events_of(REMOVED).await.is_empty());
}
