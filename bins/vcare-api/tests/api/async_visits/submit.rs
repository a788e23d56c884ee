//! Drafts arrive: once, and again.

use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::{Consents, Mode, Name};

use crate::support::{Answer, CONSENTED, NO_CONSENT, OTHER_TENANT, TENANT, TestApp, draft};

const SUBMITTED: &str = "virtual_care.async_visit.submitted.v1";

fn is_replay(answer: &Answer) -> bool {
    answer.header("mutation-replayed") == "true"
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_a_draft_need_not_say_when_it_was_written() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let without = |authored_at: Option<Value>| {
        let mut draft = draft();
        draft.as_object_mut().unwrap().remove("authoredAt");
        if let Some(authored_at) = authored_at {
            draft["authoredAt"] = authored_at;
        }
        draft
    };
    for sent in [without(None), without(Some(Value::Null))] {
        let first = app.submit(&sent).await.expect(201);
        let (authored, submitted) = (&first.body["authoredAt"], &first.body["submittedAt"]);
        assert_eq!((authored, submitted), (&Value::Null, &json!(app.minutes_ahead(0))));
        app.clock.advance(time::Duration::MINUTE);
        let again = app.submit(&sent).await.expect(200);
        assert_eq!((again.bytes, again.headers.contains_key("mutation-differs")), (first.bytes.clone(), false));
        let mut dated = sent.clone();
        dated["authoredAt"] = json!("2026-11-20T06:15:00+04:30");
        let differs = app.submit(&dated).await.expect(200);
        assert_eq!(differs.header("mutation-differs"), "true");
        let id = first.text("id");
        let read = app.get(&patient, &format!("/async-visits/{id}")).await.expect(200).body;
        assert_eq!(read["authoredAt"], Value::Null);
    }
    // Several at once, and where a live visit failed.
    let both = json!({"drafts": [without(None), draft()]});
    let results = app.post(&patient, "/async-visits/sync", &both).await.expect(200).body["results"].clone();
    assert_eq!((&results[0]["status"], &results[0]["body"]["authoredAt"]), (&json!(201), &Value::Null));
    assert_eq!(results[1]["body"]["authoredAt"], "2026-11-20T01:45:00.000Z");
    let visit = app.visit().await;
    app.fail(&visit).await;
    let mut more = without(None);
    more.as_object_mut().unwrap().remove("patientId");
    let continued = app.post(&patient, &visit.path("/continue-async"), &more).await.expect(201).body;
    assert_eq!(continued["authoredAt"], Value::Null);
    // A version before this one finds a time in every row: when it arrived.
    let rows = "SELECT count(*) FROM async_visit WHERE authored_at_missing AND authored_at = submitted_at";
    assert_eq!(app.database.query_one(rows, &[]).await.unwrap().get::<_, i64>(0), 4);
    // And what it writes says when, as it always did.
    let old = "UPDATE async_visit SET authored_at_missing = DEFAULT";
    app.database.execute(old, &[]).await.unwrap();
    let id = results[0]["body"]["id"].as_str().unwrap();
    let read = app.get(&patient, &format!("/async-visits/{id}")).await.expect(200).body;
    assert_eq!(read["authoredAt"], read["submittedAt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_a_draft_that_was_written_offline_becomes_a_visit_and_is_told() {
    let app = TestApp::start().await;
    let draft = draft();
    let answer = app.submit(&draft).await.expect(201);
    let id = answer.text("id");
    assert!(id.starts_with("avs_"), "{id}");
    assert_eq!(answer.header("location"), format!("/api/v1/virtual-care/async-visits/{id}"));
    assert_eq!((answer.header("etag"), is_replay(&answer)), ("\"1\"", false));
    let now = app.minutes_ahead(0);
    assert_eq!(
        answer.body,
        json!({
            "audience": "patient", "id": id, "tenantId": TENANT, "patientId": CONSENTED,
            "clientMutationId": draft["clientMutationId"], "status": "submitted",
            "chiefComplaint": draft["chiefComplaint"], "symptoms": draft["symptoms"], "locale": "ps",
            "addenda": [], "authoredAt": "2026-11-20T01:45:00.000Z", "submittedAt": now, "attachmentsExpected": 1, "version": 1, "createdAt": now, "updatedAt": now,
        })
    );
    let own = app.get(&app.token("patient"), &format!("/async-visits/{id}")).await.expect(200).body;
    assert_eq!(own, answer.body);
    let event = app.only_event(SUBMITTED).await;
    assert_eq!(
        event["data"],
        json!({
            "asyncVisitId": id, "patientId": CONSENTED, "clientMutationId": draft["clientMutationId"],
            "submittedBy": "patient-1", "attachmentsExpected": 1, "authoredAt": "2026-11-20T01:45:00.000Z",
            "submittedAt": now, "version": 1,
        })
    );
    assert_eq!(app.event_types().await, [SUBMITTED]);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_the_same_client_mutation_id_again_is_200_with_the_original_visit_byte_for_byte() {
    let app = TestApp::start().await;
    let draft = draft();
    let first = app.submit(&draft).await.expect(201);
    // The visit moves on, the neighbours are gone, consent is taken back, and years go by: the kept answer stays.
    app.review(&first.text("id"), "claim", &json!({})).await.expect(200);
    app.respond(&first.text("id")).await.expect(200);
    app.standins.set_consent(CONSENTED, Consents::NONE);
    for name in [Name::Licence, Name::Consent] {
        app.standins.set_mode(name, Mode::DOWN);
    }
    app.clock.advance(Duration::days(5 * 365));
    app.database.execute("DELETE FROM idempotency_key", &[]).await.unwrap();
    let mut upper = draft.clone();
    upper["clientMutationId"] = json!(draft["clientMutationId"].as_str().unwrap().to_uppercase());
    for again in [&draft, &upper] {
        let again = app.submit(again).await.expect(200);
        assert_eq!(again.bytes, first.bytes);
        assert_eq!((is_replay(&again), again.header("mutation-differs")), (true, ""));
        assert_eq!(again.header("content-type"), first.header("content-type"));
    }
    assert_eq!(app.count("async_visit").await, 1);
    app.only_event(SUBMITTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_a_repeat_with_other_content_is_answered_the_original_and_says_so() {
    let app = TestApp::start().await;
    let draft = draft();
    let first = app.submit(&draft).await.expect(201);
    for (field, value) in [
        ("chiefComplaint", json!("another")),
        ("symptoms", json!([])),
        ("attachments", json!([])),
        ("locale", json!("en")),
    ] {
        let mut other = draft.clone();
        other[field] = value;
        let again = app.submit(&other).await.expect(200);
        assert_eq!((again.header("mutation-differs"), is_replay(&again)), ("true", true), "{field}");
        assert_eq!(again.bytes, first.bytes, "{field}");
    }
    assert_eq!(app.count("async_visit").await, 1);
}

/// A clinician may write for any patient, so nothing but the draft's own patient keeps its answer from others.
#[tokio::test(flavor = "multi_thread")]
async fn us_013_another_patients_repeat_of_a_client_mutation_id_is_told_nothing_of_the_first() {
    let app = TestApp::start().await;
    let draft = draft();
    let first = app.submit(&draft).await.expect(201);
    app.standins.set_consent("pat-other", Consents::ALL);
    let mut other = draft.clone();
    other["patientId"] = json!("pat-other");
    let patient = app.account(TENANT, "patient-2", "patient").patient("pat-other");
    let patient = app.standins.issuer().token(&patient);
    for token in [patient, app.token("clinician")] {
        let answer = app.post(&token, "/async-visits", &other).await.refused(409, "CLIENT_MUTATION_ID_TAKEN");
        assert!(answer.header("mutation-replayed").is_empty());
        let told = String::from_utf8(answer.bytes).unwrap();
        for secret in [first.text("id").as_str(), CONSENTED, first.body["chiefComplaint"].as_str().unwrap()] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    assert_eq!(app.count("async_visit").await, 1);
    app.only_event(SUBMITTED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_a_patient_sends_and_sees_only_what_is_their_own() {
    let app = TestApp::start().await;
    let mut foreign = draft();
    foreign["patientId"] = json!("pat-other");
    app.submit(&foreign).await.refused(403, "ACCESS_DENIED");
    assert_eq!(app.count("async_visit").await, 0);
    // A clinician writes it for them.
    app.standins.set_consent("pat-other", Consents::ALL);
    let clinician = app.token("clinician");
    let theirs = app.post(&clinician, "/async-visits", &foreign).await.expect(201).text("id");
    assert_eq!(app.events_of(SUBMITTED).await[0]["data"]["submittedBy"], "clinician-1");
    let own = app.submitted().await;
    let patient = app.token("patient");
    app.get(&patient, &format!("/async-visits/{own}")).await.expect(200);
    app.get(&patient, &format!("/async-visits/{theirs}")).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
    let listed = app.get(&patient, "/async-visits").await.expect(200);
    let ids: Vec<&Value> = listed.body["items"].as_array().unwrap().iter().map(|visit| &visit["id"]).collect();
    assert_eq!(ids, [&json!(own)]);
    let none = app.get(&patient, "/async-visits?patientId=pat-other").await.expect(200);
    assert_eq!(none.body, json!({"items": [], "nextCursor": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_what_the_phones_clock_said_is_kept_and_the_servers_time_stands_beside_it() {
    let app = TestApp::start().await;
    for authored_at in
        ["1970-01-01T00:00:00.000Z", "2099-12-31T23:59:59.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T00:00:00.000Z"]
    {
        let mut draft = draft();
        draft["authoredAt"] = json!(authored_at);
        let visit = app.submit(&draft).await.expect(201).body;
        assert_eq!((&visit["authoredAt"], &visit["submittedAt"]), (&json!(authored_at), &json!(app.minutes_ahead(0))));
        let seen = app.read_async(visit["id"].as_str().unwrap()).await;
        assert_eq!((&seen["authoredAt"], &seen["submittedAt"]), (&visit["authoredAt"], &visit["submittedAt"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_reads_and_decides_on_no_visit_of_another_and_may_use_the_same_draft_name() {
    let app = TestApp::start().await;
    let draft = draft();
    let id = app.submit(&draft).await.expect(201).text("id");
    let outsider = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    let at = |what: &str| format!("/async-visits/{id}{what}");
    app.get(&outsider, &at("")).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
    for what in ["/claim", "/release", "/respond", "/close"] {
        let body = if what == "/respond" { json!({"responseText": "x"}) } else { json!({}) };
        app.post(&outsider, &at(what), &body).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
    }
    assert_eq!(app.get(&outsider, "/async-visits").await.expect(200).body["items"], json!([]));
    assert_eq!(app.read_async(&id).await["version"], 1);
    let theirs = app.post(&outsider, "/async-visits", &draft).await.expect(201);
    assert_eq!((theirs.body["tenantId"].as_str(), theirs.text("id") == id), (Some(OTHER_TENANT), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_without_consent_leaves_no_visit_when_its_patient_is_another() {
    let app = TestApp::start().await;
    let mut refused = draft();
    refused["patientId"] = json!(NO_CONSENT);
    app.post(&app.token("clinician"), "/async-visits", &refused).await.refused(403, "CONSENT_REQUIRED");
    // The refusal did not use its name up.
    app.standins.set_consent(NO_CONSENT, Consents::TELEHEALTH);
    app.post(&app.token("clinician"), "/async-visits", &refused).await.expect(201);
}
