//! A phone that has a link again sends everything.

use serde_json::{Value, json};
use vcare_testkit::{Consents, Mode, Name};

use crate::support::{Answer, CONSENTED, NO_CONSENT, TENANT, TestApp, draft, names};

const SUBMITTED: &str = "virtual_care.async_visit.submitted.v1";

async fn sync(app: &TestApp, token: &str, drafts: &[Value]) -> Answer {
    app.post(token, "/async-visits/sync", &json!({ "drafts": drafts })).await
}

fn statuses(answer: &Answer) -> Vec<u64> {
    let results = answer.body["results"].as_array().unwrap();
    results.iter().map(|result| result["status"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_fifty_drafts_arrive_in_one_request_each_with_its_own_result_in_its_place() {
    let app = TestApp::start().await;
    let drafts: Vec<Value> = (0..50).map(|_| draft()).collect();
    let patient = app.token("patient");
    let answer = sync(&app, &patient, &drafts).await.expect(200);
    assert_eq!(statuses(&answer), [201; 50]);
    for (draft, result) in drafts.iter().zip(answer.body["results"].as_array().unwrap()) {
        assert_eq!(result["clientMutationId"], draft["clientMutationId"]);
        assert_eq!(result["body"]["clientMutationId"], draft["clientMutationId"]);
        assert_eq!(result["body"]["chiefComplaint"], draft["chiefComplaint"]);
        assert!(result.get("problem").is_none());
    }
    assert_eq!((app.count("async_visit").await, app.events_of(SUBMITTED).await.len()), (50, 50));
    // Cut off before it heard: all of it again.
    let again = sync(&app, &patient, &drafts).await.expect(200);
    assert_eq!(statuses(&again), [200; 50]);
    for (first, again) in
        answer.body["results"].as_array().unwrap().iter().zip(again.body["results"].as_array().unwrap())
    {
        assert_eq!(
            (&again["body"], &again["replayed"], &again["differs"]),
            (&first["body"], &json!(true), &json!(false))
        );
    }
    let alone = app.submit(&drafts[0]).await.expect(200);
    let told = String::from_utf8(again.bytes).unwrap();
    assert!(told.contains(std::str::from_utf8(&alone.bytes).unwrap()), "byte for byte");
    let more: Vec<Value> = (0..51).map(|_| draft()).collect();
    sync(&app, &patient, &more).await.names_field("drafts");
    assert_eq!(sync(&app, &patient, &[]).await.expect(200).body, json!({"results": []}));
    assert_eq!(app.count("async_visit").await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_one_bad_draft_spoils_no_other() {
    let app = TestApp::start().await;
    app.standins.set_consent("pat-other", Consents::ALL);
    let known = draft();
    app.post(&app.token("clinician"), "/async-visits", &known).await.expect(201);
    let change = |field: &str, value: Value| {
        let mut draft = draft();
        draft[field] = value;
        draft
    };
    let mut foreign = known.clone();
    foreign["patientId"] = json!("pat-other");
    let mut differs = known.clone();
    differs["chiefComplaint"] = json!("another");
    let twice = draft();
    let drafts = [
        draft(),
        change("chiefComplaint", json!(" ")),
        change("patientId", json!(NO_CONSENT)),
        json!("no draft"),
        change("surprise", json!(1)),
        foreign,
        differs,
        twice.clone(),
        change("clientMutationId", json!("draft-1")),
        change("authoredAt", json!("yesterday")),
        twice,
        draft(),
    ];
    let answer = sync(&app, &app.token("clinician"), &drafts).await.expect(200);
    assert_eq!(statuses(&answer), [201, 400, 403, 400, 400, 409, 200, 201, 400, 400, 200, 201]);
    let results = answer.body["results"].as_array().unwrap();
    for (n, code, field) in [
        (1, "VALIDATION_ERROR", Some("chiefComplaint")),
        (2, "CONSENT_REQUIRED", None),
        (3, "VALIDATION_ERROR", Some("body")),
        (4, "VALIDATION_ERROR", Some("surprise")),
        (5, "CLIENT_MUTATION_ID_TAKEN", None),
        (8, "VALIDATION_ERROR", Some("clientMutationId")),
        (9, "VALIDATION_ERROR", Some("authoredAt")),
    ] {
        let problem = &results[n]["problem"];
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &results[n]["status"]), "{n}");
        if let Some(field) = field {
            assert!(names(&problem["errors"][0], field), "{n}: {problem}");
        }
        assert!(results[n].get("body").is_none(), "{n}");
    }
    assert_eq!(results[1]["clientMutationId"], drafts[1]["clientMutationId"], "a bad draft is named, too");
    assert_eq!(
        (&results[6]["differs"], &results[6]["body"]["chiefComplaint"]),
        (&json!(true), &known["chiefComplaint"])
    );
    assert_eq!(results[10]["body"], results[7]["body"], "the earlier one of two is first");
    assert_eq!(app.count("async_visit").await, 4);
    assert_eq!(app.events_of("virtual_care.audit.recorded.v1").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_the_gates_are_asked_for_each_draft_and_fail_closed_for_each() {
    let app = TestApp::start().await;
    let drafts: Vec<Value> = (0..3).map(|_| draft()).collect();
    let patient = app.token("patient");
    app.standins.set_mode(Name::Consent, Mode::DOWN);
    let answer = sync(&app, &patient, &drafts).await.expect(200);
    assert_eq!(statuses(&answer), [503; 3]);
    assert_eq!(answer.body["results"][0]["problem"]["gate"], "telehealth_consent");
    assert_eq!((app.count("async_visit").await, app.events_of("virtual_care.audit.recorded.v1").await.len()), (0, 3));
    app.standins.set_mode(Name::Consent, Mode::UP);
    app.standins.clear_requests(Name::Consent);
    assert_eq!(statuses(&sync(&app, &patient, &drafts).await.expect(200)), [201; 3]);
    let asked = app.standins.requests(Name::Consent);
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| asked.body["patientId"] == CONSENTED && asked.body["tenantId"] == TENANT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_twice_in_a_draft_is_told_of_that_draft() {
    let app = TestApp::start().await;
    let good = draft().to_string();
    let twice = good.replacen('{', "{\"locale\": \"ps\", ", 1);
    let body = format!("{{\"drafts\": [{twice}, {good}]}}");
    let request = app.request(reqwest::Method::POST, "/async-visits/sync").bearer_auth(app.token("patient"));
    let answer = app.send(request.header("Content-Type", "application/json").body(body)).await.expect(200);
    assert_eq!(statuses(&answer), [400, 201]);
    assert_eq!(answer.body["results"][0]["problem"]["errors"][0]["pointer"], "/locale");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_send_no_draft_is_refused_at_once_and_a_body_may_be_long_but_not_endless() {
    let app = TestApp::start().await;
    sync(&app, &app.token("scheduler"), &[draft()]).await.refused(403, "ACCESS_DENIED");
    let mut long = draft();
    long["chiefComplaint"] = json!("د".repeat(8_000));
    let drafts: Vec<Value> = (0..50)
        .map(|_| {
            let mut draft = draft();
            draft["chiefComplaint"] = long["chiefComplaint"].clone();
            draft
        })
        .collect();
    assert_eq!(statuses(&sync(&app, &app.token("patient"), &drafts).await.expect(200)), [201; 50]);
    long["chiefComplaint"] = json!("x".repeat(961 * 1024));
    sync(&app, &app.token("patient"), &[long]).await.refused(413, "PAYLOAD_TOO_LARGE");
}
