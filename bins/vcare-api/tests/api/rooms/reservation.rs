//! Prosody asks before a room opens.

use reqwest::Method;
use serde_json::json;
use time::Duration;

use super::{room, settings};
use crate::support::{OTHER_TENANT, TENANT, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn us_007_the_room_of_an_active_visit_opens_with_the_seconds_left_and_the_tenants_limit() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let room = room(&app, &visit).await;
    let opened = app.reserve(&room).await.expect(200);
    // Planned from in 30 minutes for half an hour, and an hour of grace.
    let expected = json!({
        "id": format!("{}.{TENANT}", visit.id), "name": room, "mail_owner": "3f0c@meet.jitsi",
        "start_time": "2026-11-23T20:03:11.000Z", "duration": 2 * 3600, "max_occupants": 6,
    });
    assert_eq!(opened.body, expected);
    assert_eq!(opened.header("content-type"), "application/json");
    app.clock.advance(Duration::minutes(90));
    assert_eq!(app.reserve(&room).await.expect(200).body["duration"], 3600, "a visit that runs late has its grace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_room_opens_when_its_waiting_room_is_said_to() {
    let app = TestApp::start().await;
    settings(&app, TENANT, |draft| draft.session_grace_minutes_before = 15).await;
    let visit = app.visit().await;
    let room = room(&app, &visit).await;
    let early = app.reserve(&room).await.expect(403);
    let message = early.text("message");
    assert!(message.starts_with("This visit has not begun. Its room opens at "), "{message}");
    assert!(message.ends_with("(Asia/Kabul)."), "{message}");
    app.clock.advance(Duration::minutes(15));
    app.reserve(&room).await.expect(200);
    app.clock.advance(Duration::minutes(105));
    let late = app.reserve(&room).await.expect(403);
    assert_eq!(late.body, json!({"message": "The time of this visit is over. Please call your clinic."}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_of_a_visit_that_is_over_stays_closed_and_says_why() {
    let app = TestApp::start().await;
    let (ended, _) = app.active_visit().await;
    let (cancelled, _) = app.waiting_visit().await;
    let (failed, _) = app.active_visit().await;
    app.end(&ended).await.expect(200);
    app.cancel(&cancelled, "not needed any more").await.expect(200);
    let given_up = "UPDATE virtual_session SET status = 'failed', failed_at = now() WHERE status = 'active'";
    app.database.rows(given_up, &[]).await.unwrap();
    for (visit, message) in [
        (&ended, "This visit is over."),
        (&cancelled, "This visit was cancelled. Please call your clinic."),
        (&failed, "This visit was interrupted. Please wait for your clinic to call you."),
    ] {
        let refused = app.reserve(&room(&app, visit).await).await.expect(403);
        assert_eq!(refused.body, json!({"message": message}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_lacks_something_is_a_bad_one() {
    let app = TestApp::start().await;
    let token = app.internal_token(TENANT, 1).await;
    for body in ["", "name=kabul-abcdefgh", "name=x&start_time=now", "start_time=now&mail_owner=x", "%ff=%fe&name=%ff"]
    {
        let request = app.request(Method::POST, "//internal/jitsi/conference").bearer_auth(&token);
        let answer = app.send(request.body(body)).await.expect(400);
        assert_eq!(answer.body, json!({"message": "name, start_time and mail_owner are needed"}), "{body}");
    }
    let request = app.request(Method::POST, "//internal/jitsi/conference").bearer_auth(&token);
    app.send(request.body("x".repeat(70_000))).await.refused(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conference_is_read_and_given_back_by_its_id_and_by_no_other() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let id = format!("{}.{TENANT}", visit.id);
    let token = app.internal_token(TENANT, 1).await;
    let read = async |id: &str| {
        let path = format!("//internal/jitsi/conference/{id}");
        app.send(app.request(Method::GET, &path).bearer_auth(&token)).await
    };
    let read_back = read(&id).await.expect(200);
    assert_eq!((&read_back.body["id"], &read_back.body["name"]), (&json!(id), &json!(room(&app, &visit).await)));
    let before = app.read(&visit).await;
    for other in [
        visit.id.clone(),
        format!("{}.{OTHER_TENANT}", visit.id),
        format!("{}.", visit.id),
        format!("vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R.{TENANT}"),
        "nothing".to_owned(),
    ] {
        assert_eq!(read(&other).await.expect(404).body, json!({"message": "there is no such conference"}));
        app.give_back(&other).await.expect(404);
    }
    assert_eq!(app.read(&visit).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_room_is_given_back_everybody_in_it_has_lost_the_connection() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let room = room(&app, &visit).await;
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    let id = app.reserve(&room).await.expect(200).text("id");
    app.clock.advance(Duration::MINUTE);
    for _ in 0..2 {
        app.give_back(&id).await.expect(204);
    }
    for person in [&visit.patient, &visit.provider] {
        assert_eq!(app.participant(&visit, person).await["status"], "disconnected");
    }
    assert_eq!(app.events_of("virtual_care.session.participant.disconnected.v1").await.len(), 2);
    // Who comes back is there again, whatever was in the room before.
    app.seen_to_join(&room, &visit.patient, "phone-again").await.expect(204);
    assert_eq!(app.participant(&visit, &visit.patient).await["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_is_no_answer_and_prosody_asks_again() {
    let app = TestApp::start_with("database.connection_timeout_ms = 3000").await;
    let (visit, _) = app.active_visit().await;
    let room = room(&app, &visit).await;
    app.lose_the_database().await;
    app.reserve(&room).await.refused(503, "SERVICE_UNAVAILABLE");
}
