//! Why something was done: the code for everybody who sees the visit, the note for those who care for the patient.

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use super::people::Who;
use crate::support::{Answer, TestApp, Visit};

const HABIB: &str = "brother Habib came to the ward";
/// Who sees notes: providers of the visit, and those who care for the patient elsewhere or in an emergency.
const CARING: [Who; 4] = [Who::Treating, Who::TreatingNurse, Who::Assigned, Who::Emergency];
/// Who sees a visit, and no note.
const OTHERS: [Who; 8] = [
    Who::Own,
    Who::Proxy,
    Who::Invited,
    Who::Scheduler,
    Who::Admin,
    Who::TenantAdmin,
    Who::PlatformAdmin,
    Who::Creator,
];

/// A visit of everybody, which those who are not part of it may read, too.
async fn visit_of_everybody(app: &TestApp) -> Visit {
    app.tell_relations();
    let visit = app.visit_of_everybody().await;
    app.open_emergency(&visit).await;
    visit
}

async fn seen(app: &TestApp, who: Who, visit: &Visit) -> Value {
    app.get(&who.token(app), &visit.path("")).await.expect(200).body
}

/// Nobody but those who care for the patient is shown a note, and no event, audit entry or job holds one.
async fn only_those_who_care_see_notes(app: &TestApp, visit: &Visit) {
    for who in CARING {
        let seen = seen(app, who, visit).await.to_string();
        assert!(seen.contains("Habib"), "{who:?}: {seen}");
    }
    for who in OTHERS {
        let seen = seen(app, who, visit).await.to_string();
        assert!(!seen.contains("Habib"), "{who:?}: {seen}");
    }
    for who in CARING.into_iter().chain(OTHERS) {
        let list = app.get(&who.token(app), "/sessions").await.body.to_string();
        assert!(!list.contains("Habib"), "{who:?}: {list}");
    }
    for (table, text) in [
        ("outbox", "convert_from(body, 'UTF8')"),
        ("kept_event", "convert_from(body, 'UTF8')"),
        ("retry_job", "retry_job::text"),
    ] {
        let query = format!("SELECT count(*) FROM {table} WHERE {text} LIKE '%Habib%'");
        let written: i64 = app.database.query_one(&query, &[]).await.unwrap().get(0);
        assert_eq!(written, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_sees_a_cancelled_visit_sees_the_code_and_only_those_who_care_the_note() {
    let app = TestApp::start().await;
    let visit = visit_of_everybody(&app).await;
    let body = json!({"reason": HABIB, "reasonCode": "seen_elsewhere"});
    app.post(&Who::Treating.token(&app), &visit.path("/cancel"), &body).await.expect(200);
    only_those_who_care_see_notes(&app, &visit).await;
    for who in CARING.into_iter().chain(OTHERS) {
        assert_eq!(seen(&app, who, &visit).await["cancelReasonCode"], "seen_elsewhere", "{who:?}");
    }
    let event = app.only_event("virtual_care.session.cancelled.v1").await;
    assert_eq!(event["data"]["reasonCode"], "seen_elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_sees_a_removed_person_sees_the_code_and_only_those_who_care_the_note() {
    let app = TestApp::start().await;
    let visit = visit_of_everybody(&app).await;
    let path = visit.path(&format!("/participants/{}/remove", visit.patient));
    let body = json!({"reason": HABIB, "reasonCode": "wrong_person"});
    app.post(&Who::Treating.token(&app), &path, &body).await.expect(200);
    only_those_who_care_see_notes(&app, &visit).await;
    for who in CARING.into_iter().chain(OTHERS).filter(|who| *who != Who::Invited) {
        let people = seen(&app, who, &visit).await["participants"].clone();
        let patient = people.as_array().unwrap().iter().find(|one| one["role"] == "patient").cloned();
        // A person who acts for the patient, and has not come, has no part of their own.
        let Some(patient) = patient else { panic!("{who:?}: {people}") };
        assert_eq!(patient["removedReasonCode"], "wrong_person", "{who:?}");
    }
    let event = app.only_event("virtual_care.session.participant.removed.v1").await;
    assert_eq!(event["data"]["reasonCode"], "wrong_person");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_sees_a_no_show_sees_its_code() {
    let app = TestApp::start().await;
    let visit = visit_of_everybody(&app).await;
    app.clock.advance(Duration::minutes(30));
    let path = visit.path("/no-show");
    let provider = Who::Treating.token(&app);
    app.post(&provider, &path, &json!({"reasonCode": "snow"})).await.names_field("reasonCode");
    app.post(&provider, &path, &json!({"reasonCode": "unreachable"})).await.expect(200);
    app.open_emergency(&visit).await;
    for who in CARING.into_iter().chain(OTHERS) {
        assert_eq!(seen(&app, who, &visit).await["noShowReasonCode"], "unreachable", "{who:?}");
    }
    let event = app.only_event("virtual_care.session.no_show.v1").await;
    assert_eq!(event["data"]["reasonCode"], "unreachable");
    // Whoever gives no code says that the patient did not come.
    let (missed, _) = app.missed_visit().await;
    let noted = app.post(&app.token("clinician"), &missed.path("/no-show"), &json!({})).await.expect(200).body;
    assert_eq!(noted["noShowReasonCode"], "patient_absent");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_visit_ended_and_went_on_in_messages_is_shown_only_to_those_who_care() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    app.post(&clinician, &visit.path("/fallback-message"), &json!({"reason": HABIB})).await.expect(200);
    app.clock.advance(Duration::MINUTE);
    app.post(&clinician, &visit.path("/end"), &json!({"reason": HABIB})).await.expect(200);
    let read = app.read(&visit).await;
    assert_eq!((&read["messagingReason"], &read["endReason"]), (&json!(HABIB), &json!(HABIB)));
    for role in ["patient", "scheduler", "admin", "tenant_admin", "platform_admin"] {
        let read = app.get(&app.token(role), &visit.path("")).await.expect(200).body.to_string();
        assert!(!read.contains("Habib"), "{role}: {read}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_its_list_is_a_reason_and_other_needs_a_note() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let before = app.read(&visit).await;
    let clinician = app.token("clinician");
    let (cancel, remove) = (visit.path("/cancel"), visit.path(&format!("/participants/{}/remove", visit.patient)));
    for (path, of_the_other_list) in [(&remove, "duplicate"), (&cancel, "disruptive")] {
        for (body, field) in [
            (json!({}), "reason"),
            (json!({"reasonCode": "other"}), "reason"),
            (json!({"reasonCode": of_the_other_list}), "reasonCode"),
            (json!({"reasonCode": "because", "reason": "snow"}), "reasonCode"),
            (json!({"reasonCode": "", "reason": "snow"}), "reasonCode"),
            (json!({"reasonCode": "technical_problem", "reason": " "}), "reason"),
        ] {
            app.post(&clinician, path, &body).await.names_field(field);
        }
    }
    assert_eq!(app.read(&visit).await, before);
    let removed = app.post(&clinician, &remove, &json!({"reasonCode": "no_longer_needed"})).await.expect(200).body;
    let people = removed["participants"].as_array().unwrap();
    let patient = people.iter().find(|one| one["id"] == visit.patient.as_str()).unwrap();
    assert_eq!((&patient["removedReasonCode"], &patient["removedReason"]), (&json!("no_longer_needed"), &Value::Null));
    let cancelled = app.post(&clinician, &cancel, &json!({"reasonCode": "duplicate"})).await.expect(200).body;
    assert_eq!((&cancelled["cancelReasonCode"], &cancelled["cancelReason"]), (&json!("duplicate"), &Value::Null));
    assert_eq!(app.read(&visit).await["cancelReasonCode"], "duplicate");
    // The first reason stays.
    let again = app.post(&clinician, &cancel, &json!({"reasonCode": "clinical", "reason": HABIB})).await.expect(200);
    assert_eq!(again.body, cancelled);
    // Whoever knows no codes gives a note, as before.
    let other = app.visit().await;
    let cancelled = app.cancel(&other, "snow").await.expect(200).body;
    assert_eq!((&cancelled["cancelReasonCode"], &cancelled["cancelReason"]), (&json!("other"), &json!("snow")));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_by_the_patients_link_may_say_why_by_a_code() {
    let app = TestApp::start().await;
    for (given, shown) in [(json!({}), "patient_request"), (json!("technical_problem"), "technical_problem")] {
        let visit = app.visit().await;
        let token = app.join_token(&visit).await;
        let wrong = json!({"token": token, "reasonCode": "disruptive"});
        app.by_link("cancel", wrong).await.names_field("reasonCode");
        let mut body = json!({"token": token});
        if given.is_string() {
            body["reasonCode"] = given;
        }
        let standing = app.by_link("cancel", body).await.expect(200).body;
        assert!(!standing.to_string().contains(shown), "their standing tells no reason: {standing}");
        assert_eq!(app.read(&visit).await["cancelReasonCode"], shown);
    }
}

/// Reads in an emergency, with what of both headers is given.
async fn read_in_emergency(app: &TestApp, visit: &Visit, code: Option<&str>, words: Option<&str>) -> Answer {
    let mut request = app.request(Method::GET, &visit.path("")).bearer_auth(Who::Stranger.token(app));
    for (name, value) in [("X-Emergency-Reason-Code", code), ("X-Emergency-Reason", words)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    app.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_access_is_opened_by_a_code_and_other_needs_a_reason_in_words() {
    const WORDS: &str = "brother Habib is unconscious";
    let app = TestApp::start().await;
    let visit = app.visit().await;
    for (code, words, header) in [
        (Some("because"), None, "X-Emergency-Reason-Code"),
        (Some("disruptive"), Some(WORDS), "X-Emergency-Reason-Code"),
        (Some("other"), None, "X-Emergency-Reason"),
        (Some("handover"), Some("too short"), "X-Emergency-Reason"),
    ] {
        let refused = read_in_emergency(&app, &visit, code, words).await.refused(400, "VALIDATION_ERROR");
        assert_eq!(refused.body["errors"][0]["header"], header, "{code:?} {words:?}");
    }
    assert_eq!(app.count("emergency_access").await, 0);
    for (code, words, kept) in [
        (Some("life_threatening"), None, "life_threatening"),
        (Some("handover"), Some(WORDS), "handover"),
        (None, Some(WORDS), "other"),
        (Some("other"), Some(WORDS), "other"),
    ] {
        read_in_emergency(&app, &visit, code, words).await.expect(200);
        let event = app.events_of("virtual_care.access.emergency.v1").await.pop().unwrap();
        assert_eq!(event["data"]["reasonCode"], kept);
        let entries = app.audited().await;
        let entry = entries.iter().rfind(|entry| entry["data"]["eventType"] == "EMERGENCY_ACCESS").unwrap();
        assert_eq!(entry["data"]["metadata"]["reasonCode"], kept);
        app.clock.advance(Duration::minutes(31));
    }
    let everything = serde_json::to_string(&app.all_events().await).unwrap();
    assert!(!everything.contains("Habib"), "a reason in words is in an event");
}
