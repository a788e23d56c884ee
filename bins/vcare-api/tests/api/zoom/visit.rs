//! A whole visit at Zoom, and visits of a tenant that moved.

use serde_json::json;
use time::Duration;
use vcare_domain::VideoBackend;
use vcare_testkit::standins::zoom::Limit;
use vcare_testkit::{Mode, Name};

use super::{go_to, id, meeting, start};
use crate::support::{TENANT, VideoUrl};

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_at_zoom_is_planned_joined_admitted_and_ended() {
    let app = start().await;
    let visit = app.visit().await;
    let planned = meeting(&app);
    let shown = app.read(&visit).await;
    assert_eq!((&shown["videoBackend"], &shown["roomName"]), (&json!("zoom"), &planned["topic"]));
    let text = |name: &str| planned[name].as_str().unwrap().to_owned();
    assert!(!shown.to_string().contains(&text("encrypted_password")), "{shown}");

    let token = app.join_token(&visit).await;
    let waiting = app.join(&token).await.expect(200);
    assert_eq!(waiting.body["destination"], "waiting_room");
    assert!(!waiting.body.to_string().contains("zoom.example"), "nothing that opens before admission");
    let admitted = app.admit(&visit).await.expect(200);
    assert_eq!(admitted.text("videoJoinUrl"), text("start_url"), "the host's");
    let joined = app.join(&token).await.expect(200);
    assert_eq!(joined.text("url"), text("join_url"), "a participant's");
    assert!(app.standins.zoom().start(id(&planned)));
    app.clock.advance(Duration::minutes(20));
    let ended = app.end(&visit).await.expect(200);
    assert_eq!((&ended.body["status"], &ended.body["encounterStatus"]), (&json!("ended"), &json!("created")));
    assert!(app.standins.zoom().meetings().is_empty(), "its addresses are dead");
    for event in app.events().await {
        let event = event.to_string();
        assert!(!event.contains("zoom.example") && !event.contains(&text("password")), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_is_no_host() {
    let app = start().await;
    let (visit, _) = app.active_visit().await;
    let interpreter = app.interpreter(&visit).await;
    let token = app.join_token_of(&visit, &interpreter).await;
    app.join(&token).await.expect(200);
    let path = visit.path(&format!("/admit/{interpreter}"));
    app.post(&app.token("clinician"), &path, &json!({})).await.expect(200);
    assert_eq!(app.join(&token).await.expect(200).text("url"), meeting(&app)["join_url"].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_is_called_off_leaves_no_meeting() {
    let app = start().await;
    let visit = app.visit().await;
    meeting(&app);
    app.cancel(&visit, "snow").await.expect(200);
    assert!(app.standins.zoom().meetings().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_ends_although_zoom_does_not_hear_of_it() {
    let app = start().await;
    let (visit, _) = app.active_visit().await;
    app.clock.advance(Duration::MINUTE);
    app.standins.set_mode(Name::Zoom, Mode::DOWN);
    assert_eq!(app.end(&visit).await.expect(200).body["status"], "ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_zoom_gives_no_address_who_was_let_in_is_told_when_to_come_again() {
    let app = start().await;
    let (_, token) = app.active_visit().await;
    app.standins.zoom().limit(Some(Limit::Daily));
    let refused = app.join(&token).await.refused(503, "PROVIDER_QUOTA_EXCEEDED");
    assert_eq!(refused.header("retry-after"), "3600");
    app.standins.zoom().limit(None);
    app.standins.set_mode(Name::Zoom, Mode::DOWN);
    app.join(&token).await.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
    app.standins.set_mode(Name::Zoom, Mode::UP);
    app.join(&token).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_stays_where_it_was_created_when_its_tenant_moves() {
    let app = start().await;
    let (at_zoom, zoom_link) = app.waiting_visit().await;
    go_to(&app, TENANT, VideoBackend::Jitsi).await;
    let (at_jitsi, jitsi_link) = app.waiting_visit().await;
    assert_eq!(app.read(&at_jitsi).await["videoBackend"], "jitsi");
    // At each place, while the tenant is at the other.
    let host = app.admit(&at_zoom).await.expect(200).text("videoJoinUrl");
    assert!(host.contains("zak="), "{host}");
    go_to(&app, TENANT, VideoBackend::Zoom).await;
    let moderator = VideoUrl::read(TENANT, &app.admit(&at_jitsi).await.expect(200).text("videoJoinUrl")).await;
    assert_eq!(moderator.claims["context"]["user"]["moderator"], true);
    VideoUrl::read(TENANT, &app.join(&jitsi_link).await.expect(200).text("url")).await;
    app.clock.advance(Duration::MINUTE);
    app.end(&at_jitsi).await.expect(200);
    go_to(&app, TENANT, VideoBackend::Jitsi).await;
    assert!(app.join(&zoom_link).await.expect(200).text("url").contains("pwd="));
    app.end(&at_zoom).await.expect(200);
    assert!(app.standins.zoom().meetings().is_empty());
}
