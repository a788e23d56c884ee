//! Somebody was removed, and is in the video room all the same: their address opens it until it expires.

use serde_json::{Value, json};
use time::Duration;

use super::jitsi::{admitted, start};
use super::{room, shared_jitsi, under};
use crate::support::{OTHER_TENANT, TENANT, TestApp, Visit};

/// What the clinician is told of the patient: where they are, and whether they are in the room and should not be.
async fn status_and_in_room(app: &TestApp, visit: &Visit) -> (Value, Value) {
    let read = app.participant(visit, &visit.patient).await;
    (read["status"].clone(), read["inRoom"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_and_comes_back_by_the_old_address_is_shown_as_there() {
    let app = start().await;
    let (visit, provider, patient) = admitted(&app).await;
    let jitsi = app.standins.jitsi();
    jitsi.join(&provider).await.unwrap();
    let inside = jitsi.join(&patient).await.unwrap();
    assert_eq!(
        status_and_in_room(&app, &visit).await,
        (json!("active"), Value::Null),
        "nothing is said of who should be there"
    );
    app.remove(&visit, &visit.patient, "not the patient").await.expect(200);
    assert_eq!(
        status_and_in_room(&app, &visit).await,
        (json!("removed"), json!(true)),
        "we put nobody out of a running room"
    );
    jitsi.leave(&inside).await;
    assert_eq!(status_and_in_room(&app, &visit).await, (json!("removed"), Value::Null), "the provider put them out");
    let inside = jitsi.join(&patient).await.unwrap();
    assert_eq!(status_and_in_room(&app, &visit).await, (json!("removed"), json!(true)), "and back they are");

    let fresh = app.join_token(&visit).await;
    assert_eq!(status_and_in_room(&app, &visit).await, (json!("invited"), json!(true)));
    app.join(&fresh).await.expect(200);
    assert_eq!(status_and_in_room(&app, &visit).await, (json!("waiting"), json!(true)));
    app.admit(&visit).await.expect(200);
    assert_eq!(status_and_in_room(&app, &visit).await, (json!("admitted"), Value::Null));
    jitsi.leave(&inside).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_visit_that_is_over_nobody_is_said_to_be_in_its_room() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let room = room(&app, &visit).await;
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    app.remove(&visit, &visit.patient, "not the patient").await.expect(200);
    assert_eq!(status_and_in_room(&app, &visit).await.1, json!(true));
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    assert_eq!(status_and_in_room(&app, &visit).await, (json!("removed"), Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_care_for_the_patient_are_told_who_is_in_the_room() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let room = room(&app, &visit).await;
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    app.remove(&visit, &visit.patient, "not the patient").await.expect(200);
    assert_eq!(status_and_in_room(&app, &visit).await, (json!("removed"), json!(true)), "the provider is");
    for account in ["scheduler", "patient"] {
        let seen = app.get(&app.token(account), &visit.path("")).await.expect(200);
        assert!(!seen.body.to_string().contains("inRoom"), "{account}: {}", seen.body);
    }
    let stranger = app.token_of(TENANT, "clinician-2", "clinician");
    app.get(&stranger, &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_neither_says_nor_is_told_who_is_in_the_room() {
    let app = TestApp::start().await;
    shared_jitsi(&app).await;
    let (visit, _) = app.active_visit().await;
    let room = room(&app, &visit).await;
    app.remove(&visit, &visit.patient, "not the patient").await.expect(200);
    app.seen_to_join(&under("herat-clinic", &room), &visit.patient, "phone").await.refused(404, "SESSION_NOT_FOUND");
    assert_eq!(status_and_in_room(&app, &visit).await, (json!("removed"), Value::Null));
    app.seen_to_join(&under("kabul-clinic", &room), &visit.patient, "phone").await.expect(204);
    assert_eq!(status_and_in_room(&app, &visit).await, (json!("removed"), json!(true)));
    let elsewhere = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    app.get(&elsewhere, &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
}
