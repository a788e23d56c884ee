//! Which consents a visit relied on is kept: proof for as long as the visit is kept.

use serde_json::{Value, json};
use vcare_testkit::{Consents, Mode, Name};

use crate::support::{CONSENTED, NO_CONSENT, TestApp, audio, draft};

/// Gate, holder, consent, version and visit of each row, oldest first.
async fn evidence(app: &TestApp) -> Vec<[String; 5]> {
    let query =
        "SELECT gate, holder_kind || ' ' || holder_id, coalesce(consent_id, '-'), coalesce(consent_version, '-'), visit
                 FROM consent_evidence ORDER BY relied_on_at, gate, 2, 4";
    let rows = app.database.rows(query, &[]).await.unwrap();
    rows.iter().map(|row| std::array::from_fn(|column| row.get(column))).collect()
}

/// The audit entries about consents that were relied on.
async fn entries(app: &TestApp) -> Vec<Value> {
    let all = app.all_events().await;
    all.into_iter().map(|event| event["data"].clone()).filter(|data| data["eventType"] == "CONSENT_RELIED_ON").collect()
}

fn row(gate: &str, holder: &str, version: &str, visit: &str) -> [String; 5] {
    let id = holder.split(' ').next_back().unwrap();
    [gate, holder, &format!("{gate}-{id}"), version, visit].map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_each_consent_that_it_was_created_with_and_audits_it() {
    let app = TestApp::start().await;
    let mut body = app.wish();
    body["recordingEnabled"] = json!(true);
    let created = app.post(&app.token("clinician"), "/sessions", &body).await.expect(201).body;
    let (id, patient) = (created["id"].as_str().unwrap(), format!("patient {CONSENTED}"));
    assert_eq!(
        evidence(&app).await,
        [row("recording_consent", &patient, "1", id), row("telehealth_consent", &patient, "1", id)]
    );
    let entries = entries(&app).await;
    assert_eq!(entries.len(), 2);
    assert_eq!(
        entries[0],
        json!({
            "eventType": "CONSENT_RELIED_ON", "actorId": "clinician-1", "actorType": "USER",
            "resourceType": "VirtualSession", "resourceId": id, "action": "EVALUATE", "outcome": "SUCCESS",
            "metadata": {
                "gate": "telehealth_consent", "holder": "patient", "consentId": format!("telehealth_consent-{CONSENTED}"),
                "consentVersion": "1", "consentedAt": "2026-01-15T08:00:00.000Z",
            },
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_relies_on_nothing_more_and_a_refused_one_on_nothing() {
    let app = TestApp::start().await;
    let (clinician, mut body) = (app.token("clinician"), app.wish());
    for _ in 0..2 {
        app.post_once(&clinician, "/sessions", &body, "key-1").await.expect(201);
    }
    body["appointmentId"] = json!("appt-0002");
    let both = tokio::join!(
        app.post_once(&clinician, "/sessions", &body, "key-2"),
        app.post_once(&clinician, "/sessions", &body, "key-2"),
    );
    assert_eq!((both.0.status, both.1.status), (201, 201));
    assert_eq!((evidence(&app).await.len(), entries(&app).await.len()), (2, 2));
    body["patientId"] = json!(NO_CONSENT);
    body["appointmentId"] = json!("appt-0003");
    app.post(&clinician, "/sessions", &body).await.refused(403, "CONSENT_REQUIRED");
    app.standins.set_mode(Name::Consent, Mode::DOWN);
    app.post(&clinician, "/sessions", &body).await.refused(503, "CONSENT_SERVICE_UNAVAILABLE");
    assert_eq!((evidence(&app).await.len(), entries(&app).await.len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_async_visit_keeps_the_consent_that_it_was_taken_with_once() {
    let app = TestApp::start().await;
    let draft = draft();
    let sent = app.post(&app.token("clinician"), "/async-visits", &draft).await.expect(201).body;
    app.post(&app.token("clinician"), "/async-visits", &draft).await;
    let patient = format!("patient {CONSENTED}");
    assert_eq!(evidence(&app).await, [row("telehealth_consent", &patient, "1", sent["id"].as_str().unwrap())]);
    assert_eq!(entries(&app).await[0]["resourceType"], "AsyncVisit");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_of_a_consent_to_transcription_is_kept_once_before_anything_is_sent() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let piece = async || app.transcribe(&app.token("clinician"), &visit, audio(500)).await;
    let ai = async || {
        evidence(&app).await.into_iter().filter(|row| row[0] == "ai_transcription_consent").collect::<Vec<_>>()
    };
    app.standins.set_mode(Name::Ai, Mode::DOWN);
    piece().await.refused(503, "AI_UNAVAILABLE");
    assert_eq!(ai().await.len(), 2, "of the patient and of the provider");
    app.standins.set_mode(Name::Ai, Mode::UP);
    for _ in 0..3 {
        piece().await.expect(200);
    }
    assert_eq!(ai().await.len(), 2);
    // Given again: another version.
    app.standins.set_consent(CONSENTED, Consents::ALL);
    piece().await.expect(200);
    let of_patient: Vec<String> = ai()
        .await
        .into_iter()
        .filter(|row| row[1].starts_with("patient"))
        .map(|[_, _, _, version, _]| version)
        .collect();
    assert_eq!(of_patient, ["1", "2"]);
    let audited = entries(&app).await;
    let audited = audited.iter().filter(|entry| entry["metadata"]["gate"] == "ai_transcription_consent");
    assert_eq!(audited.count(), 3);
}
