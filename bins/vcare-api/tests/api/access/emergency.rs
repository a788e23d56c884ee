//! Emergency access: opened with a reason, for one patient, for half an hour.

use reqwest::Method;
use serde_json::json;
use time::Duration;
use vcare_testkit::{Mode, Name};

use super::people::{OTHER_PATIENT, Who};
use crate::support::{CONSENTED, OTHER_TENANT, TestApp, Visit};

const REASON: &str = "no pulse, colleague cannot be reached";

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_reads_in_an_emergency_and_that_is_on_record_and_told_before_it_is_answered() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let token = Who::Stranger.token(&app);
    app.get(&token, &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
    let seen = app.read_in_emergency(&token, &visit.path(""), REASON).await.expect(200);
    assert_eq!(seen.body["audience"], "staff");
    let entries = app.audited().await;
    let entry = entries.iter().find(|entry| entry["data"]["eventType"] == "EMERGENCY_ACCESS").unwrap();
    assert_eq!(entry["data"]["actorId"], Who::Stranger.account());
    assert_eq!(entry["data"]["resourceId"], CONSENTED);
    let notified = app.events_of("virtual_care.access.emergency.v1").await;
    assert_eq!(notified.len(), 1);
    assert_eq!(notified[0]["data"]["treatingProviderIds"], json!(["clinician-1"]));
    assert_eq!(notified[0]["data"]["visitId"], visit.id.as_str());
    let everything = serde_json::to_string(&app.all_events().await).unwrap();
    assert!(!everything.contains("no pulse"), "a reason is in an event");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_access_lasts_half_an_hour_for_that_patient_and_is_given_once() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = Who::Stranger.token(&app);
    app.read_in_emergency(&token, &visit.path(""), REASON).await.expect(200);
    // While it lasts no reason is needed, also for another visit of the same patient, and no second one is opened.
    let second = app.visit().await;
    app.get(&token, &second.path("")).await.expect(200);
    app.read_in_emergency(&token, &visit.path(""), REASON).await.expect(200);
    assert_eq!(app.count("emergency_access").await, 1);
    // Not for another patient, and not for another person.
    let other = other_patients_visit(&app).await;
    app.get(&token, &other.path("")).await.refused(404, "SESSION_NOT_FOUND");
    app.get(&app.other_clinician(), &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
    app.clock.advance(Duration::minutes(30));
    app.get(&token, &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
}

async fn other_patients_visit(app: &TestApp) -> Visit {
    app.standins.set_consent(OTHER_PATIENT, vcare_testkit::Consents::ALL);
    let mut wish = app.wish();
    wish["patientId"] = json!(OTHER_PATIENT);
    Visit::of(&app.post(&app.token("clinician"), "/sessions", &wish).await.expect(201).body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_joins_in_an_emergency_and_cares_for_the_patient_from_then_on() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let token = Who::Stranger.token(&app);
    app.come(&token, &visit).await.refused(404, "SESSION_NOT_FOUND");
    let request = app.request(Method::POST, &visit.path("/join")).bearer_auth(&token);
    let request = request.header("X-Emergency-Reason", REASON).header("Content-Type", "application/json").body("{}");
    app.send(request).await.expect(200);
    app.admit_as(&token, &visit).await.expect(200);
    assert_eq!(app.get(&token, &visit.path("")).await.expect(200).body["audience"], "treating");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_opens_no_more_than_reading_and_joining_and_nothing_for_others() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let token = Who::Stranger.token(&app);
    app.read_in_emergency(&token, &visit.path(""), REASON).await.expect(200);
    for (path, body) in [
        ("/end", json!({})),
        ("/fallback-message", json!({})),
        ("/cancel", json!({"reason": "no"})),
        ("/participants", json!({"role": "observer"})),
        ("/recording/withdraw", json!({})),
    ] {
        app.post(&token, &visit.path(path), &body).await.refused(403, "ACCESS_DENIED");
    }
    for who in [Who::OtherPatient, Who::TenantAdmin] {
        let before = app.count("emergency_access").await;
        let answer = app.read_in_emergency(&who.token(&app), &visit.path(""), REASON).await;
        assert_eq!(answer.status, if who == Who::OtherPatient { 404 } else { 200 });
        assert_eq!(app.count("emergency_access").await, before, "{who:?} opened one");
    }
    let foreign = app.token_of(OTHER_TENANT, "clinician-9", "clinician");
    app.read_in_emergency(&foreign, &visit.path(""), REASON).await.refused(404, "SESSION_NOT_FOUND");
    assert_eq!(app.count("emergency_access").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_is_none_is_refused_by_its_name() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = Who::Stranger.token(&app);
    let long = "x".repeat(5000);
    for bad in ["", "   ", "too short", "a tab\tin the middle of it", &long, "wrong \u{202E} way round, all of it"] {
        let answer = app.read_in_emergency(&token, &visit.path(""), bad).await.refused(400, "VALIDATION_ERROR");
        assert_eq!(answer.body["errors"][0]["header"], "X-Emergency-Reason", "{bad:?}");
    }
    // In the language of the person who gives it.
    app.read_in_emergency(&token, &visit.path(""), "ناروغ بې هوښه دی").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_needs_no_neighbour() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    app.standins.set_mode(Name::Access, Mode::DOWN);
    app.standins.set_mode(Name::Consent, Mode::DOWN);
    app.read_in_emergency(&Who::Stranger.token(&app), &visit.path(""), REASON).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_emergencies_of_one_person_at_once_are_one() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = Who::Stranger.token(&app);
    let path = visit.path("");
    let all = futures_util::future::join_all((0..8).map(|_| app.read_in_emergency(&token, &path, REASON))).await;
    for answer in all {
        answer.expect(200);
    }
    assert_eq!(app.count("emergency_access").await, 1);
    assert_eq!(app.events_of("virtual_care.access.emergency.v1").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_async_visit_and_its_attachments_are_read_in_an_emergency() {
    let app = TestApp::start().await;
    let id = app.claimed().await;
    app.respond(&id).await.expect(200);
    let token = Who::Stranger.token(&app);
    let path = format!("/async-visits/{id}");
    app.get(&token, &path).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
    let seen = app.read_in_emergency(&token, &path, REASON).await.expect(200);
    assert_eq!(seen.body["audience"], "staff");
    app.get(&token, &format!("{path}/attachments")).await.expect(200);
    app.post(&token, &format!("{path}/close"), &json!({})).await.refused(403, "ACCESS_DENIED");
}
