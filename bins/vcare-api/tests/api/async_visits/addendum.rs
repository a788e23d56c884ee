//! A clinician adds to an answer.

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{OTHER_TENANT, TENANT, TestApp};

const ADDED: &str = "virtual_care.async_visit.addendum_added.v1";

async fn answered(app: &TestApp) -> String {
    let id = app.claimed().await;
    app.respond(&id).await.expect(200);
    id
}

async fn add(app: &TestApp, id: &str, text: &str) -> crate::support::Answer {
    app.review(id, "addendum", &json!({ "text": text })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answered_adds_to_the_answer_and_the_patient_sees_it() {
    let app = TestApp::start().await;
    let id = answered(&app).await;
    let answer = app.read_async(&id).await;
    assert_eq!(answer["addenda"], json!([]));
    app.clock.advance(Duration::HOUR);
    let first_at = app.minutes_ahead(0);
    add(&app, &id, "شیدې مه څښئ").await.expect(200);
    app.review(&id, "close", &json!({})).await.expect(200);
    app.clock.advance(Duration::HOUR);
    let after = add(&app, &id, "که تبه لوړه شوه، راشئ").await.expect(200);
    let expected = json!([
        {"text": "شیدې مه څښئ", "authorId": "clinician-1", "addedAt": first_at},
        {"text": "که تبه لوړه شوه، راشئ", "authorId": "clinician-1", "addedAt": app.minutes_ahead(0)},
    ]);
    assert_eq!((&after.body["addenda"], &after.body["status"]), (&expected, &json!("closed")));
    for name in ["responseText", "followUp", "respondedAt", "encounterId"] {
        assert_eq!(after.body[name], answer[name], "{name}");
    }
    let seen = app.get(&app.token("patient"), &format!("/async-visits/{id}")).await.expect(200).body;
    assert_eq!((&seen["audience"], &seen["addenda"]), (&json!("patient"), &expected));
    // The same again, of the newest, changes nothing.
    let again = add(&app, &id, "که تبه لوړه شوه، راشئ").await.expect(200);
    assert_eq!(again.body, after.body);
    // What is told of it says that, by whom and when, and not a word of it.
    let told = app.events_of(ADDED).await;
    let numbers: Vec<_> = told.iter().map(|event| event["data"]["number"].clone()).collect();
    assert_eq!(numbers, [json!(1), json!(2)]);
    assert_eq!(told[0]["data"]["providerId"], "clinician-1");
    assert!(told.iter().all(|event| !event.to_string().contains("تبه") && !event.to_string().contains("شیدې")));
    assert_eq!(app.standins.encounters().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_adds_to_an_answer_and_none_is_added_to_before_it_is_there() {
    let app = TestApp::start().await;
    let waiting = app.claimed().await;
    let refused = add(&app, &waiting, "more").await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(refused.body["currentStatus"], "under_review");
    let id = answered(&app).await;
    let (path, body) = (format!("/async-visits/{id}/addendum"), json!({"text": "more"}));
    // A colleague of the same patient sees the answer and does not add to it; others do not see it.
    app.standins.assign("clinician-7", crate::support::CONSENTED);
    let assigned = app.token_of(TENANT, "clinician-7", "clinician");
    let answer = app.post(&assigned, &path, &body).await;
    assert!(matches!(answer.status, 403 | 409), "{}", answer.body);
    app.post(&app.other_clinician(), &path, &body).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
    for role in ["patient", "scheduler", "admin"] {
        app.post(&app.token(role), &path, &body).await.refused(403, "ACCESS_DENIED");
    }
    let elsewhere = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    app.post(&elsewhere, &path, &body).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
    for (text, field) in [(json!(""), "text"), (json!("x".repeat(8_001)), "text"), (json!("a\u{0}b"), "text")] {
        app.review(&id, "addendum", &json!({ "text": text })).await.names_field(field);
    }
    app.review(&id, "addendum", &json!({"text": "more", "version": 1})).await.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
    assert_eq!(app.read_async(&id).await["addenda"], json!([]));
    assert!(app.events_of(ADDED).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_added_to_twenty_times_and_no_more_also_by_many_at_once() {
    let app = TestApp::start().await;
    let id = answered(&app).await;
    let texts: Vec<String> = (0..24).map(|number| format!("addition {number}")).collect();
    let answers = join_all(texts.iter().map(|text| add(&app, &id, text))).await;
    let (good, rest): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((good.len(), rest.len()), (20, 4));
    for answer in rest {
        answer.refused(422, "MAX_ADDENDA_EXCEEDED");
    }
    let kept = app.read_async(&id).await["addenda"].as_array().unwrap().clone();
    let kept: std::collections::BTreeSet<_> = kept.iter().map(|one| one["text"].to_string()).collect();
    assert_eq!(kept.len(), 20, "none was lost to another");
    assert_eq!(app.events_of(ADDED).await.len(), 20);
    // The same, sent twice at once, is there once.
    let other = answered(&app).await;
    let (one, two) = tokio::join!(add(&app, &other, "twice"), add(&app, &other, "twice"));
    assert_eq!((one.status, two.status), (200, 200));
    assert_eq!(app.read_async(&other).await["addenda"].as_array().map(Vec::len), Some(1));
}

/// A version before this one writes what it knows of a row; what was added stays.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_version_before_this_one_can_be_added_to() {
    let app = TestApp::start().await;
    let id = answered(&app).await;
    app.database.execute("UPDATE async_visit SET addenda = DEFAULT", &[]).await.unwrap();
    assert_eq!(app.read_async(&id).await["addenda"], json!([]));
    let after = add(&app, &id, "more").await.expect(200).body;
    let closes = "UPDATE async_visit SET status = 'closed', closed_at = updated_at, version = version + 1";
    app.database.execute(closes, &[]).await.unwrap();
    let read: Value = app.read_async(&id).await;
    assert_eq!((&read["addenda"], &read["status"]), (&after["addenda"], &json!("closed")));
}
