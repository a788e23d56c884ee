//! VCARE-US-008: beacons that were promised and did not come.

use time::Duration;

use crate::support::{TestApp, Visit};

const LOST: &str = "virtual_care.session.participant.disconnected.v1";

async fn patient(app: &TestApp, visit: &Visit) -> String {
    app.participant(visit, &visit.patient).await["status"].as_str().unwrap().to_owned()
}

/// A visit whose patient was let in and sent a beacon, and their token.
async fn with_a_beacon(app: &TestApp) -> (Visit, String) {
    let (visit, token) = app.active_visit().await;
    app.clock.advance(Duration::MINUTE);
    app.tell_connection(&token, "alive", 0).await.expect(200);
    (visit, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_who_breaks_the_promise_of_a_beacon_is_disconnected_as_of_when_it_was_due() {
    let app = TestApp::start().await;
    let (visit, token) = with_a_beacon(&app).await;
    app.clock.advance(Duration::seconds(60));
    app.tell_connection(&token, "alive", 0).await.expect(200);
    let due = app.minutes_ahead(2);
    app.clock.advance(Duration::seconds(119));
    assert_eq!(app.app.note_broken_promises().await.unwrap(), 0);
    // However late somebody looks.
    app.clock.advance(Duration::HOUR);
    assert_eq!(app.app.note_broken_promises().await.unwrap(), 1);
    let person = app.participant(&visit, &visit.patient).await;
    assert_eq!((person["status"].as_str(), person["leftAt"].as_str()), (Some("disconnected"), Some(due.as_str())));
    let event = app.only_event(LOST).await;
    assert_eq!((&event["data"]["actorId"], &event["time"]), (&"system:presence".into(), &due.into()));
    assert_eq!(app.app.note_broken_promises().await.unwrap(), 0);
    // Back by the next beacon.
    app.tell_connection(&token, "alive", 0).await.expect(200);
    assert_eq!(patient(&app, &visit).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_who_look_at_once_note_it_once() {
    let app = TestApp::start().await;
    for round in 1..=4 {
        with_a_beacon(&app).await;
        app.clock.advance(Duration::minutes(3));
        let looks = (0..4).map(|_| app.app.note_broken_promises());
        let noted: u32 = futures_util::future::join_all(looks).await.into_iter().map(Result::unwrap).sum();
        assert_eq!((noted, app.events_of(LOST).await.len()), (1, round));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beacon_that_comes_at_the_last_moment_is_not_lost() {
    let app = TestApp::start().await;
    for _ in 0..4 {
        let (visit, token) = with_a_beacon(&app).await;
        app.clock.advance(Duration::minutes(3));
        let (noted, beacon) = tokio::join!(app.app.note_broken_promises(), app.tell_connection(&token, "alive", 0));
        noted.unwrap();
        beacon.expect(200);
        assert_ne!(patient(&app, &visit).await, "disconnected");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_promised_nothing_or_went_to_the_video_room_breaks_nothing() {
    let app = TestApp::start().await;
    // Waits, and sends beacons.
    let (waits, token) = app.waiting_visit().await;
    app.tell_connection(&token, "alive", 0).await.expect(200);
    app.admit(&waits).await.expect(200);
    // Let in, and only looks.
    let (looks, token) = app.active_visit().await;
    app.join_status(&token).await.expect(200);
    // Let in, sent a beacon, and went.
    let (went, token) = with_a_beacon(&app).await;
    app.join(&token).await.expect(200);
    app.clock.advance(Duration::HOUR);
    assert_eq!(app.app.note_broken_promises().await.unwrap(), 0);
    for visit in [&waits, &looks, &went] {
        assert_eq!(patient(&app, visit).await, "admitted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_seen_in_the_video_room_is_there_without_a_beacon() {
    let app = TestApp::start().await;
    let (visit, _) = with_a_beacon(&app).await;
    let room = app.read(&visit).await["roomName"].as_str().unwrap().to_owned();
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    app.clock.advance(Duration::minutes(3));
    assert_eq!(app.app.note_broken_promises().await.unwrap(), 0);
    assert_eq!(patient(&app, &visit).await, "active");
    app.seen_to_leave(&room, &visit.patient, "phone").await.expect(204);
    assert_eq!(patient(&app, &visit).await, "disconnected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_ended_meanwhile_loses_nobody_and_is_not_looked_at_again() {
    let app = TestApp::start().await;
    let (visit, _) = with_a_beacon(&app).await;
    let ended = app.end(&visit).await.expect(200).body;
    app.clock.advance(Duration::minutes(3));
    assert_eq!(app.app.note_broken_promises().await.unwrap(), 0);
    assert_eq!(app.read(&visit).await, ended);
    let open: i64 =
        app.database.query_one("SELECT count(*) FROM presence_lease WHERE promised", &[]).await.unwrap().get(0);
    assert_eq!(open, 0);
}
