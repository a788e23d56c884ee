//! VCARE-US-006: recording has a consent of its own.

use serde_json::{Value, json};

use crate::support::{Answer, CONSENTED, NO_RECORDING_CONSENT, TENANT, TestApp, VideoUrl, Visit};

async fn create(app: &TestApp, patient: &str, recording: bool) -> Answer {
    let mut wish = app.wish();
    wish["patientId"] = json!(patient);
    wish["recordingEnabled"] = json!(recording);
    app.post(&app.token("clinician"), "/sessions", &wish).await
}

/// What the tokens of provider and patient say about recording.
async fn may_record(app: &TestApp, visit: &Visit) -> (Value, Value) {
    let token = app.join_token(visit).await;
    app.join(&token).await.expect(200);
    let provider = app.admit(visit).await.expect(200).text("videoJoinUrl");
    let patient = app.join(&token).await.expect(200).text("url");
    let says = async |url: &str| VideoUrl::read(TENANT, url).await.claims["context"]["features"]["recording"].clone();
    (says(&provider).await, says(&patient).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn us_006_recording_without_its_consent_is_403_and_names_the_gate() {
    let app = TestApp::start().await;
    let answer = create(&app, NO_RECORDING_CONSENT, true).await.refused(403, "CONSENT_REQUIRED");
    assert_eq!(answer.body["gate"], "recording_consent");
    assert_eq!(app.count("virtual_session").await, 0);
    let audit = app.only_event("virtual_care.audit.recorded.v1").await;
    assert_eq!(audit["data"]["eventType"], "CONSENT_GATE_BLOCKED");
    assert_eq!(audit["data"]["metadata"]["gate"], "recording_consent");
    // The same patient may be cared for, if not recorded.
    create(&app, NO_RECORDING_CONSENT, false).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_006_with_consent_the_session_may_be_recorded_by_who_moderates() {
    let app = TestApp::start().await;
    let created = create(&app, CONSENTED, true).await.expect(201).body;
    assert_eq!(created["recordingEnabled"], true);
    let row = app.database.query_one("SELECT recording_enabled FROM virtual_session", &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
    let event = app.only_event("virtual_care.session.created.v1").await;
    assert_eq!(event["data"]["recordingEnabled"], true);
    assert_eq!(may_record(&app, &Visit::of(&created)).await, (json!(true), json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_006_a_session_for_which_no_recording_was_asked_is_recorded_by_nobody() {
    let app = TestApp::start().await;
    // Consent is on file, but nobody asked for it.
    let created = create(&app, CONSENTED, false).await.expect(201).body;
    assert_eq!(may_record(&app, &Visit::of(&created)).await, (json!(false), json!(false)));
}

/// A visit that may be recorded, whose patient was admitted, and its room.
async fn recorded_visit(app: &TestApp) -> (Visit, String) {
    let created = create(app, CONSENTED, true).await.expect(201).body;
    let visit = Visit::of(&created);
    let token = app.join_token(&visit).await;
    app.join(&token).await.expect(200);
    app.admit(&visit).await.expect(200);
    (visit, created["roomName"].as_str().unwrap().to_owned())
}

/// Our finalize script tells of a file.
async fn finished(app: &TestApp, room: &str, key: &str) -> Answer {
    let file = json!({"name": "a.mp4", "size": 1, "sha256": "0".repeat(64), "storageKey": key});
    let body =
        json!({"room": room, "startedAt": "2026-11-23T20:00:00Z", "files": [file], "metadata": {"participants": [{}]}});
    app.tell("//internal/jibri/recordings", &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn us_006_a_recording_that_is_finished_by_then_is_told_of_with_the_end() {
    let app = TestApp::start().await;
    let (visit, room) = recorded_visit(&app).await;
    let key = format!("{room}/one.mp4");
    finished(&app, &room, &key).await.expect(204);
    app.clock.advance(time::Duration::MINUTE);
    let ended = app.end(&visit).await.expect(200).body;
    assert_eq!(ended["recordingRef"], key.as_str());
    let event = app.only_event("virtual_care.session.ended.v1").await;
    assert_eq!(event["data"]["recordingRef"], key.as_str());
    let available = app.only_event("virtual_care.session.recording.available.v1").await;
    assert_eq!(available["data"]["recordingRef"], key.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn us_006_all_recordings_that_are_finished_by_the_end_are_told_with_it_in_their_order() {
    let app = TestApp::start().await;
    let (visit, room) = recorded_visit(&app).await;
    assert_eq!(app.read(&visit).await["recordingRefs"], json!([]));
    let keys = ["b.mp4", "a.mp4", "session-2/c.mp4"].map(|name| format!("{room}/{name}"));
    for key in &keys {
        finished(&app, &room, key).await.expect(204);
    }
    app.clock.advance(time::Duration::MINUTE);
    let ended = app.end(&visit).await.expect(200).body;
    assert_eq!((&ended["recordingRef"], &ended["recordingRefs"]), (&json!(keys[0]), &json!(keys)));
    let data = app.only_event("virtual_care.session.ended.v1").await["data"].clone();
    assert_eq!((&data["recordingRef"], &data["recordingRefs"]), (&json!(keys[0]), &json!(keys)));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_006_a_recording_that_is_finished_after_the_end_follows_once() {
    let app = TestApp::start().await;
    let (visit, room) = recorded_visit(&app).await;
    app.clock.advance(time::Duration::MINUTE);
    app.end(&visit).await.expect(200);
    let event = app.only_event("virtual_care.session.ended.v1").await;
    assert_eq!((&event["data"]["recordingRef"], &event["data"]["recordingRefs"]), (&Value::Null, &Value::Null));
    let (one, two) = (format!("{room}/one.mp4"), format!("{room}/session-2/two.mp4"));
    for _ in 0..2 {
        finished(&app, &room, &one).await.expect(204);
    }
    let told = futures_util::future::join_all((0..6).map(|_| finished(&app, &room, &two))).await;
    assert!(told.iter().all(|answer| answer.status == 204));
    let available = app.events_of("virtual_care.session.recording.available.v1").await;
    let keys: Vec<_> = available.iter().map(|event| event["data"]["recordingRef"].clone()).collect();
    assert_eq!(keys, [json!(one), json!(two)]);
    let read = app.read(&visit).await;
    assert_eq!((&read["recordingRef"], &read["recordingRefs"]), (&json!(one), &json!([one, two])));
    assert!(app.events_of("virtual_care.audit.recorded.v1").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_came_to_nothing_is_an_audit_warning_and_the_visit_ends_as_ever() {
    let app = TestApp::start().await;
    let (visit, room) = recorded_visit(&app).await;
    let nothing = json!({"room": room, "startedAt": "2026-11-23T20:00:00Z", "files": []});
    app.tell("//internal/jibri/recordings", &nothing).await.expect(204);
    let audit = app.only_event("virtual_care.audit.recorded.v1").await;
    assert_eq!(
        (&audit["data"]["eventType"], &audit["data"]["outcome"]),
        (&json!("RECORDING_FAILED"), &json!("FAILURE"))
    );
    assert_eq!(audit["data"]["resourceId"], visit.id);
    app.clock.advance(time::Duration::MINUTE);
    assert_eq!(app.end(&visit).await.expect(200).body["recordingRef"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_consented_to_is_kept_and_audited() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let room = app.read(&visit).await["roomName"].as_str().unwrap().to_owned();
    let key = format!("{room}/one.mp4");
    for _ in 0..2 {
        finished(&app, &room, &key).await.expect(204);
    }
    let audit = app.only_event("virtual_care.audit.recorded.v1").await;
    assert_eq!(audit["data"]["eventType"], "RECORDED_WITHOUT_CONSENT");
    assert_eq!(app.read(&visit).await["recordingRef"], key.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_withdrawn_during_the_visit_turns_recording_off_and_is_told_of() {
    let app = TestApp::start().await;
    let (visit, room) = recorded_visit(&app).await;
    let clinician = app.token("clinician");
    let withdrawn = app.post(&clinician, &visit.path("/recording/withdraw"), &json!({})).await.expect(200);
    assert_eq!(withdrawn.body["recordingEnabled"], false);
    let event = app.only_event("virtual_care.session.recording.withdrawn.v1").await;
    assert_eq!(event["data"]["sessionId"], visit.id);
    assert_eq!(event["data"]["actorId"], "clinician-1");
    let again = app.post(&clinician, &visit.path("/recording/withdraw"), &json!({"version": 1})).await.expect(200);
    assert_eq!(again.body, withdrawn.body);
    // A token from here on cannot record.
    let url = app.come(&clinician, &visit).await.expect(200).text("videoJoinUrl");
    assert_eq!(VideoUrl::read(TENANT, &url).await.claims["context"]["features"]["recording"], false);
    // What was recorded before is there, and says that the consent was withdrawn.
    finished(&app, &room, &format!("{room}/one.mp4")).await.expect(204);
    let available = app.only_event("virtual_care.session.recording.available.v1").await;
    assert_eq!(available["data"]["consentWithdrawnAt"], event["data"]["withdrawnAt"]);
    app.end(&visit).await.expect(200);
    let late = app.post(&clinician, &visit.path("/recording/withdraw"), &json!({})).await.expect(200);
    assert_eq!(late.body["recordingEnabled"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_of_no_visit_is_not_found_and_a_bad_one_names_its_fields() {
    let app = TestApp::start().await;
    let (_, room) = recorded_visit(&app).await;
    finished(&app, "kabul-nosuchrm", "kabul-nosuchrm/one.mp4").await.refused(404, "SESSION_NOT_FOUND");
    let scheduled = create(&app, CONSENTED, true).await.expect(201).text("roomName");
    finished(&app, &scheduled, &format!("{scheduled}/one.mp4")).await.refused(409, "INVALID_STATUS_TRANSITION");
    finished(&app, &room, &format!("{room}/o ne.mp4")).await.names_field("files[0].storageKey");
    finished(&app, &room, &format!("{room}/{}", "x".repeat(513))).await.names_field("files[0].storageKey");
    finished(&app, "No Room", "x").await.names_field("room");
    let told =
        async |files: Value| app.tell("//internal/jibri/recordings", &json!({"room": room, "files": files})).await;
    told(json!([{"name": "a", "size": 1, "sha256": "x"}])).await.names_field("files[0].sha256");
    told(json!([{"name": "a", "size": -1, "sha256": "0".repeat(64)}])).await.names_field("files[0].size");
    told(json!(vec![json!({"name": "a", "size": 1, "sha256": "0".repeat(64)}); 21])).await.names_field("files");
    app.tell("//internal/jibri/recordings", &json!({"room": room})).await.names_field("files");
    assert!(app.events_of("virtual_care.session.recording.available.v1").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_lies_below_its_tenant_and_its_room_and_nowhere_else() {
    let app = TestApp::start().await;
    let (visit, room) = recorded_visit(&app).await;
    let elsewhere = [
        "one.mp4".to_owned(),
        "hosp-herat/evil.mp4".to_owned(),
        format!("hosp-herat/{room}/evil.mp4"),
        format!("jibri/{room}/evil.mp4"),
        format!("/{room}/evil.mp4"),
        format!("./{room}/evil.mp4"),
        format!("{room}x/evil.mp4"),
        format!("{room}-2/evil.mp4"),
        room.clone(),
        format!("{room}/"),
        format!("{room}//evil.mp4"),
        format!("{room}/../hosp-herat/evil.mp4"),
        format!("{room}/a/../../hosp-herat/evil.mp4"),
        format!("{room}/."),
        format!("{room}/a/.."),
        format!("{room}/a/"),
        format!("{}/evil.mp4", room.to_uppercase()),
    ];
    for key in &elsewhere {
        finished(&app, &room, key).await.names_field("files[0].storageKey");
    }
    // A file's own name leads nowhere else, either.
    let file = |name: &str| json!({"name": name, "size": 1, "sha256": "0".repeat(64)});
    for name in ["../evil.mp4", "a/../../evil.mp4", "", "/evil.mp4"] {
        let told = json!({"room": room, "files": [file("good.mp4"), file(name)]});
        app.tell("//internal/jibri/recordings", &told).await.names_field("files[1].storageKey");
    }
    assert_eq!(app.read(&visit).await["recordingRef"], Value::Null);
    let told = json!({"room": room.to_uppercase(), "files": [file("good.mp4")]});
    app.tell("//internal/jibri/recordings", &told).await.expect(204);
    assert_eq!(app.read(&visit).await["recordingRef"], format!("{room}/good.mp4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_shared_jitsi_a_recording_lies_below_its_tenants_path_segment() {
    let app = TestApp::start().await;
    crate::rooms::settings(&app, TENANT, |draft| draft.jitsi_tenant = Some("kabul-clinic".to_owned())).await;
    let (visit, room) = recorded_visit(&app).await;
    let told = async |key: String| {
        let file = json!({"name": "a.mp4", "size": 1, "sha256": "0".repeat(64), "storageKey": key});
        let body = json!({"room": room, "tenant": "Kabul-Clinic", "files": [file]});
        app.tell("//internal/jibri/recordings", &body).await
    };
    for key in [format!("{room}/a.mp4"), format!("herat-clinic/{room}/a.mp4"), "kabul-clinic/a.mp4".to_owned()] {
        told(key).await.names_field("files[0].storageKey");
    }
    told(format!("kabul-clinic/{room}/session-1/a.mp4")).await.expect(204);
    assert_eq!(app.read(&visit).await["recordingRef"], format!("kabul-clinic/{room}/session-1/a.mp4"));
}
