//! The clinicians' side: the queue, claims, answers.

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, TENANT, TestApp, draft};

const CLAIMED: &str = "virtual_care.async_visit.claimed.v1";
const RESPONDED: &str = "virtual_care.async_visit.responded.v1";

async fn act(app: &TestApp, token: &str, id: &str, what: &str, body: &Value) -> Answer {
    app.post(token, &format!("/async-visits/{id}/{what}"), body).await
}

async fn queue(app: &TestApp, query: &str) -> Vec<String> {
    let answer = app.get(&app.token("clinician"), &format!("/async-visits?{query}")).await.expect(200);
    let items = answer.body["items"].as_array().unwrap();
    items.iter().map(|visit| visit["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_the_queue_is_the_oldest_first_and_page_by_page() {
    let app = TestApp::start().await;
    let mut all = Vec::new();
    for n in 0..5 {
        app.clock.advance(Duration::minutes(i64::from(n != 3)));
        all.push(app.submitted().await);
    }
    let mut listed = Vec::new();
    let mut path = "/async-visits?claimable=true&limit=2".to_owned();
    loop {
        let page = app.get(&app.token("clinician"), &path).await.expect(200).body;
        listed.extend(page["items"].as_array().unwrap().iter().map(|visit| visit["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/async-visits?claimable=true&limit=2&cursor={cursor}");
    }
    assert_eq!(listed.len(), 5);
    listed.sort();
    all.sort();
    assert_eq!(listed, all);
    assert_eq!(queue(&app, "status=under_review").await, [""; 0]);
    for (query, field) in [
        ("status=draft", "status"),
        ("claimable=yes", "claimable"),
        ("limit=0", "limit"),
        ("patientId=a/b", "patientId"),
        ("providerId=%20", "providerId"),
        ("from=2026", "from"),
    ] {
        app.get(&app.token("clinician"), &format!("/async-visits?{query}")).await.names_field(field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_of_clinicians_who_claim_at_once_one_wins() {
    let app = TestApp::start().await;
    let clinicians: Vec<String> =
        (1..=4).map(|n| app.token_of(TENANT, &format!("clinician-{n}"), "clinician")).collect();
    for round in 1..=4 {
        let id = app.submitted().await;
        let body = json!({"leaseMinutes": 10});
        let answers = join_all(clinicians.iter().map(|token| act(&app, token, &id, "claim", &body))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 3));
        let until = app.minutes_ahead(10);
        assert_eq!((&won[0].body["status"], &won[0].body["claimedUntil"]), (&json!("under_review"), &json!(until)));
        for lost in lost {
            let lost = lost.refused(409, "ALREADY_CLAIMED");
            assert_eq!(lost.body["claimedUntil"], until);
            assert!(!String::from_utf8(lost.bytes).unwrap().contains("clinician-"), "by whom is not told");
        }
        assert_eq!(app.events_of(CLAIMED).await.len(), round);
        let event = app.events_of(CLAIMED).await.remove(round - 1);
        assert_eq!((&event["data"]["claimedUntil"], &event["data"]["asyncVisitId"]), (&json!(until), &json!(id)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_a_claim_whose_time_is_over_is_back_in_the_queue_and_anybodys() {
    let app = TestApp::start().await;
    let id = app.submitted().await;
    app.review(&id, "claim", &json!({"leaseMinutes": 5})).await.expect(200);
    assert_eq!(queue(&app, "claimable=true").await, [""; 0]);
    app.clock.advance(Duration::minutes(5));
    assert_eq!(queue(&app, "claimable=true").await, [id.as_str()]);
    let other = app.other_clinician();
    let taken = act(&app, &other, &id, "claim", &json!({})).await.expect(200);
    assert_eq!(taken.body["providerId"], "clinician-2");
    assert_eq!(queue(&app, "providerId=clinician-2").await, [id.as_str()]);
    // Who lost it is told when they want to go on.
    app.respond(&id).await.refused(409, "NOT_CLAIMED_BY_YOU");
    app.review(&id, "release", &json!({})).await.refused(409, "NOT_CLAIMED_BY_YOU");
    assert_eq!(act(&app, &other, &id, "release", &json!({})).await.expect(200).body["status"], "submitted");
    assert_eq!(act(&app, &other, &id, "release", &json!({})).await.expect(200).body["version"], 4);
    let released = app.only_event("virtual_care.async_visit.released.v1").await;
    assert_eq!(released["data"]["status"], "submitted");
    for minutes in [0, 241, 70_000] {
        app.review(&id, "claim", &json!({"leaseMinutes": minutes})).await.names_field("leaseMinutes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_only_who_claimed_a_visit_answers_it_and_only_an_answered_one_is_closed() {
    let app = TestApp::start().await;
    let id = app.submitted().await;
    let answer = app.respond(&id).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(answer.body["currentStatus"], "submitted");
    app.review(&id, "claim", &json!({})).await.expect(200);
    act(&app, &app.other_clinician(), &id, "respond", &json!({"responseText": "no"}))
        .await
        .refused(409, "NOT_CLAIMED_BY_YOU");
    app.review(&id, "close", &json!({})).await.refused(409, "INVALID_STATUS_TRANSITION");
    for (body, field) in [
        (json!({"responseText": " "}), "responseText"),
        (json!({"responseText": "a\u{0}b"}), "responseText"),
        (json!({"responseText": "د".repeat(8_001)}), "responseText"),
        (json!({"responseText": "x", "followUp": "surgery"}), "followUp"),
        (json!({}), "responseText"),
    ] {
        app.review(&id, "respond", &body).await.names_field(field);
    }
    assert_eq!(app.read_async(&id).await["version"], 2);
    let answered = app.respond(&id).await.expect(200).body;
    assert_eq!(
        (&answered["status"], &answered["providerId"], &answered["followUp"], &answered["respondedAt"]),
        (&json!("responded"), &json!("clinician-1"), &json!("in_person"), &json!(app.minutes_ahead(0)))
    );
    // The patient reads the answer.
    let read = app.get(&app.token("patient"), &format!("/async-visits/{id}")).await.expect(200).body;
    assert_eq!(read["responseText"], "ډېرې اوبه وڅښئ");
    let closed = app.review(&id, "close", &json!({})).await.expect(200).body;
    assert_eq!((&closed["status"], &closed["responseText"]), (&json!("closed"), &read["responseText"]));
    assert_eq!(app.review(&id, "close", &json!({})).await.expect(200).body, closed);
    assert_eq!(app.respond(&id).await.expect(200).body, closed, "the same answer again");
    app.review(&id, "respond", &json!({"responseText": "other"})).await.refused(409, "INVALID_STATUS_TRANSITION");
    app.review(&id, "claim", &json!({})).await.refused(409, "INVALID_STATUS_TRANSITION");
    app.only_event("virtual_care.async_visit.closed.v1").await;
    let event = app.only_event(RESPONDED).await;
    assert_eq!(
        (&event["data"]["followUp"], &event["data"]["providerId"]),
        (&json!("in_person"), &json!("clinician-1"))
    );
    // Not a word of what people wrote is in any event.
    for event in app.events().await {
        let event = event.to_string();
        for word in ["ټوخی", "اوبه", "تبه"] {
            assert!(!event.contains(word), "{event}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saw_another_version_is_told_the_current_one_and_changes_nothing() {
    let app = TestApp::start().await;
    let id = app.submitted().await;
    let clinician = app.token("clinician");
    let at = |what: &str| format!("/async-visits/{id}/{what}");
    let conflict = app.post_at(&clinician, &at("claim"), &json!({}), 2).await.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
    assert_eq!(conflict.body["currentVersion"], 1);
    app.post_at(&clinician, &at("claim"), &json!({}), 1).await.expect(200);
    // The answer was lost, and the phone says it again.
    app.post_at(&clinician, &at("claim"), &json!({}), 1).await.expect(200);
    let answer = json!({"responseText": "rest", "version": 1});
    app.post(&clinician, &at("respond"), &answer).await.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
    assert_eq!(app.read_async(&id).await["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_answers_at_once_one_is_given_and_of_an_answer_and_a_take_over_one_wins() {
    let app = TestApp::start().await;
    for round in 1..=4 {
        let id = app.claimed().await;
        let answers = join_all((0..6).map(|_| app.respond(&id))).await;
        for answer in answers {
            assert_eq!(answer.expect(200).body["status"], "responded");
        }
        assert_eq!(app.events_of(RESPONDED).await.len(), round);
        assert_eq!(app.standins.encounters().len(), round);
    }
    let other = app.other_clinician();
    for _ in 0..4 {
        let id = app.claimed().await;
        app.clock.advance(Duration::hours(5));
        let body = json!({});
        let (answered, taken) = tokio::join!(app.respond(&id), act(&app, &other, &id, "claim", &body));
        let status = app.read_async(&id).await["status"].clone();
        if answered.status == 200 {
            // A visit that was answered before the other clinician's request began is not in the queue for them any more.
            match taken.status {
                404 => taken.refused(404, "ASYNC_VISIT_NOT_FOUND"),
                _ => taken.refused(409, "INVALID_STATUS_TRANSITION"),
            };
            assert_eq!(status, "responded");
        } else {
            answered.refused(409, "NOT_CLAIMED_BY_YOU");
            assert_eq!((taken.status, status), (200, json!("under_review")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_and_releases_at_once_are_one() {
    let app = TestApp::start().await;
    let id = app.claimed().await;
    let body = json!({});
    for answer in join_all((0..6).map(|_| app.review(&id, "release", &body))).await {
        assert_eq!(answer.expect(200).body["status"], "submitted");
    }
    app.only_event("virtual_care.async_visit.released.v1").await;
    app.review(&id, "claim", &body).await.expect(200);
    app.respond(&id).await.expect(200);
    for answer in join_all((0..6).map(|_| app.review(&id, "close", &body))).await {
        assert_eq!(answer.expect(200).body["status"], "closed");
    }
    app.only_event("virtual_care.async_visit.closed.v1").await;
    assert_eq!(app.submit(&draft()).await.expect(201).body["version"], 1);
}
