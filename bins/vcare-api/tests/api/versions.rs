//! Acting on a version that is not the newest: 409 with the newest, and nothing changes.

use serde_json::{Value, json};
use time::Duration;

use crate::support::{TestApp, Visit};

/// Everything that can be done to a visit whose patient waits, with its good answer.
fn changes(visit: &Visit) -> Vec<(String, Value, u16)> {
    let of = |participant: &str, rest: &str| visit.path(&format!("/participants/{participant}/{rest}"));
    let reason = json!({"reason": "power cut"});
    vec![
        (visit.path("/participants"), json!({"role": "observer"}), 201),
        (of(&visit.patient, "join-token"), json!({}), 201),
        (visit.path("/join"), json!({}), 200),
        (visit.path(&format!("/admit/{}", visit.patient)), json!({}), 200),
        (of(&visit.patient, "remove"), reason.clone(), 200),
        (visit.path("/end"), json!({}), 200),
        (visit.path("/cancel"), reason, 200),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acts_on_an_older_version_is_told_the_newest() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let clinician = app.token("clinician");
    let before = app.read(&visit).await;
    assert_eq!(before["version"], 3);
    for (path, mut body, _) in changes(&visit) {
        for stale in [2, 4] {
            let answer = app.post_at(&clinician, &path, &body, stale).await.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
            assert_eq!(answer.body["currentVersion"], 3, "{path}");
            body["version"] = json!(stale);
            let answer = app.post(&clinician, &path, &body).await.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
            assert_eq!(answer.body["currentVersion"], 3, "{path}");
            body.as_object_mut().unwrap().remove("version");
        }
    }
    assert_eq!(app.read(&visit).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acts_on_the_newest_version_changes_it_by_one() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let clinician = app.token("clinician");
    for (n, (path, mut body, status)) in changes(&visit).into_iter().enumerate() {
        if path.ends_with("/cancel") {
            continue; // The visit is over by then.
        }
        let version = app.read(&visit).await["version"].as_u64().unwrap();
        let answer = if n % 2 == 0 {
            app.post_at(&clinician, &path, &body, version).await
        } else {
            body["version"] = json!(version);
            app.post(&clinician, &path, &body).await
        };
        answer.expect(status);
        app.clock.advance(Duration::MINUTE);
        let added = if path.ends_with("/end") { 2 } else { 1 }; // The end, and the Encounter right after it.
        assert_eq!(app.read(&visit).await["version"], version + added, "{path}");
    }
    let waiting = app.waiting_visit().await.0;
    app.post_at(&clinician, &waiting.path("/cancel"), &json!({"reason": "snow"}), 3).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_version_will_do_for_who_does_not_say_one() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let request = app.request(reqwest::Method::POST, &visit.path("/join")).bearer_auth(&clinician);
    app.send(request.header("If-Match", "*")).await.expect(200);
    let cancelled = app.cancel(&visit, "snow").await.expect(200);
    assert_eq!(cancelled.header("etag"), "\"3\"");
    let read = app.get(&clinician, &visit.path("")).await.expect(200);
    assert!(read.header("etag").starts_with("\"3-"), "{read:?}");
    assert_eq!(read.body["version"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn header_and_body_must_agree() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (clinician, path) = (app.token("clinician"), visit.path("/join"));
    app.post_at(&clinician, &path, &json!({"version": 2}), 1).await.names_field("version");
    app.post(&clinician, &path, &json!({"version": 0})).await.names_field("version");
    for bad in ["1", "\"1", "\"1\" \"2\"", "*, \"1\"", ""] {
        let request = app.request(reqwest::Method::POST, &path).bearer_auth(&clinician).header("If-Match", bad);
        app.send(request).await.names_field("If-Match");
    }
    app.post_at(&clinician, &path, &json!({"version": 1}), 1).await.expect(200);
}

/// What is done already is done, whatever version was seen: a repeated request must not fail because the first one worked.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_decision_passes_with_the_version_it_was_first_made_on() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let reason = json!({"reason": "snow"});
    let visit = app.visit().await;
    let remove = visit.path(&format!("/participants/{}/remove", visit.patient));
    let interpreter = json!({"role": "interpreter", "userId": "tr-1"});
    let decisions = [
        (visit.path("/join"), json!({}), 200, 1),
        (visit.path("/participants"), interpreter, 201, 2),
        (remove, reason.clone(), 200, 3),
        (visit.path("/cancel"), reason, 200, 4),
    ];
    for (path, body, status, version) in decisions {
        for _ in 0..2 {
            let answer = app.post_at(&clinician, &path, &body, version).await.expect(status);
            assert_eq!(answer.body["version"], version + 1, "{path}");
        }
    }
    assert_eq!(app.read(&visit).await["version"], 5);
}
