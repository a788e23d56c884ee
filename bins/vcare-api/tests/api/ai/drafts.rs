//! Drafts: what is kept of them, and for how long.

use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::Name;

use super::asked;
use crate::secrets::{kms, must_not_hold};
use crate::support::{TENANT, TestApp};

const DRAFT: &str = "Cough improving since Nawruz; poor sleep.";

#[tokio::test(flavor = "multi_thread")]
async fn us_012_a_draft_is_returned_and_is_not_in_the_chart() {
    let app = TestApp::start().await;
    app.standins.ai().write(DRAFT);
    let (visit, _) = app.active_visit().await;
    let told = app.summarise(&app.token("clinician"), &visit, "The cough is better.").await.expect(201).body;
    assert_eq!(
        (&told["text"], &told["aiGenerated"], &told["aiModel"]),
        (&json!(DRAFT), &json!(true), &json!("standin-1"))
    );
    assert_eq!(told["expiresAt"], app.minutes_ahead(24 * 60));
    assert!(told["draftId"].as_str().unwrap().starts_with("drf_"));

    let asked = asked(&app, "/completions").remove(0);
    assert_eq!(asked.body["templateId"], "vcare-session-summary-v1");
    assert_eq!(asked.body["inputs"], json!({"transcript": "The cough is better."}));
    assert_eq!(asked.header("x-tenant-id"), Some(TENANT));
    assert!(app.standins.requests(Name::Chart).is_empty());
    assert_eq!(app.draft_audit().await, ["AI_SUMMARY_DRAFTED"]);
    // Of an ended visit, too.
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    app.draft(&visit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_waits_is_sealed_and_opens_in_no_other_row() {
    let app = TestApp::start().await;
    app.standins.ai().write(DRAFT);
    let (visit, _) = app.active_visit().await;
    let key = "summary-1";
    let body = json!({"transcript": "The cough is better since Nawruz."});
    let path = visit.path("/ai/summary");
    let first = app.post_once(&app.token("clinician"), &path, &body, key).await.expect(201);
    let dump = app.database.dump().await.unwrap();
    assert!(dump.contains("COPY public.ai_draft") && app.a_text_is_held().await, "{dump}");
    for words in [DRAFT, "Nawruz", "The cough is better"] {
        must_not_hold(&dump, "the database", words.as_bytes());
    }
    // Moved to another draft's row it is worth nothing.
    let second = app.draft(&visit).await;
    app.database
        .execute("UPDATE ai_draft SET sealed = (SELECT sealed FROM ai_draft ORDER BY id DESC LIMIT 1)", &[])
        .await
        .unwrap();
    app.post_once(&app.token("clinician"), &path, &body, key).await.refused(503, "SERVICE_UNAVAILABLE");
    app.decline(&visit, &first.text("draftId")).await.expect(200);
    app.decline(&visit, &second).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_wish_gets_the_same_draft_as_long_as_it_waits() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    let wish = json!({"transcript": "The cough is better."});
    let once = async |body: &Value| app.post_once(&clinician, &visit.path("/ai/summary"), body, "summary-1").await;
    let first = once(&wish).await.expect(201);
    let again = once(&wish).await.expect(201);
    assert_eq!(again.body, first.body);
    assert_eq!(app.standins.requests(Name::Ai).len(), 1);
    assert_eq!(app.count("ai_draft").await, 1);
    once(&json!({"transcript": "Another."})).await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    // What is kept under the key is how to answer again, and not the answer.
    let kept = "SELECT octet_length(body), record_id IS NOT NULL FROM idempotency_key";
    let kept = app.database.query_one(kept, &[]).await.unwrap();
    let encrypted_id = i32::try_from(first.text("draftId").len() + 12 + 16).unwrap();
    assert_eq!((kept.get::<_, i32>(0), kept.get::<_, bool>(1)), (encrypted_id, true));
    app.decline(&visit, &first.text("draftId")).await.expect(200);
    once(&wish).await.refused(409, "DRAFT_ALREADY_DECIDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_under_one_key_make_one_draft() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let (clinician, path, wish) = (app.token("clinician"), visit.path("/ai/summary"), json!({"transcript": "Cough."}));
    let (one, other) = tokio::join!(
        app.post_once(&clinician, &path, &wish, "summary-1"),
        app.post_once(&clinician, &path, &wish, "summary-1"),
    );
    assert_eq!(one.expect(201).body, other.expect(201).body);
    assert_eq!(app.count("ai_draft").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_nobody_decides_on_is_erased_once() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let draft = app.draft(&visit).await;
    app.clock.advance(Duration::DAY - Duration::SECOND);
    assert_eq!(app.app.expire_drafts(10).await.unwrap(), 0);
    app.clock.advance(Duration::SECOND);
    // Before anybody has swept, too.
    let clinician = app.token("clinician");
    let decision = json!({"draftId": draft, "accepted": true});
    app.decide(&clinician, &visit, &decision).await.refused(409, "DRAFT_EXPIRED");
    assert!(app.a_text_is_held().await);
    let (one, other) = tokio::join!(app.app.expire_drafts(10), app.app.expire_drafts(10));
    assert_eq!(one.unwrap() + other.unwrap(), 1);
    assert!(!app.a_text_is_held().await);
    app.decide(&clinician, &visit, &decision).await.refused(409, "DRAFT_EXPIRED");
    let declined = json!({"draftId": draft, "accepted": false});
    app.decide(&clinician, &visit, &declined).await.refused(409, "DRAFT_EXPIRED");
    assert_eq!(app.draft_audit().await, ["AI_SUMMARY_DRAFTED", "AI_SUMMARY_EXPIRED"]);
}

/// Nothing of a patient's is kept that could not be sealed.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_store_there_is_no_draft_and_no_edited_text() {
    let (mut kms, settings) = kms(2000).await;
    let app = TestApp::start_with(&settings).await;
    let (visit, _) = app.active_visit().await;
    let (kept, edited) = (app.draft(&visit).await, app.draft(&visit).await);
    kms.kill();
    let clinician = app.token("clinician");
    app.summarise(&clinician, &visit, "cough").await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(app.count("ai_draft").await, 2);
    let decision = json!({"draftId": edited, "accepted": true, "editedText": "Better."});
    app.decide(&clinician, &visit, &decision).await.refused(503, "SERVICE_UNAVAILABLE");
    // What was sealed before can be decided on; it comes into the chart when it can be opened again.
    let accepted = app.accept(&visit, &kept).await.expect(202);
    assert_eq!(accepted.body["chartStatus"], "pending");
    assert!(app.standins.notes().is_empty());
}
