//! Who is in a room: hints that come late, twice and out of order.

use serde_json::json;
use time::Duration;

use super::{room, shared_jitsi, under};
use crate::support::{TestApp, Visit};

async fn patient(app: &TestApp, visit: &Visit) -> String {
    app.participant(visit, &visit.patient).await["status"].as_str().unwrap().to_owned()
}

/// A visit whose patient was admitted, and its room.
async fn in_visit(app: &TestApp) -> (Visit, String) {
    let (visit, _) = app.active_visit().await;
    let room = room(app, &visit).await;
    (visit, room)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_seen_in_the_room_is_active_and_who_leaves_is_disconnected() {
    let app = TestApp::start().await;
    let (visit, room) = in_visit(&app).await;
    assert_eq!(patient(&app, &visit).await, "admitted");
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    assert_eq!(patient(&app, &visit).await, "active");
    app.clock.advance(Duration::MINUTE);
    app.seen_to_leave(&room, &visit.patient, "phone").await.expect(204);
    assert_eq!(patient(&app, &visit).await, "disconnected");
    let event = app.only_event("virtual_care.session.participant.disconnected.v1").await;
    assert_eq!(event["data"]["participantId"], visit.patient);
    assert_eq!(event["data"]["actorId"], "system:jitsi");
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_twice_changes_nothing() {
    let app = TestApp::start().await;
    let (visit, room) = in_visit(&app).await;
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    let before = app.read(&visit).await;
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    assert_eq!(app.read(&visit).await, before);
    app.seen_to_leave(&room, &visit.patient, "phone").await.expect(204);
    let before = app.read(&visit).await;
    app.seen_to_leave(&room, &visit.patient, "phone").await.expect(204);
    // Sent when the phone came, heard after it had left.
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    assert_eq!(app.read(&visit).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_departure_that_overtakes_its_arrival_still_counts() {
    let app = TestApp::start().await;
    let (visit, room) = in_visit(&app).await;
    let now = app.now().unix_timestamp();
    app.seen("left", &room, &visit.patient, "phone", now + 60).await.expect(204);
    app.seen("joined", &room, &visit.patient, "phone", now).await.expect(204);
    assert_eq!(patient(&app, &visit).await, "disconnected");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_back_before_the_old_connection_was_given_up_is_still_there() {
    let app = TestApp::start().await;
    let (visit, room) = in_visit(&app).await;
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    app.clock.advance(Duration::MINUTE);
    app.seen_to_join(&room, &visit.patient, "phone-again").await.expect(204);
    app.clock.advance(Duration::seconds(5));
    app.seen_to_leave(&room, &visit.patient, "phone").await.expect(204);
    assert_eq!(patient(&app, &visit).await, "active");
    app.seen_to_leave(&room, &visit.patient, "phone-again").await.expect(204);
    assert_eq!(patient(&app, &visit).await, "disconnected");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_let_in_is_not_brought_in_by_a_hint() {
    let app = TestApp::start().await;
    let (visit, room) = in_visit(&app).await;
    let interpreter = app.interpreter(&visit).await;
    let before = app.read(&visit).await;
    app.seen_to_join(&room, &interpreter, "phone").await.expect(204);
    let seen = app.participant(&visit, &interpreter).await;
    assert_eq!((&seen["status"], &seen["inRoom"]), (&json!("invited"), &json!(true)), "the clinician is told");
    app.seen_to_leave(&room, &interpreter, "phone").await.expect(204);
    // A recorder, and Jitsi's own: no participants of ours.
    for id in ["", "recorder", "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S", "vsp_not"] {
        app.seen_to_join(&room, id, "somebody").await.expect(204);
    }
    assert_eq!(app.read(&visit).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_is_over_is_not_changed_by_who_leaves_its_room() {
    let app = TestApp::start().await;
    let (visit, room) = in_visit(&app).await;
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    app.clock.advance(Duration::MINUTE);
    let ended = app.end(&visit).await.expect(200).body;
    app.seen_to_leave(&room, &visit.patient, "phone").await.expect(204);
    assert_eq!(app.read(&visit).await, ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_destroyed_tells_of_everybody_who_was_in_it() {
    let app = TestApp::start().await;
    let (visit, room) = in_visit(&app).await;
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    app.clock.advance(Duration::MINUTE);
    let now = app.now().unix_timestamp();
    let occupant = |id: &str, connection: &str| json!({"occupant_jid": format!("{room}@muc.meet.jitsi/{connection}"), "id": id, "joined_at": now - 60});
    let body = json!({
        "event_name": "muc-room-destroyed", "is_breakout": false, "room_name": room, "room_jid": format!("{room}@muc.meet.jitsi"),
        "created_at": now - 70, "destroyed_at": now,
        "all_occupants": [occupant(&visit.patient, "phone"), occupant("recorder", "jibri")],
    });
    app.tell("//internal/jitsi/events/room/destroyed", &body).await.expect(204);
    assert_eq!(patient(&app, &visit).await, "disconnected");
    app.tell("//internal/jitsi/events/room/created", &json!({"room_name": room, "created_at": now})).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_about_a_room_of_another_tenants_path_reach_nobody() {
    let app = TestApp::start().await;
    shared_jitsi(&app).await;
    let (visit, room) = in_visit(&app).await;
    for other in [room.clone(), under("herat-clinic", &room), under("kabul-clinic", "kabul-nosuchrm")] {
        app.seen_to_join(&other, &visit.patient, "phone").await.refused(404, "SESSION_NOT_FOUND");
    }
    assert_eq!(patient(&app, &visit).await, "admitted");
    app.seen_to_join(&under("kabul-clinic", &room), &visit.patient, "phone").await.expect(204);
    assert_eq!(patient(&app, &visit).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_hint_is_refused() {
    let app = TestApp::start().await;
    let (visit, room) = in_visit(&app).await;
    let joined = "//internal/jitsi/events/occupant/joined";
    let hint = |jid: &str, at: serde_json::Value| json!({"room_name": room, "occupant": {"occupant_jid": jid, "id": visit.patient, "joined_at": at}});
    app.tell(joined, &hint("", json!(1))).await.names_field("occupant.occupant_jid");
    app.tell(joined, &hint(&"x".repeat(600), json!(1))).await.names_field("occupant.occupant_jid");
    app.tell(joined, &hint("a@b/c", json!(null))).await.names_field("occupant");
    app.tell(joined, &hint("a@b/c", json!(1e300))).await.names_field("occupant");
    app.tell(joined, &hint("a@b/c", json!("soon"))).await.names_field("occupant.joined_at");
    let nowhere = json!({"room_name": "No Room", "occupant": {"occupant_jid": "a@b/c", "joined_at": 1}});
    app.tell(joined, &nowhere).await.names_field("room_name");
    let crowd = vec![json!({"occupant_jid": "a@b/c"}); 501];
    let body = json!({"room_name": room, "all_occupants": crowd});
    app.tell("//internal/jitsi/events/room/destroyed", &body).await.names_field("all_occupants");
    assert_eq!(patient(&app, &visit).await, "admitted");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hints_at_once_are_one_after_the_other() {
    let app = TestApp::start().await;
    let (visit, room) = in_visit(&app).await;
    let joins = (0..8).map(|n| {
        let (app, visit, room) = (&app, &visit, &room);
        async move { app.seen_to_join(room, &visit.patient, &format!("phone-{n}")).await.expect(204) }
    });
    futures_util::future::join_all(joins).await;
    assert_eq!(patient(&app, &visit).await, "active");
    let again = app.events_of("virtual_care.session.participant.joined.v1").await;
    let again = again.iter().filter(|event| event["data"]["participantStatus"] == "active");
    assert_eq!(again.filter(|event| event["data"]["participantId"] == visit.patient).count(), 1);
}
