//! Who is there, and on which device.

use serde_json::{Value, json};
use time::Duration;

use crate::support::{TestApp, Visit};

const ONE: &str = "phone-one";
const TWO: &str = "phone-two";

async fn present(app: &TestApp, visit: &Visit) -> Value {
    app.participant(visit, &visit.patient).await["present"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_there_for_two_minutes_after_each_sign_of_life() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    // Looking alone brings nobody into the waiting room.
    app.join_status(&token).await.expect(200);
    assert_eq!((present(&app, &visit).await, app.count("presence_lease").await), (Value::Null, 0));
    app.join(&token).await.expect(200);
    let version = app.read(&visit).await["version"].clone();
    assert_eq!(present(&app, &visit).await, true);
    app.clock.advance(Duration::seconds(119));
    assert_eq!(present(&app, &visit).await, true);
    app.join_status(&token).await.expect(200);
    app.clock.advance(Duration::seconds(119));
    assert_eq!(present(&app, &visit).await, true);
    app.clock.advance(Duration::SECOND);
    assert_eq!(present(&app, &visit).await, false);
    // The same in a list; and nobody is told of who does not wait.
    let list = app.get(&app.token("clinician"), "/sessions").await.expect(200).body;
    assert_eq!(list["items"][0]["present"], false);
    assert_eq!(app.participant(&visit, &visit.provider).await["present"], Value::Null);
    app.join_status(&token).await.expect(200);
    assert_eq!(present(&app, &visit).await, true);
    assert_eq!(app.read(&visit).await["version"], version, "being there is no change of the visit");
}

#[tokio::test(flavor = "multi_thread")]
async fn signs_of_life_are_written_down_twice_a_minute_at_most() {
    let app = TestApp::start().await;
    let (_, token) = app.waiting_visit().await;
    let written = async || {
        let row = app.database.query_one("SELECT xmin::text FROM presence_lease", &[]).await.unwrap();
        row.get::<_, String>(0)
    };
    let first = written().await;
    for _ in 0..3 {
        app.clock.advance(Duration::seconds(9));
        app.join_status(&token).await.expect(200);
    }
    assert_eq!(written().await, first);
    app.clock.advance(Duration::seconds(3));
    app.join_status(&token).await.expect(200);
    assert_ne!(written().await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_asks_before_it_takes_over_and_a_reload_does_not() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    app.join_on(&token, ONE, false).await.expect(200);
    app.join_on(&token, ONE, false).await.expect(200);
    let before = app.read(&visit).await;
    app.join_on(&token, TWO, false).await.refused(409, "JOINED_ON_ANOTHER_DEVICE");
    app.wait(&token, &format!("deviceId={TWO}")).await.refused(409, "JOINED_ON_ANOTHER_DEVICE");
    app.wait(&token, &format!("since=0&deviceId={TWO}")).await.refused(409, "JOINED_ON_ANOTHER_DEVICE");
    assert_eq!(app.read(&visit).await, before);
    // Who names no device is nobody's rival.
    app.join(&token).await.expect(200);
    app.join_status(&token).await.expect(200);

    app.join_on(&token, TWO, true).await.expect(200);
    app.wait(&token, &format!("deviceId={ONE}")).await.refused(409, "JOINED_ON_ANOTHER_DEVICE");
    app.wait(&token, &format!("deviceId={TWO}")).await.expect(200);
    app.join_on(&token, ONE, false).await.refused(409, "JOINED_ON_ANOTHER_DEVICE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_fell_silent_holds_nothing() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    app.join_on(&token, ONE, false).await.expect(200);
    app.clock.advance(Duration::seconds(120));
    app.join_on(&token, TWO, false).await.expect(200);
    app.join_on(&token, ONE, false).await.refused(409, "JOINED_ON_ANOTHER_DEVICE");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_devices_that_come_at_once_one_is_asked() {
    let app = TestApp::start().await;
    for _ in 0..4 {
        let visit = app.visit().await;
        let token = app.join_token(&visit).await;
        let (one, two) = tokio::join!(app.join_on(&token, ONE, false), app.join_on(&token, TWO, false));
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        won.expect(200);
        lost.refused(409, "JOINED_ON_ANOTHER_DEVICE");
        assert_eq!(app.read(&visit).await["version"], 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_to_the_video_room_holds_the_page_no_more() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    app.join_on(&token, ONE, false).await.expect(200);
    app.admit(&visit).await.expect(200);
    app.join_on(&token, TWO, false).await.refused(409, "JOINED_ON_ANOTHER_DEVICE");
    assert_eq!(app.join_on(&token, ONE, false).await.expect(200).body["destination"], "direct_join");
    assert_eq!(app.join_on(&token, TWO, false).await.expect(200).body["destination"], "direct_join");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_device_is_refused_by_name() {
    let app = TestApp::start().await;
    let (_, token) = app.waiting_visit().await;
    for bad in ["", "short", "with%20blanks", "semi;colon", &"x".repeat(65), &"x".repeat(10_000)] {
        let body = bad.replace("%20", " ");
        app.join_on(&token, &body, false).await.names_field("deviceId");
        app.wait(&token, &format!("deviceId={bad}")).await.names_field("deviceId");
    }
    app.join_on(&token, &"x".repeat(1 << 20), false).await.refused(413, "PAYLOAD_TOO_LARGE");
    let wrong = json!({"token": token, "deviceId": 7});
    app.post("", "/sessions/join", &wrong).await.names_field("deviceId");
    let wrong = json!({"token": token, "deviceId": ONE, "takeOver": "yes"});
    app.post("", "/sessions/join", &wrong).await.names_field("takeOver");
}
