//! The patient of a visit that failed is offered to go on without a live link, at once and without asking for it.

use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::{Mode, Name};

use crate::support::{Answer, TestApp};

/// Only commits of the same process are heard of, for as long as a test takes.
const NO_WATCHER: &str = "waiting.lines_ms = 0\nwaiting.watch_ms = 3600000";

impl TestApp {
    async fn standing(&self, token: &str) -> Answer {
        self.get(token, "/sessions/join/status").await
    }
}

fn version(status: &Value) -> u64 {
    status["version"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_who_waits_for_news_is_offered_to_go_on_at_the_moment_the_visit_fails() {
    let app = TestApp::start_with(NO_WATCHER).await;
    let (_, token) = app.lost_visit().await;
    let before = app.standing(&token).await.expect(200).body;
    assert!(before.get("fallback").is_none(), "the window runs: {before}");
    let query = format!("since={}", version(&before));
    let fail = async {
        app.until_waited_for(1).await;
        app.give_up().await;
    };
    let (news, ()) = tokio::join!(app.wait(&token, &query), fail);
    let news = news.expect(200).body;
    assert_eq!((&news["sessionStatus"], &news["fallback"]), (&json!("failed"), &json!({"continueAsync": true})));
    assert_eq!(version(&news), version(&before) + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_the_offer_names_the_thread_as_soon_as_it_is_there() {
    let app = TestApp::start_with(NO_WATCHER).await;
    let (visit, token) = app.lost_visit().await;
    app.give_up().await;
    let failed = app.standing(&token).await.expect(200).body;
    assert_eq!(failed["fallback"], json!({"continueAsync": true}));
    app.standins.set_mode(Name::Communication, Mode::DOWN);
    app.fall_back(&visit).await.expect(202);
    let asked = app.standing(&token).await.expect(200).body;
    assert_eq!(asked["fallback"], json!({"continueAsync": true}), "there is no thread yet");
    app.standins.set_mode(Name::Communication, Mode::UP);
    app.clock.advance(Duration::MINUTE);
    let query = format!("since={}", version(&asked));
    let make = async {
        app.until_waited_for(1).await;
        assert_eq!(app.work(vcare_app::ports::JobKind::CreateThread).await.done, 1);
    };
    let (news, ()) = tokio::join!(app.wait(&token, &query), make);
    let thread = app.standins.threads()[0]["threadId"].clone();
    assert_eq!(news.expect(200).body["fallback"], json!({"messagingThreadId": thread, "continueAsync": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_nobody_but_the_patient_is_offered_anything_and_only_while_the_visit_is_failed() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let invited = app.invite(&visit, &json!({"role": "interpreter", "userId": "tr-1"})).await.expect(201);
    let interpreter = invited.body["participants"][2]["id"].as_str().unwrap().to_owned();
    let path = visit.path(&format!("/participants/{interpreter}/join-token"));
    let interpreters = app.post(&clinician, &path, &json!({})).await.expect(201).text("joinToken");
    let superseded = app.join_token(&visit).await;
    let patients = app.join_token(&visit).await;
    app.fail(&visit).await;
    let theirs = app.standing(&interpreters).await.expect(200).body;
    assert_eq!(theirs["sessionStatus"], "failed");
    assert!(theirs.get("fallback").is_none(), "{theirs}");
    assert_eq!(app.standing(&patients).await.expect(200).body["fallback"], json!({"continueAsync": true}));
    app.standing(&superseded).await.refused(401, "TOKEN_INVALID");
    app.end(&visit).await.expect(200);
    let over = app.standing(&patients).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(over.body["currentStatus"], "ended");
}
