//! A live visit that failed goes on without a link.

use serde_json::{Value, json};
use vcare_testkit::Consents;

use crate::support::{CONSENTED, TENANT, TestApp, Visit, draft};

fn continuation() -> Value {
    let mut draft = draft();
    draft.as_object_mut().unwrap().remove("patientId");
    draft
}

async fn failed(app: &TestApp) -> Visit {
    let (visit, _) = app.active_visit().await;
    app.fail(&visit).await;
    visit
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_a_failed_visit_goes_on_as_one_without_a_link_and_keeps_its_session() {
    let app = TestApp::start().await;
    let visit = failed(&app).await;
    let (patient, draft) = (app.token("patient"), continuation());
    let before = app.read(&visit).await;
    let first = app.post(&patient, &visit.path("/continue-async"), &draft).await.expect(201);
    assert_eq!(
        (&first.body["sessionId"], &first.body["patientId"], &first.body["appointmentId"]),
        (&json!(visit.id), &json!(CONSENTED), &json!("appt-1"))
    );
    let event = app.only_event("virtual_care.async_visit.submitted.v1").await;
    assert_eq!(event["data"]["sessionId"], visit.id.as_str());
    assert_eq!(app.read(&visit).await, before, "the failed visit stays what it is");
    // The same again, also after a clinician ended the failed visit.
    app.end(&visit).await.expect(200);
    let again = app.post(&patient, &visit.path("/continue-async"), &draft).await.expect(200);
    assert_eq!((again.bytes, again.headers["mutation-replayed"].to_str().unwrap()), (first.bytes, "true"));
    // Each has its own Encounter.
    let id = first.body["id"].as_str().unwrap();
    app.review(id, "claim", &json!({})).await.expect(200);
    app.respond(id).await.expect(200);
    let charge = app.only_event("virtual_care.billing.async_visit_chargeable.v1").await;
    assert_eq!(charge["data"]["sessionId"], visit.id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_failed_visit_goes_on_and_only_for_those_whom_it_concerns() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let (active, _) = app.active_visit().await;
    for (visit, status) in
        [(app.visit().await, "scheduled"), (app.waiting_visit().await.0, "waiting"), (active, "active")]
    {
        let answer = app.post(&patient, &visit.path("/continue-async"), &continuation()).await;
        assert_eq!(answer.refused(409, "INVALID_STATUS_TRANSITION").body["currentStatus"], status);
    }
    let visit = failed(&app).await;
    app.standins.set_consent("pat-other", Consents::ALL);
    let other = app.account(TENANT, "patient-2", "patient").patient("pat-other");
    let other = app.standins.issuer().token(&other);
    app.post(&other, &visit.path("/continue-async"), &continuation()).await.refused(404, "SESSION_NOT_FOUND");
    app.post(&app.token("scheduler"), &visit.path("/continue-async"), &continuation())
        .await
        .refused(403, "ACCESS_DENIED");
    app.standins.set_consent(CONSENTED, Consents::NONE);
    app.post(&patient, &visit.path("/continue-async"), &continuation()).await.refused(403, "CONSENT_REQUIRED");
    assert_eq!(app.count("async_visit").await, 0);
}
