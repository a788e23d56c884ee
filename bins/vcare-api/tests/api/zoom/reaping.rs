//! What a crash leaves at Zoom is found and closed; nothing else is.

use serde_json::{Value, json};
use time::Duration;
use vcare_app::ports::RoomWish;
use vcare_domain::{RoomName, Schedule, TimeZoneName, VideoBackend};
use vcare_testkit::standins::zoom::Limit;
use vcare_testkit::{Mode, Name};

use super::{go_to, id, meeting, start};
use crate::support::{OTHER_TENANT, TENANT, TestApp, scope};

/// A meeting was planned, and the process died before it wrote the visit.
async fn orphan(app: &TestApp, tenant: &str, name: &str) {
    let (scope, name) = (scope(tenant), RoomName::parse(name).unwrap());
    let config = app.app.store.tenant_config(&scope.tenant_id).await.unwrap().unwrap();
    let schedule = Schedule::plan(app.now(), None, TimeZoneName::utc(), app.now()).unwrap();
    let wish = RoomWish { name: &name, schedule: &schedule, trace: &scope.trace };
    app.app.neighbours.video.zoom.create_room(&config, &wish).await.unwrap();
}

async fn reap(app: &TestApp) -> u32 {
    app.app.reap_rooms().await.unwrap()
}

fn meetings(app: &TestApp) -> Vec<Value> {
    app.standins.zoom().meetings()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_without_a_visit_is_deleted_when_it_is_an_hour_old() {
    let app = start().await;
    orphan(&app, TENANT, "kabul-orphan01").await;
    app.clock.advance(Duration::HOUR);
    assert_eq!(reap(&app).await, 0);
    meeting(&app);
    app.clock.advance(Duration::SECOND);
    assert_eq!(reap(&app).await, 1);
    assert!(meetings(&app).is_empty());
    assert_eq!(reap(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_whose_visit_goes_on_is_left_in_every_state() {
    let app = start().await;
    app.visit().await;
    app.waiting_visit().await;
    app.active_visit().await;
    app.clock.advance(Duration::DAY - Duration::HOUR);
    assert_eq!(reap(&app).await, 0);
    assert_eq!(meetings(&app).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_that_zoom_did_not_end_with_its_visit_is_ended_later() {
    let app = start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.zoom().start(id(&meeting(&app)));
    app.clock.advance(Duration::HOUR * 2);
    app.standins.set_mode(Name::Zoom, Mode::DOWN);
    app.end(&visit).await.expect(200);
    app.standins.set_mode(Name::Zoom, Mode::UP);
    meeting(&app);
    assert_eq!(reap(&app).await, 1);
    assert!(meetings(&app).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_in_the_same_account_is_left() {
    let app = start().await;
    // Another tenant with the same account, the same host and a visit of its own.
    go_to(&app, OTHER_TENANT, VideoBackend::Zoom).await;
    let theirs = app.token_of(OTHER_TENANT, "clinician-2", "clinician");
    app.post(&theirs, "/sessions", &app.wish()).await.expect(201);
    orphan(&app, TENANT, "kabul-orphan01").await;
    let by_hand = json!({"topic": "kabul-abcdefgh", "agenda": "virtual care"});
    assert!(app.standins.zoom().plan(&by_hand).is_some());
    app.clock.advance(Duration::HOUR * 2);
    assert_eq!(reap(&app).await, 1);
    let topics: Vec<_> = meetings(&app).iter().map(|one| one["topic"].as_str().unwrap().to_owned()).collect();
    assert!(topics.len() == 2 && topics[0].starts_with("herat-") && topics[1] == "kabul-abcdefgh", "{topics:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_zoom_is_down_or_without_quota_orphans_wait_for_the_next_time() {
    let app = start().await;
    orphan(&app, TENANT, "kabul-orphan01").await;
    app.clock.advance(Duration::HOUR * 2);
    app.standins.set_mode(Name::Zoom, Mode::DOWN);
    assert_eq!(reap(&app).await, 0);
    app.standins.set_mode(Name::Zoom, Mode::UP);
    app.standins.zoom().limit(Some(Limit::Daily));
    assert_eq!(reap(&app).await, 0);
    app.standins.zoom().limit(None);
    assert_eq!(reap(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_account_is_wrong_keeps_nobody_elses_from_being_reaped() {
    let app = start().await;
    go_to(&app, OTHER_TENANT, VideoBackend::Zoom).await;
    orphan(&app, TENANT, "kabul-orphan01").await;
    // It comes first.
    crate::rooms::settings(&app, OTHER_TENANT, |draft| draft.zoom_account_id = Some("another".to_owned())).await;
    app.clock.advance(Duration::HOUR * 2);
    assert_eq!(reap(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_reap_at_once_do_no_harm() {
    let app = start().await;
    let (visit, _) = app.waiting_visit().await;
    for number in 0..5 {
        orphan(&app, TENANT, &format!("kabul-orphan0{number}")).await;
    }
    app.clock.advance(Duration::HOUR * 2);
    let (one, two) = tokio::join!(app.app.reap_rooms(), app.app.reap_rooms());
    assert!(one.unwrap() + two.unwrap() >= 5);
    assert_eq!(meeting(&app)["topic"], app.read(&visit).await["roomName"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_at_jitsi_are_not_looked_at() {
    let app = start().await;
    go_to(&app, TENANT, VideoBackend::Jitsi).await;
    app.visit().await;
    app.clock.advance(Duration::HOUR * 2);
    assert_eq!(reap(&app).await, 0);
    assert!(app.standins.requests(Name::Zoom).is_empty());
}
