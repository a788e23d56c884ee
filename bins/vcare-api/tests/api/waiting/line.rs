//! The place in line, and how long it honestly takes.

use serde_json::{Value, json};
use time::Duration;

use crate::support::{OTHER_TENANT, TENANT, TestApp, Visit};

/// Place and estimate, as who waits is told.
async fn told(app: &TestApp, token: &str) -> (Value, Value) {
    let status = app.join_status(token).await.expect(200).body;
    (status["placeInLine"].clone(), status["estimatedWaitMinutes"].clone())
}

/// Three who came half a minute apart.
async fn three(app: &TestApp) -> [(Visit, String); 3] {
    let one = app.waiting_visit().await;
    app.clock.advance(Duration::seconds(30));
    let two = app.waiting_visit().await;
    app.clock.advance(Duration::seconds(30));
    let three = app.waiting_visit().await;
    [one, two, three]
}

async fn hold_a_visit(app: &TestApp, minutes: i64) {
    let (visit, _) = app.active_visit().await;
    app.clock.advance(Duration::minutes(minutes));
    app.end(&visit).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_first_is_next_among_those_who_are_there() {
    let app = TestApp::start().await;
    let [one, two, three] = three(&app).await;
    for (n, (_, token)) in [&one, &two, &three].into_iter().enumerate() {
        assert_eq!(told(&app, token).await, (json!(n + 1), Value::Null));
    }
    // The first one's phone falls silent; when it is heard again, the first is first.
    app.clock.advance(Duration::seconds(100));
    for (_, token) in [&two, &three] {
        app.join_status(token).await.expect(200);
    }
    app.clock.advance(Duration::seconds(30));
    assert_eq!((told(&app, &two.1).await.0, told(&app, &three.1).await.0), (json!(1), json!(2)));
    assert_eq!(app.join(&one.1).await.expect(200).body["placeInLine"], 1);
    assert_eq!(told(&app, &three.1).await.0, 3);
    // Who was let in, or put out, or whose visit was called off, is in no line.
    app.admit(&one.0).await.expect(200);
    assert_eq!((told(&app, &one.1).await.0, told(&app, &two.1).await.0), (Value::Null, json!(1)));
    app.cancel(&two.0, "snow").await.expect(200);
    assert_eq!(told(&app, &three.1).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_provider_has_a_line_and_so_has_whoever_is_free() {
    let app = TestApp::start().await;
    let [one, ..] = three(&app).await;
    let wait = async |tenant: &str, user: &str, role: &str, provider: Option<&str>| {
        let token = app.token_of(tenant, user, role);
        let mut wish = app.wish();
        if let Some(provider) = provider {
            wish["providerId"] = json!(provider);
        }
        let visit = Visit::of(&app.post(&token, "/sessions", &wish).await.expect(201).body);
        let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
        let link = app.post(&token, &path, &json!({})).await.expect(201).text("joinToken");
        app.join(&link).await.expect(200).body["placeInLine"].clone()
    };
    assert_eq!(wait(TENANT, "clinician-2", "clinician", None).await, 1, "another's line");
    assert_eq!(wait(TENANT, "scheduler-1", "scheduler", None).await, 1, "the line of whoever is free");
    assert_eq!(wait(TENANT, "scheduler-1", "scheduler", None).await, 2);
    assert_eq!(wait(TENANT, "scheduler-1", "scheduler", Some("clinician-1")).await, 4);
    // The same account's name in another tenant.
    assert_eq!(wait(OTHER_TENANT, "clinician-1", "clinician", None).await, 1);
    assert_eq!(told(&app, &one.1).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_patient_has_a_place() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let interpreter = app.interpreter(&visit).await;
    let theirs = app.join_token_of(&visit, &interpreter).await;
    assert_eq!(app.join(&theirs).await.expect(200).body["placeInLine"], Value::Null);
    assert_eq!(told(&app, &theirs).await, (Value::Null, Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_estimate_is_what_the_latest_visits_took_and_absent_before_there_are_enough() {
    let app = TestApp::start().await;
    hold_a_visit(&app, 8).await;
    hold_a_visit(&app, 12).await;
    let [_, two, three] = three(&app).await;
    assert_eq!(told(&app, &three.1).await, (json!(3), Value::Null));
    hold_a_visit(&app, 10).await;
    for (_, token) in [&two, &three] {
        app.join_status(token).await.expect(200);
    }
    // Nobody is seen before their time: these were planned for half an hour after they were made.
    assert_eq!(told(&app, &three.1).await, (json!(2), json!(20)));
    app.clock.advance(Duration::minutes(25));
    for (_, token) in [&two, &three] {
        app.join_status(token).await.expect(200);
    }
    assert_eq!(told(&app, &two.1).await, (json!(1), json!(1)));
    assert_eq!(told(&app, &three.1).await, (json!(2), json!(10)));
    // A visit that goes on is waited for, as long as it usually takes.
    let (visit, _) = app.active_visit().await;
    app.clock.advance(Duration::seconds(90));
    assert_eq!(told(&app, &three.1).await, (json!(2), json!(19)));
    app.end(&visit).await.expect(200);
    // What nobody knows of another provider is taken from the whole tenant's visits.
    let other = app.other_clinician();
    let visit = Visit::of(&app.post(&other, "/sessions", &app.wish()).await.expect(201).body);
    let link = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let token = app.post(&other, &link, &json!({})).await.expect(201).text("joinToken");
    app.join(&token).await.expect(200);
    assert_eq!(told(&app, &token).await, (json!(1), json!(30)));
}
