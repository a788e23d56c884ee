//! VCARE-US-001: create a virtual care session.

use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::{Mode, Name};

use crate::support::{CONSENTED, NO_CONSENT, TENANT, TestApp, Visit};

#[tokio::test(flavor = "multi_thread")]
async fn us_001_a_licensed_tenant_and_a_consenting_patient_get_a_scheduled_session_with_a_room() {
    let app = TestApp::start().await;
    let created = app.post(&app.token("clinician"), "/sessions", &app.wish()).await.expect(201);
    assert_eq!(created.body["status"], "scheduled");
    assert_eq!(created.body["version"], 1);
    let name = created.text("roomName");
    assert_eq!(created.text("roomUrl"), format!("{}/{name}", app.standins.jitsi_url()));
    let slug = name.strip_prefix("kabul-").unwrap();
    assert!(slug.len() == 8 && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{name}");

    let id = created.text("id");
    assert!(id.starts_with("vsn_") && id.len() == 30, "{id}");
    assert_eq!(created.header("location"), format!("/api/v1/virtual-care/sessions/{id}"));
    assert_eq!(created.header("etag"), "\"1\"");
    let read = app.get(&app.token("clinician"), &format!("/sessions/{id}")).await.expect(200);
    assert_eq!(read.body, created.body);
    assert!(read.header("etag").starts_with("\"1-"), "{read:?}");
    assert_eq!(app.count("virtual_session").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_001_what_is_not_said_has_its_default() {
    let app = TestApp::start().await;
    let wish = json!({"patientId": CONSENTED, "scheduledStart": app.minutes_ahead(30)});
    let created = app.post(&app.token("clinician"), "/sessions", &wish).await.expect(201).body;
    assert_eq!(created["scheduledEnd"], app.minutes_ahead(60));
    assert_eq!(created["timeZone"], "Asia/Kabul");
    assert_eq!(created["tenantId"], TENANT);
    assert_eq!(created["patientId"], CONSENTED);
    assert_eq!(created["recordingEnabled"], false);
    assert_eq!(created["videoBackend"], "jitsi");
    assert_eq!(created["createdAt"], app.minutes_ahead(0));
    let empty =
        ["nodeId", "appointmentId", "encounterId", "encounterStatus", "actualStart", "actualEnd", "recordingRef"];
    for field in empty {
        assert_eq!(created[field], Value::Null, "{field}");
    }
    // Patient and creating clinician are invited from the start.
    assert_eq!((&created["initiatorId"], &created["providerId"]), (&json!("clinician-1"), &json!("clinician-1")));
    let [patient, provider] = created["participants"].as_array().unwrap().as_slice() else { panic!("{created}") };
    assert_eq!((&patient["role"], &patient["status"]), (&json!("patient"), &json!("invited")));
    assert_eq!((&provider["role"], &provider["status"]), (&json!("provider"), &json!("invited")));
    assert_eq!(provider["userId"], "clinician-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_001_what_is_said_is_kept() {
    let app = TestApp::start().await;
    let wish = json!({
        "patientId": CONSENTED, "scheduledStart": "2026-11-24T14:00:00.123456+04:30",
        "scheduledEnd": "2026-11-24T15:00:00+04:30", "appointmentId": "appt-7", "providerId": "clinician-9",
        "timeZone": "Asia/Karachi",
    });
    let account = app.account(TENANT, "scheduler-1", "scheduler").node("ward-3");
    let created = app.post(&app.standins.issuer().token(&account), "/sessions", &wish).await.expect(201).body;
    assert_eq!(created["scheduledStart"], "2026-11-24T09:30:00.123Z");
    assert_eq!(created["scheduledEnd"], "2026-11-24T10:30:00.000Z");
    assert_eq!(created["timeZone"], "Asia/Karachi");
    assert_eq!(created["appointmentId"], "appt-7");
    assert_eq!(created["nodeId"], "ward-3");
    assert_eq!((&created["initiatorId"], &created["providerId"]), (&json!("scheduler-1"), &json!("clinician-9")));
}

/// The provider is who was named, else who creates if they care for patients, else the first clinician who joins.
#[tokio::test(flavor = "multi_thread")]
async fn us_001_a_scheduler_creates_a_session_whose_provider_is_who_joins_first() {
    let app = TestApp::start().await;
    let created = app.post(&app.token("scheduler"), "/sessions", &app.wish()).await.expect(201).body;
    assert_eq!(created["providerId"], Value::Null);
    assert_eq!(created["participants"].as_array().unwrap().len(), 1);
    let visit = Visit::of(&created);
    app.come(&app.other_clinician(), &visit).await.expect(200);
    let seen = app.get(&app.other_clinician(), &visit.path("")).await.expect(200).body;
    assert_eq!(seen["providerId"], "clinician-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_001_when_jitsi_answers_503_so_do_we_and_there_is_no_session() {
    let app = TestApp::start().await;
    for mode in [Mode::DOWN, Mode::down_with(404), Mode::SLOW] {
        app.standins.set_mode(Name::Jitsi, mode);
        let answer = app.post(&app.token("clinician"), "/sessions", &app.wish()).await;
        let answer = answer.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert_eq!(app.count("virtual_session").await, 0);
    assert_eq!(app.count("outbox").await, 0);
    // Nothing stands in the way once it is back.
    app.standins.set_mode(Name::Jitsi, Mode::UP);
    app.visit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_001_a_tenant_that_was_not_set_up_has_no_video_backend() {
    let app = TestApp::start().await;
    let token = app.token_of("hosp-new", "clinician-1", "clinician");
    app.post(&token, "/sessions", &app.wish()).await.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
    assert_eq!(app.count("virtual_session").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_001_without_telehealth_consent_there_is_403_and_no_session() {
    let app = TestApp::start().await;
    let mut wish = app.wish();
    wish["patientId"] = json!(NO_CONSENT);
    let answer = app.post(&app.token("clinician"), "/sessions", &wish).await.refused(403, "CONSENT_REQUIRED");
    assert_eq!(answer.body["gate"], "telehealth_consent");
    assert_eq!(app.count("virtual_session").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_001_a_created_session_is_published() {
    let app = TestApp::start().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = app.request(reqwest::Method::POST, "/sessions").bearer_auth(app.token("clinician"));
    let request = request.header("X-Request-Id", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736").header("traceparent", trace);
    let request = request.header("Content-Type", "application/json").body(app.wish().to_string());
    let created = app.send(request).await.expect(201).body;
    let event = app.only_event("virtual_care.session.created.v1").await;
    assert_eq!(app.events().await.len(), 1);
    // The caller's trace, below a span of ours.
    let traceparent = event["traceparent"].as_str().unwrap();
    assert!(traceparent.starts_with(&trace[..36]) && traceparent.ends_with("-01"), "{traceparent}");
    assert_ne!(traceparent, trace);
    for (name, value) in [
        ("source", "ghasi/virtual-care-service"),
        ("subject", "virtual_care.session.created.v1"),
        ("tenantid", TENANT),
        ("actorid", "clinician-1"),
        ("correlationid", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"),
    ] {
        assert_eq!(event[name], value, "{name}");
    }
    for name in ["patientId", "appointmentId", "providerId", "initiatorId", "status", "scheduledStart", "version"] {
        assert_eq!(event["data"][name], created[name], "{name}");
    }
    assert_eq!(event["data"]["sessionId"], created["id"]);
    // Who can read events learns nothing that opens the room.
    assert!(!event.to_string().contains(created["roomName"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_001_the_video_server_is_asked_before_the_room_is_reserved() {
    let app = TestApp::start().await;
    app.visit().await;
    let asked = app.standins.requests(Name::Jitsi);
    let asked: Vec<_> = asked.iter().map(|request| (request.method.as_str(), request.path.as_str())).collect();
    // Reserving a room is choosing its name: Jitsi has no call for it.
    assert_eq!(asked, [("GET", "/http-bind")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_001_no_two_sessions_share_a_room() {
    let app = TestApp::start().await;
    let mut rooms = Vec::new();
    for _ in 0..5 {
        let created = app.post(&app.token("clinician"), "/sessions", &app.wish()).await.expect(201);
        rooms.push(created.text("roomName"));
        app.clock.advance(Duration::SECOND);
    }
    rooms.sort_unstable();
    rooms.dedup();
    assert_eq!(rooms.len(), 5);
}
