//! Closing the room of a visit that is over, and knowing whether it was closed.

use serde_json::{Value, json};
use vcare_testkit::standins::jitsi::EndMeeting;

use super::jitsi::{admitted, start};
use super::settings;
use crate::support::{Program, TENANT, TestApp, jitsi_secret};

/// How often rooms were closed, by what came of it.
async fn closes(app: &Program, outcome: &str) -> bool {
    app.metrics().await.contains(&format!("vcare_room_closes_total{{outcome=\"{outcome}\"}} 1\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_counted_as_closed_only_when_prosody_says_so_of_the_room() {
    let app = Program::start("").await;
    let (secret, prosody) = (jitsi_secret(TENANT).await, app.standins.prosody_url());
    let jitsi = app.standins.jitsi();
    jitsi.reconfigure(|jitsi| jitsi.app_secret = String::from_utf8(secret.expose().to_vec()).unwrap());
    for (outcome, prosody, end_meeting) in [
        ("no_endpoint", Some(&prosody), EndMeeting::Absent),
        ("failed", Some(&prosody), EndMeeting::SystemKeys),
        ("left_open", None, EndMeeting::HostSecret),
        ("closed", Some(&prosody), EndMeeting::HostSecret),
    ] {
        settings(&app, TENANT, |draft| draft.prosody_url = prosody.cloned()).await;
        jitsi.reconfigure(|jitsi| jitsi.end_meeting = end_meeting);
        let (visit, provider, _) = admitted(&app).await;
        let provider = jitsi.join(&provider).await.unwrap();
        app.end(&visit).await.expect(200);
        assert!(closes(&app, outcome).await, "{outcome}: {}", app.metrics().await);
        assert_eq!(jitsi.is_present(&provider), outcome != "closed", "{outcome}");
        assert_eq!(closes(&app, "closed").await, outcome == "closed", "{outcome}");
    }
    let log = std::fs::read_to_string(app.process.log_file()).unwrap();
    let told: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let told = told.iter().map(|line: &Value| line.to_string());
    let told: Vec<String> = told.filter(|line| line.contains("a room was not closed")).collect();
    assert!(told.len() == 2 && told[0].contains("no_endpoint"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_nobody_came_to_is_closed_when_its_visit_ends() {
    let app = Program::start("").await;
    let prosody = app.standins.prosody_url();
    settings(&app, TENANT, |draft| draft.prosody_url = Some(prosody)).await;
    let secret = jitsi_secret(TENANT).await;
    let host = String::from_utf8(secret.expose().to_vec()).unwrap();
    app.standins.jitsi().reconfigure(|jitsi| jitsi.app_secret = host);
    let (visit, _) = app.active_visit().await;
    app.end(&visit).await.expect(200);
    assert!(closes(&app, "closed").await, "404 of the room: {}", app.metrics().await);
}

async fn end_meeting(app: &TestApp) -> Value {
    let report = app.post(&app.token("tenant_admin"), "/config/test-connection", &json!({})).await.expect(200).body;
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == "end_meeting").cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_rooms_can_be_closed_is_tried_without_closing_one() {
    let app = start().await;
    let (_, provider, _) = admitted(&app).await;
    let jitsi = app.standins.jitsi();
    let provider = jitsi.join(&provider).await.unwrap();
    assert_eq!(end_meeting(&app).await, json!({"check": "end_meeting", "ok": true}));
    for (fault, said) in [(EndMeeting::Absent, "has no /end-meeting"), (EndMeeting::SystemKeys, "does not take")] {
        jitsi.reconfigure(|jitsi| jitsi.end_meeting = fault);
        let check = end_meeting(&app).await;
        assert!(check["ok"] == false && check["message"].as_str().unwrap().contains(said), "{check}");
    }
    assert!(jitsi.is_present(&provider), "who is in a room stays there");
    settings(&app, TENANT, |draft| draft.prosody_url = Some("http://127.0.0.1:1".to_owned())).await;
    assert_eq!(end_meeting(&app).await["setting"], "prosodyUrl");
    settings(&app, TENANT, |draft| draft.prosody_url = None).await;
    assert_eq!(end_meeting(&app).await, Value::Null, "where nobody said where, nothing is tried");
}
