//! VCARE-US-008: what a link is used for, and what that means for the visit.

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use tokio::task::JoinSet;
use vcare_testkit::standins::jitsi::Release;
use vcare_testkit::until;

use crate::support::{Answer, CONSENTED, OTHER_TENANT, TENANT, TestApp, Visit, jitsi_secret};

const LINK_CHANGED: &str = "virtual_care.session.participant.link_changed.v1";
const MODE_CHANGED: &str = "virtual_care.session.media_mode.changed.v1";

/// A link of so many kbit/s that is good in every other way.
fn kbps(kbps: f64) -> Value {
    json!({"rttMs": 120, "lossPercent": 0.5, "upKbps": kbps, "downKbps": kbps})
}

impl TestApp {
    async fn probe(&self, token: &str, body: &Value) -> Answer {
        self.post(token, "/sessions/join/link-probe", body).await
    }

    async fn probe_as(&self, token: &str, visit: &Visit, body: &Value) -> Answer {
        self.post(token, &visit.path("/link-probe"), body).await
    }

    /// The medium and cause of each segment.
    async fn held(&self, visit: &Visit) -> Vec<(String, String)> {
        let read = self.read(visit).await;
        let text = |segment: &Value, field: &str| segment[field].as_str().unwrap().to_owned();
        read["segments"].as_array().unwrap().iter().map(|one| (text(one, "mode"), text(one, "cause"))).collect()
    }
}

fn segments(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(mode, cause)| ((*mode).to_owned(), (*cause).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_probe_is_answered_with_a_medium_a_cap_and_why_and_slow_is_never_an_error() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let slow = json!({"rttMs": 600_000, "lossPercent": 100, "upKbps": 0, "downKbps": 0});
    let answer = app.probe(&token, &slow).await.expect(200);
    assert_eq!(answer.body, json!({"mode": "message", "capKbps": 0, "reason": "delay"}));
    let answer = app.probe(&token, &kbps(100.0)).await.expect(200);
    assert_eq!(answer.body, json!({"mode": "message", "capKbps": 0, "reason": "recovering"}));
    let answer = app.probe(&token, &kbps(100.0)).await.expect(200);
    assert_eq!(answer.body, json!({"mode": "audio", "capKbps": 30, "reason": "bandwidth"}));
    assert!(answer.bytes.len() <= 100);
    assert_eq!(app.participant(&visit, &visit.patient).await["link"], json!({"mode": "audio", "capKbps": 30}));
    assert_eq!(app.participant(&visit, &visit.provider).await["link"], Value::Null);
    let told = app.events_of(LINK_CHANGED).await;
    let modes: Vec<&Value> = told.iter().map(|event| &event["data"]["mode"]).collect();
    assert_eq!(modes, ["message", "audio"]);
    assert_eq!(told[0]["actorid"], visit.patient);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_patient_at_60_kbps_neither_sends_nor_is_sent_video_by_an_old_jitsi_or_a_new_one() {
    let app = TestApp::start().await;
    let secret = jitsi_secret(TENANT).await;
    app.standins.jitsi().reconfigure(|jitsi| {
        jitsi.app_secret = String::from_utf8(secret.expose().to_vec()).unwrap();
        jitsi.clock = app.clock.clone();
    });
    let (visit, token) = app.waiting_visit().await;
    app.probe(&token, &kbps(60.0)).await.expect(200);
    app.admit(&visit).await.expect(200);
    for release in Release::ALL {
        app.standins.jitsi().reconfigure(|jitsi| jitsi.release = release);
        let url = app.join(&token).await.expect(200).text("url");
        let patient = app.standins.jitsi().join(&url).await.unwrap();
        assert!(!patient.page.sends_video && !patient.page.receives_video, "{release:?}: {:?}", patient.page);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_changes_nothing_writes_nothing_and_raises_no_version() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    app.probe(&token, &kbps(300.0)).await.expect(200);
    let known = async || (app.read(&visit).await["version"].clone(), app.events().await.len());
    let before = known().await;
    let written = "SELECT xmin::text, ctid::text FROM link_state";
    let row = app.database.query_one(written, &[]).await.unwrap();
    for _ in 0..50 {
        app.clock.advance(Duration::MINUTE);
        app.probe(&token, &kbps(310.0)).await.expect(200);
    }
    assert_eq!(known().await, before);
    let again = app.database.query_one(written, &[]).await.unwrap();
    let place = |row: &vcare_testkit::postgres::tokio_postgres::Row| (row.get::<_, String>(0), row.get::<_, String>(1));
    assert_eq!(place(&again), place(&row));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_good_probe_is_remembered_and_is_no_change_of_the_visit() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    app.probe(&token, &kbps(100.0)).await.expect(200);
    let before = app.read(&visit).await;
    assert_eq!(app.probe(&token, &kbps(300.0)).await.expect(200).body["reason"], "recovering");
    assert_eq!(app.read(&visit).await, before);
    // In whatever process the next one is heard: what is known is in the database.
    assert_eq!(app.probe(&token, &kbps(300.0)).await.expect(200).body["mode"], "video");
    assert_ne!(app.read(&visit).await["version"], before["version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_begins_in_what_the_links_carry_and_every_change_is_a_segment_with_its_cause() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let clinician = app.token("clinician");
    app.probe(&token, &kbps(100.0)).await.expect(200);
    app.probe_as(&clinician, &visit, &kbps(3000.0)).await.expect(200);
    app.admit(&visit).await.expect(200);
    assert_eq!(app.held(&visit).await, segments(&[("audio", "started")]));
    app.clock.advance(Duration::minutes(2));
    for _ in 0..2 {
        app.probe(&token, &kbps(400.0)).await.expect(200);
    }
    app.clock.advance(Duration::minutes(3));
    app.probe_as(&clinician, &visit, &kbps(5.0)).await.expect(200);
    app.clock.advance(Duration::minutes(4));
    let asked = json!({"rttMs": 120, "lossPercent": 0, "upKbps": 9000, "downKbps": 9000, "prefer": "audio"});
    for _ in 0..2 {
        app.probe_as(&clinician, &visit, &asked).await.expect(200);
    }
    let held = [("audio", "started"), ("video", "link_recovered"), ("message", "link_degraded"), ("audio", "chosen")];
    assert_eq!(app.held(&visit).await, segments(&held));
    let told = app.events_of(MODE_CHANGED).await;
    let causes: Vec<&Value> = told.iter().map(|event| &event["data"]["cause"]).collect();
    assert_eq!(causes, ["link_recovered", "link_degraded", "chosen"]);
    app.clock.advance(Duration::minutes(5));
    assert_eq!(app.end(&visit).await.expect(200).body["durationSeconds"], 840);
    let charge = app.only_event("virtual_care.billing.session_chargeable.v1").await;
    assert_eq!(charge["data"]["secondsPerMode"], json!({"video": 180, "audio": 420, "message": 240}));
    assert_eq!(charge["data"]["durationSeconds"], 840);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_less_gets_less_and_is_told_that_it_was_their_choice() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    app.clock.advance(Duration::SECOND);
    let mut asked = kbps(3000.0);
    asked["prefer"] = json!("message");
    let answer = app.probe(&token, &asked).await.expect(200);
    assert_eq!(answer.body, json!({"mode": "message", "capKbps": 0, "reason": "chosen"}));
    assert_eq!(app.held(&visit).await[1], ("message".to_owned(), "chosen".to_owned()));
    asked["prefer"] = json!("video");
    assert_eq!(app.probe(&token, &asked).await.expect(200).body["mode"], "video", "the link was good all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_addresses_of_the_room_are_made_for_what_the_links_carry() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let clinician = app.token("clinician");
    let plain = app.come(&clinician, &visit).await.expect(200).text("videoJoinUrl");
    assert!(!plain.contains("resolution") && !plain.contains("LowBandwidth"), "nobody has probed: {plain}");
    app.probe_as(&clinician, &visit, &kbps(3000.0)).await.expect(200);
    assert!(app.come(&clinician, &visit).await.expect(200).text("videoJoinUrl").ends_with("&config.resolution=720"));
    app.probe(&token, &kbps(300.0)).await.expect(200);
    let admitted = app.admit(&visit).await.expect(200).text("videoJoinUrl");
    assert!(admitted.ends_with("&config.resolution=180"), "what the patient can see is enough: {admitted}");
    app.probe(&token, &kbps(100.0)).await.expect(200);
    for url in [app.join(&token).await.expect(200).text("url"), app.come(&clinician, &visit).await.text("videoJoinUrl")]
    {
        assert!(url.ends_with("&config.startWithVideoMuted=true&config.channelLastN=0"), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_probes_at_once_are_heard_one_after_the_other() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    app.probe(&token, &kbps(5.0)).await.expect(200);
    let version = app.read(&visit).await["version"].as_u64().unwrap();
    let mut probes = JoinSet::new();
    for _ in 0..8 {
        let request = app.request(Method::POST, "/sessions/join/link-probe").bearer_auth(&token);
        let request = request.header("Content-Type", "application/json").body(kbps(300.0).to_string());
        probes.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    assert_eq!(probes.join_all().await, [200; 8]);
    assert_eq!(app.participant(&visit, &visit.patient).await["link"]["mode"], "video");
    assert_eq!(app.read(&visit).await["version"].as_u64().unwrap(), version + 1, "the link went up once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_contradictions_is_answered_and_changes_the_visit_ten_times_a_minute_at_most() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    let version = app.read(&visit).await["version"].as_u64().unwrap();
    let mut last = Value::Null;
    for n in 0..60 {
        last = app.probe(&token, &kbps(if n % 3 == 2 { 5.0 } else { 3000.0 })).await.expect(200).body;
    }
    assert_eq!(last["reason"], "too_often");
    let after = app.read(&visit).await;
    assert!(after["version"].as_u64().unwrap() <= version + 10, "{}", after["version"]);
    assert!(after["segments"].as_array().unwrap().len() <= 11);
    app.clock.advance(Duration::MINUTE);
    assert_ne!(app.probe(&token, &kbps(40.0)).await.expect(200).body["reason"], "too_often");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_no_link_has_are_named_and_nothing_else_is_done() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let before = app.read(&visit).await;
    let clinician = app.token("clinician");
    for (field, value) in [
        ("rttMs", json!(-1)),
        ("rttMs", json!(600_001)),
        ("lossPercent", json!(100.5)),
        ("lossPercent", json!(-0.001)),
        ("upKbps", json!(1e300)),
        ("downKbps", json!(-5)),
        ("downKbps", json!("NaN")),
        ("upKbps", json!(null)),
        ("rttMs", json!([1])),
        ("prefer", json!("telepathy")),
        ("prefer", json!(7)),
    ] {
        let mut body = kbps(300.0);
        body[field] = value;
        app.probe(&token, &body).await.names_field(field);
        app.probe_as(&clinician, &visit, &body).await.names_field(field);
    }
    let all = json!({"rttMs": -1, "lossPercent": 101, "upKbps": -1, "downKbps": -1, "prefer": "x"});
    let answer = app.probe(&token, &all).await.names_field("rttMs").names_field("lossPercent").names_field("prefer");
    answer.names_field("upKbps").names_field("downKbps");
    for raw in [
        r#"{"rttMs":NaN,"lossPercent":0,"upKbps":1,"downKbps":1}"#,
        r#"{"rttMs":1e999,"lossPercent":0,"upKbps":1,"downKbps":1}"#,
        r#"{"rttMs":-Infinity,"lossPercent":0,"upKbps":1,"downKbps":1}"#,
    ] {
        let request = app.request(Method::POST, "/sessions/join/link-probe").bearer_auth(&token);
        let request = request.header("Content-Type", "application/json").body(raw);
        app.send(request).await.names_field("body");
    }
    app.probe(&token, &json!({"rttMs": 1, "lossPercent": 0, "upKbps": 1})).await.names_field("downKbps");
    let mut more = kbps(300.0);
    more["battery"] = json!(5);
    app.probe(&token, &more).await.names_field("battery");
    assert_eq!((app.read(&visit).await, app.count("link_state").await), (before, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_of_more_than_three_hundred_bytes_is_too_long() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let sized = |size: usize| {
        let body = kbps(300.0).to_string();
        format!("{body}{}", " ".repeat(size - body.len()))
    };
    for (path, token) in
        [("/sessions/join/link-probe".to_owned(), token), (visit.path("/link-probe"), app.token("clinician"))]
    {
        for (size, status) in [(300, 200), (301, 413), (100_000, 413)] {
            let request =
                app.request(Method::POST, &path).bearer_auth(&token).header("Content-Type", "application/json");
            assert_eq!(app.send(request.body(sized(size))).await.status, status, "{size} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_probed_by_whose_it_is_and_by_nobody_else() {
    let app = TestApp::start().await;
    let (visit, old) = app.waiting_visit().await;
    let token = app.join_token(&visit).await;
    app.probe(&old, &kbps(300.0)).await.refused(401, "TOKEN_INVALID");
    app.probe("a.b.c", &kbps(300.0)).await.refused(401, "TOKEN_INVALID");
    let bare = app.request(Method::POST, "/sessions/join/link-probe").header("Content-Type", "application/json");
    app.send(bare.body(kbps(300.0).to_string())).await.refused(401, "TOKEN_INVALID");
    app.probe_as(&token, &visit, &kbps(300.0)).await.refused(401, "UNAUTHORIZED");
    app.probe(&app.token("clinician"), &kbps(300.0)).await.refused(401, "TOKEN_INVALID");

    // Another patient, another clinician of the tenant, and the same names in another tenant.
    let stranger = app.account(TENANT, "patient-2", "patient").patient("pat-somebody-else");
    let stranger = app.standins.issuer().token(&stranger);
    app.probe_as(&stranger, &visit, &kbps(5.0)).await.refused(404, "SESSION_NOT_FOUND");
    let other = app.token_of(TENANT, "clinician-2", "clinician");
    app.probe_as(&other, &visit, &kbps(5.0)).await.refused(404, "SESSION_NOT_FOUND");
    let outside = app.account(OTHER_TENANT, "clinician-1", "clinician").patient(CONSENTED);
    let outside = app.standins.issuer().token(&outside);
    app.probe_as(&outside, &visit, &kbps(5.0)).await.refused(404, "SESSION_NOT_FOUND");
    assert_eq!(app.count("link_state").await, 0);

    app.probe_as(&app.token("patient"), &visit, &kbps(100.0)).await.expect(200);
    assert_eq!(
        app.participant(&visit, &visit.patient).await["link"]["mode"],
        "audio",
        "by account, it is the same link"
    );
    app.probe(&token, &kbps(100.0)).await.expect(200);
    assert_eq!(app.count("link_state").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_put_out_has_no_link_and_a_visit_that_is_over_has_none_either() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    let patient = app.token("patient");
    app.remove(&visit, &visit.patient, "by mistake").await.expect(200);
    app.probe(&token, &kbps(300.0)).await.refused(401, "TOKEN_INVALID");
    app.probe_as(&patient, &visit, &kbps(300.0)).await.refused(409, "PARTICIPANT_REMOVED");
    let token = app.join_token(&visit).await;
    app.probe(&token, &kbps(300.0)).await.expect(200);
    app.end(&visit).await.expect(200);
    for answer in [app.probe(&token, &kbps(300.0)).await, app.probe_as(&patient, &visit, &kbps(5.0)).await] {
        let refused = answer.refused(409, "INVALID_STATUS_TRANSITION");
        assert_eq!(refused.body["currentStatus"], "ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_decides_what_a_link_must_be_good_for() {
    let app = TestApp::start().await;
    crate::rooms::settings(&app, TENANT, |draft| {
        (draft.link.video_min_kbps, draft.link.audio_min_kbps) = (1000, 200);
        draft.link.max_rtt_ms = 200;
    })
    .await;
    let (_, token) = app.waiting_visit().await;
    assert_eq!(app.probe(&token, &kbps(999.0)).await.expect(200).body["capKbps"], 200);
    let mut far = kbps(9000.0);
    far["rttMs"] = json!(200.5);
    assert_eq!(app.probe(&token, &far).await.expect(200).body["reason"], "delay");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_a_probe_is_to_be_tried_again() {
    let app = TestApp::start().await;
    let (_, token) = app.waiting_visit().await;
    app.lose_the_database().await;
    app.probe(&token, &kbps(300.0)).await.refused(503, "SERVICE_UNAVAILABLE");
    app.find_the_database().await;
    until("it is back", async || app.probe(&token, &kbps(300.0)).await.status == 200).await;
}
