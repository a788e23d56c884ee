//! VCARE-US-008: connections that are lost and come back, as devices tell of them.

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{CONSENTED, OTHER_TENANT, TENANT, TestApp, Visit};

const LOST: &str = "virtual_care.session.participant.disconnected.v1";

async fn patient(app: &TestApp, visit: &Visit) -> String {
    app.participant(visit, &visit.patient).await["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_device_tells_that_its_connection_was_lost_and_is_back() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    app.clock.advance(Duration::MINUTE);
    let told = app.tell_connection(&token, "lost", 20).await.expect(200).body;
    assert_eq!(
        told,
        json!({"destination": "direct_join", "participantStatus": "disconnected", "sessionStatus": "active", "version": 5})
    );
    let event = app.only_event(LOST).await;
    assert_eq!(
        (&event["data"]["participantId"], &event["data"]["actorId"]),
        (&json!(visit.patient), &json!(visit.patient))
    );
    let told = app.tell_connection(&token, "restored", 0).await.expect(200).body;
    assert_eq!((&told["participantStatus"], &told["version"]), (&json!("active"), &json!(6)));
    // Telling it again changes nothing.
    app.tell_connection(&token, "restored", 0).await.expect(200);
    assert_eq!(app.read(&visit).await["version"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_what_is_older_than_what_is_known_changes_nothing() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    app.clock.advance(Duration::minutes(5));
    app.tell_connection(&token, "lost", 60).await.expect(200);
    // Restored before it was lost: of an earlier loss that nobody heard of.
    app.tell_connection(&token, "restored", 90).await.expect(200);
    assert_eq!(patient(&app, &visit).await, "disconnected");
    app.tell_connection(&token, "restored", 30).await.expect(200);
    app.tell_connection(&token, "lost", 40).await.expect(200);
    assert_eq!(patient(&app, &visit).await, "active");
    // A beacon is known of that is newer than the loss, though the visit did not change by it.
    app.clock.advance(Duration::MINUTE);
    app.tell_connection(&token, "alive", 0).await.expect(200);
    app.tell_connection(&token, "lost", 10).await.expect(200);
    assert_eq!(patient(&app, &visit).await, "active");
    // Before they were let in.
    app.tell_connection(&token, "lost", 86_400).await.expect(200);
    assert_eq!((patient(&app, &visit).await, app.events_of(LOST).await.len()), ("active".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_waits_is_seen_to_go_and_to_come_and_the_visit_stays_as_it_is() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let version = app.read(&visit).await["version"].clone();
    let present = async || app.participant(&visit, &visit.patient).await["present"].clone();
    app.tell_connection(&token, "lost", 0).await.expect(200);
    assert_eq!(present().await, false);
    app.tell_connection(&token, "restored", 0).await.expect(200);
    assert_eq!(present().await, true);
    app.clock.advance(Duration::seconds(100));
    app.tell_connection(&token, "alive", 0).await.expect(200);
    app.clock.advance(Duration::seconds(100));
    assert_eq!((present().await, app.read(&visit).await["version"].clone()), (json!(true), version));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_put_out_or_holds_an_old_link_tells_nothing() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    let newer = app.join_token(&visit).await;
    let states = ["alive", "lost", "restored"];
    for state in states {
        app.tell_connection(&token, state, 0).await.refused(401, "TOKEN_INVALID");
    }
    app.remove(&visit, &visit.patient, "wrong person").await.expect(200);
    let before = app.read(&visit).await;
    for state in states {
        app.tell_connection(&newer, state, 0).await.refused(401, "TOKEN_INVALID");
    }
    assert_eq!(app.read(&visit).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_visit_that_is_over_nothing_is_told_any_more() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    for state in ["alive", "lost", "restored"] {
        app.tell_connection(&token, state, 0).await.refused(409, "INVALID_STATUS_TRANSITION");
        let body = json!({"state": state});
        let answer = app.post(&app.token("clinician"), &visit.path("/connection"), &body).await;
        answer.refused(409, "INVALID_STATUS_TRANSITION");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_in_tells_of_their_own_connection() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let path = visit.path("/connection");
    app.clock.advance(Duration::MINUTE);
    let lost = json!({"state": "lost"});
    let told = app.post(&app.token("clinician"), &path, &lost).await.expect(200).body;
    assert_eq!(told["participantStatus"], "disconnected");
    assert_eq!(app.participant(&visit, &visit.provider).await["status"], "disconnected");
    assert_eq!(app.only_event(LOST).await["data"]["participantId"], visit.provider);
    app.post(&app.token("clinician"), &path, &json!({"state": "restored"})).await.expect(200);
    // The patient, whose account the visit does not know, is found by whom it is for.
    app.post(&app.token("patient"), &path, &lost).await.expect(200);
    assert_eq!(patient(&app, &visit).await, "disconnected");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_clinician_tells_that_the_patients_connection_was_lost() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    let path = visit.path("/connection");
    app.clock.advance(Duration::MINUTE);
    let about = |state: &str, participant: &str| json!({"state": state, "participantId": participant, "secondsAgo": 5});
    app.post(&app.token("clinician"), &path, &about("lost", &visit.patient)).await.expect(200);
    assert_eq!(patient(&app, &visit).await, "disconnected");
    // That somebody is back, only they themselves can know.
    let clinician = app.token("clinician");
    app.post(&clinician, &path, &about("restored", &visit.patient)).await.refused(403, "ACCESS_DENIED");
    app.tell_connection(&token, "restored", 0).await.expect(200);
    app.post(&app.token("patient"), &path, &about("lost", &visit.provider)).await.refused(403, "ACCESS_DENIED");
    let nobody = about("lost", "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S");
    app.post(&clinician, &path, &nobody).await.refused(404, "PARTICIPANT_NOT_FOUND");
    assert_eq!(patient(&app, &visit).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_part_in_a_visit_tells_nothing_of_themselves_there() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let path = visit.path("/connection");
    let alive = json!({"state": "alive"});
    app.post(&app.other_clinician(), &path, &alive).await.refused(404, "SESSION_NOT_FOUND");
    let account = app.account(TENANT, "patient-2", "patient").patient("pat-somebody-else");
    let stranger = app.standins.issuer().token(&account);
    app.post(&stranger, &path, &alive).await.refused(404, "SESSION_NOT_FOUND");
    let about = json!({"state": "lost", "participantId": visit.patient});
    app.post(&stranger, &path, &about).await.refused(404, "SESSION_NOT_FOUND");
    let account = app.account(OTHER_TENANT, "patient-1", "patient").patient(CONSENTED);
    app.post(&app.standins.issuer().token(&account), &path, &alive).await.refused(404, "SESSION_NOT_FOUND");
    assert_eq!(app.count("presence_lease").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_report_under_one_key_is_told_once() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let (clinician, path) = (app.token("clinician"), visit.path("/connection"));
    app.clock.advance(Duration::MINUTE);
    let lost = json!({"state": "lost"});
    let first = app.post_once(&clinician, &path, &lost, "key-1").await.expect(200);
    app.post(&clinician, &path, &json!({"state": "restored"})).await.expect(200);
    app.clock.advance(Duration::MINUTE);
    let again = app.post_once(&clinician, &path, &lost, "key-1").await.expect(200);
    assert_eq!((&again.bytes, again.header("idempotency-replayed")), (&first.bytes, "true"));
    assert_eq!(app.participant(&visit, &visit.provider).await["status"], "active");
    app.post_once(&clinician, &path, &json!({"state": "alive"}), "key-1").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_loss_that_is_told_many_times_at_once_there_is_one_event() {
    let app = TestApp::start().await;
    let (_, token) = app.active_visit().await;
    app.clock.advance(Duration::MINUTE);
    let reports = (0..8).map(|n| app.tell_connection(&token, "lost", n % 3));
    for answer in futures_util::future::join_all(reports).await {
        assert_eq!(answer.expect(200).body["participantStatus"], "disconnected");
    }
    app.only_event(LOST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_is_refused_by_name() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    let clinician = app.token("clinician");
    let doors = [(token.as_str(), "/sessions/join/connection".to_owned()), (&clinician, visit.path("/connection"))];
    for (token, path) in doors {
        for (body, field) in [
            (json!({}), "state"),
            (json!({"state": "gone"}), "state"),
            (json!({"state": "Alive"}), "state"),
            (json!({"state": 7}), "state"),
            (json!({"state": "alive", "secondsAgo": -1}), "secondsAgo"),
            (json!({"state": "alive", "secondsAgo": 86_401}), "secondsAgo"),
            (json!({"state": "alive", "secondsAgo": 1e300}), "secondsAgo"),
            (json!({"state": "alive", "secondsAgo": "1"}), "secondsAgo"),
            (json!({"state": "alive", "at": "2026-03-01T09:30:00Z"}), "at"),
        ] {
            app.post(token, &path, &body).await.names_field(field);
        }
    }
    let body = json!({"state": "lost", "participantId": "x"});
    app.post(&clinician, &visit.path("/connection"), &body).await.names_field("participantId");
    app.post(&token, "/sessions/join/connection", &body).await.names_field("participantId");
    let without = app.request(Method::POST, "/sessions/join/connection").header("Content-Type", "application/json");
    app.send(without.body(json!({"state": "alive"}).to_string())).await.refused(401, "TOKEN_INVALID");
    assert_eq!(app.events_of(LOST).await, Vec::<Value>::new());
}
