//! A visit moves to another time, or its patient comes later, or not at all.

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;
use vcare_testkit::Consents;

use crate::support::{Answer, CONSENTED, OTHER_TENANT, TestApp, Visit};

const RESCHEDULED: &str = "virtual_care.session.rescheduled.v1";
const DELAYED: &str = "virtual_care.session.patient_delayed.v1";

impl TestApp {
    /// Moves a visit.
    pub async fn patch(&self, token: &str, visit: &Visit, body: &Value) -> Answer {
        let request = self.request(Method::PATCH, &visit.path("")).bearer_auth(token);
        self.send(request.header("Content-Type", "application/json").body(body.to_string())).await
    }

    async fn reschedule(&self, visit: &Visit, minutes: i64) -> Answer {
        self.patch(&self.token("clinician"), visit, &json!({"scheduledStart": self.minutes_ahead(minutes)})).await
    }

    /// A request of somebody who has no account, but a link.
    pub async fn by_link(&self, what: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, &format!("/sessions/join/{what}"));
        self.send(request.header("Content-Type", "application/json").body(body.to_string())).await
    }

    async fn delay(&self, token: &str, minutes: u32) -> Answer {
        self.by_link("delay", json!({"token": token, "minutes": minutes})).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_is_moved_keeps_its_links_for_the_new_time() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (token, code) = app.links(&visit).await;
    let before = app.read(&visit).await;
    let moved = app.reschedule(&visit, 7 * 24 * 60).await.expect(200);
    assert_eq!(moved.header("etag"), "\"3\"");
    let day = |text: &Value| time::OffsetDateTime::parse(text.as_str().unwrap(), &Rfc3339).unwrap();
    let length = |visit: &Value| day(&visit["scheduledEnd"]) - day(&visit["scheduledStart"]);
    assert_eq!(length(&moved.body), length(&before), "it keeps its length");
    let event = app.only_event(RESCHEDULED).await;
    assert_eq!(
        event["data"],
        json!({
            "sessionId": visit.id, "patientId": CONSENTED, "appointmentId": "appt-1", "providerId": "clinician-1",
            "status": "scheduled", "timeZone": "Asia/Kabul", "scheduledStart": moved.body["scheduledStart"],
            "scheduledEnd": moved.body["scheduledEnd"], "previousStart": before["scheduledStart"],
            "previousEnd": before["scheduledEnd"], "occurredAt": moved.body["updatedAt"], "version": 3,
        })
    );
    // Long after the links would have stopped opening.
    app.clock.advance(Duration::days(7) - Duration::minutes(1));
    let found = app.post("", "/sessions/join/short", &json!({"code": code})).await.expect(200);
    assert_eq!(app.join(&found.text("token")).await.expect(200).body["destination"], "waiting_room");
    assert_eq!(app.join(&token).await.expect(200).body["sessionStatus"], "waiting");
    app.clock.advance(Duration::minutes(60));
    app.admit(&visit).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_link_of_a_visit_that_was_moved_is_kept_until_the_new_end() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (_, code) = app.links(&visit).await;
    app.reschedule(&visit, 30 * 24 * 60).await.expect(200);
    let query = "SELECT link.expires_at = visit.scheduled_end FROM short_link AS link
                 JOIN virtual_session AS visit ON visit.id = link.session_id";
    assert!(app.database.query_one(query, &[]).await.unwrap().get::<_, bool>(0));
    app.clock.advance(Duration::days(30));
    app.post("", "/sessions/join/short", &json!({"code": code})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_visit_that_is_moved_far_is_told_the_new_time_and_is_not_held_to_have_come() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let moved = app.reschedule(&visit, 3 * 60).await.expect(200).body;
    assert_eq!(moved["status"], "scheduled");
    let status = app.join_status(&token).await.expect(200).body;
    assert_eq!((&status["participantStatus"], &status["sessionStatus"]), (&json!("invited"), &json!("scheduled")));
    app.clock.advance(Duration::minutes(3 * 60 + 60));
    assert_eq!(app.app.end_visits_not_held().await.unwrap(), 1);
    assert_eq!(app.read(&visit).await["status"], "no_show");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_a_visit_again_that_was_moved_far_is_told_when_it_is() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let moved = app.reschedule(&visit, 3 * 60).await.expect(200).body;
    let again = app.join(&token).await.expect(200).body;
    assert_eq!((&again["scheduledStart"], &again["sessionStatus"]), (&moved["scheduledStart"], &json!("scheduled")));
    assert_eq!(again["opensAt"], app.minutes_ahead(3 * 60 - 30));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_visit_that_is_moved_a_little_keeps_their_place() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    assert_eq!(app.reschedule(&visit, 20).await.expect(200).body["status"], "waiting");
    let status = app.join_status(&token).await.expect(200).body;
    assert_eq!((&status["participantStatus"], &status["placeInLine"]), (&json!("waiting"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_held_open_is_answered_when_the_visit_moves() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let version = app.join_status(&token).await.expect(200).body["version"].clone();
    let query = format!("since={version}&place=1");
    let (news, moved) = tokio::join!(app.wait(&token, &query), app.reschedule(&visit, 25));
    assert_eq!(news.expect(200).body["version"], moved.expect(200).body["version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_cannot_be_is_refused_by_the_name_of_its_field() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let before = app.read(&visit).await;
    for (body, field) in [
        (json!({}), "scheduledStart"),
        (json!({"allowOverlap": true}), "scheduledStart"),
        (json!({"scheduledStart": app.minutes_ahead(-1)}), "scheduledStart"),
        (json!({"scheduledStart": "tomorrow"}), "scheduledStart"),
        (json!({"scheduledStart": app.minutes_ahead(3 * 366 * 24 * 60)}), "scheduledStart"),
        (json!({"scheduledEnd": app.minutes_ahead(30)}), "scheduledEnd"),
        (json!({"scheduledEnd": app.minutes_ahead(13 * 60 + 31)}), "scheduledEnd"),
        (json!({"timeZone": "Mars/Olympus"}), "timeZone"),
        (json!({"patientId": "pat-9"}), "patientId"),
    ] {
        app.patch(&clinician, &visit, &body).await.names_field(field);
    }
    assert_eq!(app.read(&visit).await, before);
    assert!(app.events_of(RESCHEDULED).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_moved_over_another_one_only_by_somebody_who_says_so() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let (visit, other) = (app.visit().await, app.visit().await);
    app.reschedule(&visit, 120).await.expect(200);
    let over = json!({"scheduledStart": app.minutes_ahead(45)});
    app.patch(&clinician, &visit, &over).await.refused(409, "SESSION_OVERLAPS");
    assert_eq!(app.reschedule(&visit, 60).await.expect(200).body["version"], 3, "one begins when the other ends");
    let mut said = over.clone();
    said["allowOverlap"] = json!(true);
    app.patch(&clinician, &visit, &said).await.expect(200);
    // To the same time again moves nothing, and asks nobody.
    app.patch(&clinician, &visit, &over).await.expect(200);
    app.reschedule(&visit, 120).await.expect(200);
    app.cancel(&other, "the patient asked for it").await.expect(200);
    app.patch(&clinician, &visit, &over).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn visits_overlap_by_their_patient_or_by_their_provider() {
    let app = TestApp::start().await;
    app.standins.set_consent("pat-other", Consents::ALL);
    for (patient, provider, overlaps) in
        [(CONSENTED, "clinician-2", true), ("pat-other", "clinician-1", true), ("pat-other", "clinician-2", false)]
    {
        let mut request = app.wish();
        request["patientId"] = json!(patient);
        request["providerId"] = json!(provider);
        let other = app.post(&app.token("scheduler"), "/sessions", &request).await.expect(201).text("id");
        let mut request = app.wish();
        request["scheduledStart"] = json!(app.minutes_ahead(300));
        let visit = Visit::of(&app.post(&app.token("clinician"), "/sessions", &request).await.expect(201).body);
        let moved = app.reschedule(&visit, 45).await;
        assert_eq!(moved.status, if overlaps { 409 } else { 200 }, "{patient} {provider}: {}", moved.body);
        for id in [&other, &visit.id] {
            let path = format!("/sessions/{id}/cancel");
            app.post(&app.token("scheduler"), &path, &json!({"reason": "snow"})).await.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_has_begun_or_is_over_is_not_moved() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    assert_eq!(
        app.reschedule(&visit, 60).await.refused(409, "INVALID_STATUS_TRANSITION").body["currentStatus"],
        "active"
    );
    app.end(&visit).await.expect(200);
    assert_eq!(
        app.reschedule(&visit, 60).await.refused(409, "INVALID_STATUS_TRANSITION").body["currentStatus"],
        "ended"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_moved_once_under_one_key_and_by_who_saw_its_version() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let body = json!({"scheduledStart": app.minutes_ahead(90)}).to_string();
    let send = async |key: &str, version: &str| {
        let request = app.request(Method::PATCH, &visit.path("")).bearer_auth(&clinician).header("If-Match", version);
        let request = request.header("Content-Type", "application/json").header("Idempotency-Key", key);
        app.send(request.body(body.clone())).await
    };
    assert_eq!(send("k-0", "\"7\"").await.refused(409, "OPTIMISTIC_LOCK_CONFLICT").body["currentVersion"], 1);
    let first = send("k-1", "\"1\"").await.expect(200);
    app.reschedule(&visit, 200).await.expect(200);
    let again = send("k-1", "\"1\"").await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    assert_eq!(app.events_of(RESCHEDULED).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_move_a_visit_at_once_one_is_told_of_the_other() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let to = |minutes| json!({"scheduledStart": app.minutes_ahead(minutes), "version": 1});
    let (early, late) = (to(90), to(180));
    let (one, two) = tokio::join!(app.patch(&clinician, &visit, &early), app.patch(&clinician, &visit, &late));
    let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
    assert_eq!(won.expect(200).body["version"], 2);
    lost.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
    app.only_event(RESCHEDULED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_is_late_says_so_by_link_and_the_staff_see_when_they_come() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    let answer = app.delay(&token, 20).await.expect(200).body;
    assert_eq!(
        (&answer["expectedAt"], &answer["participantStatus"]),
        (&json!(app.minutes_ahead(50)), &json!("invited"))
    );
    assert_eq!(app.read(&visit).await["expectedAt"], app.minutes_ahead(50));
    let event = app.only_event(DELAYED).await;
    assert_eq!((&event["data"]["minutes"], &event["data"]["expectedAt"]), (&json!(20), &answer["expectedAt"]));
    assert_eq!(app.delay(&token, 20).await.expect(200).body, answer, "saying it again changes nothing");
    app.only_event(DELAYED).await;
    // The patient's account says something else; a proxy and a stranger: see the access matrix.
    let patient = app.token("patient");
    let later = app.post(&patient, &visit.path("/delay"), &json!({"minutes": 30})).await.expect(200).body;
    assert_eq!((&later["audience"], &later["expectedAt"]), (&json!("patient"), &json!(app.minutes_ahead(60))));
    assert_eq!(app.join_status(&token).await.expect(200).body["expectedAt"], app.minutes_ahead(60));
    // Planned for half an hour from now; a no-show 60 minutes after the time that the patient said.
    app.clock.advance(Duration::minutes(119));
    assert_eq!(app.app.end_visits_not_held().await.unwrap(), 0);
    app.clock.advance(Duration::minutes(1));
    assert_eq!(app.app.end_visits_not_held().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_that_has_passed_or_that_nobody_offers_is_refused() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    for minutes in [0, 5, 15, 40, 266] {
        app.delay(&token, minutes).await.names_field("minutes");
    }
    app.clock.advance(Duration::minutes(45));
    app.delay(&token, 10).await.names_field("minutes");
    app.delay(&token, 20).await.expect(200);
    assert_eq!(app.read(&visit).await["expectedAt"], app.minutes_ahead(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_cancels_by_link_and_twice_is_once() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    let reason = "my child is well again";
    let cancelled = app.by_link("cancel", json!({"token": token, "reason": reason})).await.expect(200).body;
    assert_eq!(cancelled["sessionStatus"], "cancelled");
    assert_eq!(app.by_link("cancel", json!({"token": token})).await.expect(200).body, cancelled);
    let read = app.read(&visit).await;
    assert_eq!((&read["status"], &read["cancelReason"]), (&json!("cancelled"), &json!(reason)));
    let event = app.only_event("virtual_care.session.cancelled.v1").await;
    assert_eq!(event["actorid"], visit.patient, "{event}");
    app.join(&token).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(
        app.delay(&token, 10).await.refused(409, "INVALID_STATUS_TRANSITION").body["currentStatus"],
        "cancelled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_cancels_with_an_account_and_needs_no_reason_by_link() {
    let app = TestApp::start().await;
    let (visit, other) = (app.visit().await, app.visit().await);
    let patient = app.token("patient");
    let cancelled = app.post(&patient, &visit.path("/cancel"), &json!({"reason": "snow"})).await.expect(200).body;
    assert_eq!((&cancelled["audience"], &cancelled["status"]), (&json!("patient"), &json!("cancelled")));
    let token = app.join_token(&other).await;
    app.by_link("cancel", json!({"token": token})).await.expect(200);
    let read = app.read(&other).await;
    assert_eq!((&read["cancelReasonCode"], &read["cancelReason"]), (&json!("patient_request"), &Value::Null));
    let audited = app.events_of("virtual_care.audit.recorded.v1").await;
    assert!(audited.iter().all(|entry| entry["data"]["eventType"] != "VISIT_CHANGED_BY_STAFF"), "{audited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_an_interpreter_a_dead_one_and_another_tenants_cancel_nothing() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    let interpreter = app.interpreter(&visit).await;
    let interpreters = app.join_token_of(&visit, &interpreter).await;
    let before = app.read(&visit).await;
    for what in ["cancel", "delay"] {
        let body = |token: &str| match what {
            "delay" => json!({"token": token, "minutes": 10}),
            _ => json!({"token": token}),
        };
        app.by_link(what, body(&interpreters)).await.refused(403, "ACCESS_DENIED");
        app.by_link(what, body("a.b.c")).await.refused(401, "TOKEN_INVALID");
        app.by_link(what, json!({})).await.names_field("token");
    }
    assert_eq!(app.read(&visit).await, before);
    let newer = app.join_token(&visit).await;
    app.by_link("cancel", json!({"token": token})).await.refused(401, "TOKEN_INVALID");
    let elsewhere = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    app.patch(&elsewhere, &visit, &json!({"scheduledStart": app.minutes_ahead(60)}))
        .await
        .refused(404, "SESSION_NOT_FOUND");
    app.by_link("cancel", json!({"token": newer})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_cancels_while_a_clinician_admits_is_either_in_or_not() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let (cancelled, admitted) = tokio::join!(app.by_link("cancel", json!({"token": token})), app.admit(&visit));
    let status = app.read(&visit).await["status"].clone();
    match (cancelled.status, admitted.status) {
        (200, 409) => assert_eq!(status, "cancelled"),
        (409, 200) => assert_eq!(status, "active"),
        both => panic!("{both:?}"),
    }
}
