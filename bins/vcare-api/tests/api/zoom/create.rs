//! Creating a visit whose room Zoom has to plan: a refusal leaves no row, a lost race no meeting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use reqwest::Method;
use uuid::Uuid;
use vcare_app::ports::Ids;
use vcare_boot::SystemIds;
use vcare_testkit::standins::zoom::Limit;
use vcare_testkit::{Mode, Name};

use super::{meeting, start, start_drawing};
use crate::rooms::settings;
use crate::support::{Answer, NO_CONSENT, TENANT, TestApp};

async fn create(app: &TestApp) -> Answer {
    app.post(&app.token("clinician"), "/sessions", &app.wish()).await
}

async fn nothing_is_there(app: &TestApp) {
    assert_eq!(app.count("virtual_session").await, 0);
    assert!(app.standins.zoom().meetings().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_is_used_up_is_503_with_retry_after_and_no_session() {
    let app = start().await;
    // Four hours to midnight are more than anybody is told to wait.
    for (limit, seconds) in [(Limit::PerSecond, "5"), (Limit::Daily, "3600"), (Limit::Meetings, "5")] {
        app.standins.zoom().limit(Some(limit));
        let refused = create(&app).await.refused(503, "PROVIDER_QUOTA_EXCEEDED");
        assert_eq!(refused.header("retry-after"), seconds, "{limit:?}");
        nothing_is_there(&app).await;
    }
    app.standins.zoom().limit(None);
    create(&app).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zoom_that_is_down_is_503_and_no_session() {
    let app = start().await;
    for mode in [Mode::DOWN, Mode::WRONG, Mode::SLOW] {
        app.standins.set_mode(Name::Zoom, mode);
        let refused = create(&app).await.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
        assert!(!refused.header("retry-after").is_empty());
        nothing_is_there(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_or_host_that_is_not_there_is_503_and_no_session() {
    let app = start().await;
    settings(&app, TENANT, |draft| draft.zoom_host_user = "nobody@hospital.example".to_owned()).await;
    create(&app).await.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
    settings(&app, TENANT, |draft| draft.zoom_account_id = Some("another-account".to_owned())).await;
    create(&app).await.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
    nothing_is_there(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_brought_no_keys_has_no_video_backend() {
    let app = TestApp::start().await;
    super::go_to(&app, TENANT, vcare_domain::VideoBackend::Zoom).await;
    create(&app).await.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
    assert!(app.standins.requests(Name::Zoom).is_empty());
    assert_eq!(app.count("virtual_session").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_meeting_is_planned_for_a_visit_that_a_gate_stops() {
    let app = start().await;
    let mut wish = app.wish();
    wish["patientId"] = NO_CONSENT.into();
    app.post(&app.token("clinician"), "/sessions", &wish).await.refused(403, "CONSENT_REQUIRED");
    nothing_is_there(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_creates_under_one_key_side_by_side_all_but_one_give_their_meeting_back() {
    let app = start().await;
    let (clinician, wish) = (app.token("clinician"), app.wish());
    let answers = join_all((0..6).map(|_| app.post_once(&clinician, "/sessions", &wish, "key-1"))).await;
    let rooms: Vec<_> = answers.into_iter().map(|answer| answer.expect(201).text("roomName")).collect();
    assert!(rooms.iter().all(|room| *room == meeting(&app)["topic"]), "{rooms:?}");
    let again = app.post_once(&clinician, "/sessions", &wish, "key-1").await.expect(201);
    assert_eq!(again.text("roomName"), meeting(&app)["topic"].as_str().unwrap());
}

/// Chance that is out of order at first: the letters of the first two room names are the same.
#[derive(Default)]
struct SameRoomTwice {
    drawn: AtomicUsize,
    then: SystemIds,
}

impl Ids for SameRoomTwice {
    fn uuid(&self) -> Uuid {
        self.then.uuid()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        // Letters of room names are drawn one by one, and nothing else is.
        if bytes.len() == 1 && self.drawn.fetch_add(1, Ordering::Relaxed) < 16 {
            bytes[0] = 0;
        } else {
            self.then.fill_random(bytes);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_name_that_was_taken_is_drawn_again_and_its_meeting_given_back() {
    let app = start_drawing(Arc::new(SameRoomTwice::default())).await;
    let one = create(&app).await.expect(201).text("roomName");
    let two = create(&app).await.expect(201).text("roomName");
    assert_eq!(one, "kabul-aaaaaaaa");
    let mut topics: Vec<_> = app.standins.zoom().meetings().iter().map(|one| one["topic"].clone()).collect();
    topics.sort_by_key(ToString::to_string);
    let mut rooms = [one, two];
    rooms.sort();
    assert_eq!(topics, rooms);
    assert_eq!(app.count("virtual_session").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_to_zoom_is_tried_and_what_is_wrong_named() {
    let app = start().await;
    let test = async || {
        let request = app.request(Method::POST, "/config/test-connection").bearer_auth(app.token("tenant_admin"));
        app.send(request).await.expect(200).body
    };
    assert_eq!(test().await["healthy"], true);
    app.standins.zoom().reconfigure(|settings| settings.client_secret = "changed".to_owned());
    let report = test().await;
    assert_eq!((&report["healthy"], &report["checks"][0]["setting"]), (&false.into(), &"zoomApiSecret".into()));
    nothing_is_there(&app).await;
}
