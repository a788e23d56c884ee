//! What machines refuse is told, and the clinician goes on by hand.

use serde_json::json;
use vcare_testkit::{AiSays, Mode, Name};

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn us_012_a_refused_completion_is_told_and_the_clinician_documents_by_hand() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let refusal = json!({"draftText": null, "isDraft": true, "provenance": {"modelVersion": "m"}}).to_string();
    app.standins.ai().say(Some(AiSays::This { status: 200, content_type: "application/json", body: refusal }));
    let told = app.summarise(&app.token("clinician"), &visit, "cough").await.refused(422, "AI_REFUSED");
    assert!(told.text("detail").contains("write the note by hand"), "{}", told.body);
    assert_eq!(app.count("ai_draft").await, 0);
    assert!(app.standins.requests(Name::Chart).is_empty());
    app.clock.advance(time::Duration::MINUTE);
    app.end(&visit).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_down_is_told_and_the_same_request_works_later() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    for mode in [Mode::DOWN, Mode::SLOW, Mode::WRONG] {
        app.standins.set_mode(Name::Ai, mode);
        let told = app.summarise(&app.token("clinician"), &visit, "cough").await.refused(503, "AI_UNAVAILABLE");
        assert!(told.text("detail").contains("write the note by hand"), "{}", told.body);
    }
    app.standins.set_mode(Name::Ai, Mode::UP);
    app.draft(&visit).await;
}
