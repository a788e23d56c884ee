//! The whole way through Jitsi: login, reservation, room, presence, end. The stand-in refuses what real Prosody refuses.

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::standins::jitsi::{Address, EndMeeting, EventSync, JicofoHealth, Refusal, Reservations, Settings};
use vcare_testkit::{Mode, Name};

use super::settings;
use crate::described::operations;
use crate::support::{INTERNAL_TOKEN, TENANT, TestApp, Visit, jitsi_secret};

/// A service whose tenant's Jitsi asks it and tells it, as `deploy/jitsi` sets it up.
pub async fn start() -> TestApp {
    let app = TestApp::start().await;
    let (secret, token) = (jitsi_secret(TENANT).await, app.internal_token(TENANT, 1).await);
    app.standins.jitsi().configure(Settings {
        app_secret: String::from_utf8(secret.expose().to_vec()).unwrap(),
        reservations: Some(Reservations::at(app.url("/internal/jitsi"), &token)),
        event_sync: Some(EventSync::at(app.url("/internal/jitsi"), &token)),
        clock: app.clock.clone(),
        ..Settings::default()
    });
    let (jicofo, prosody) = (app.standins.jicofo_url(), app.standins.prosody_url());
    settings(&app, TENANT, |draft| {
        draft.prosody_url = Some(prosody);
        draft.jicofo_health_url = Some(format!("{jicofo}/about/health"));
    })
    .await;
    app
}

/// A visit whose patient was admitted; the addresses that provider and patient were given.
pub async fn admitted(app: &TestApp) -> (Visit, String, String) {
    let (visit, token) = app.waiting_visit().await;
    let provider = app.admit(&visit).await.expect(200).text("videoJoinUrl");
    let patient = app.join(&token).await.expect(200).text("url");
    (visit, provider, patient)
}

async fn states(app: &TestApp, visit: &Visit) -> (Value, Value) {
    let state = async |id: &str| app.participant(visit, id).await["status"].clone();
    (state(&visit.provider).await, state(&visit.patient).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn us_007_provider_and_patient_meet_in_a_room_that_opens_for_their_tokens_alone() {
    let app = start().await;
    let (visit, provider, patient) = admitted(&app).await;
    let jitsi = app.standins.jitsi();
    let provider = jitsi.join(&provider).await.unwrap();
    let seen = jitsi.join(&patient).await.unwrap();
    assert!(provider.moderator && !seen.moderator, "the provider moderates, the patient never does");
    assert!(!provider.may("recording") && !seen.may("recording"), "nobody asked for a recording");
    assert_eq!(states(&app, &visit).await, (json!("active"), json!("active")));
    app.clock.advance(Duration::MINUTE);
    assert!(jitsi.leave(&seen).await);
    assert_eq!(states(&app, &visit).await, (json!("active"), json!("disconnected")));
    jitsi.join(&patient).await.unwrap();
    assert_eq!(states(&app, &visit).await, (json!("active"), json!("active")));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_visit_ends_its_room_is_closed_and_its_addresses_open_nothing() {
    let app = start().await;
    let (visit, provider, patient) = admitted(&app).await;
    let jitsi = app.standins.jitsi();
    jitsi.join(&provider).await.unwrap();
    jitsi.join(&patient).await.unwrap();
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    assert!(jitsi.rooms().is_empty(), "everybody was sent out");
    for address in [&provider, &patient] {
        let refused = jitsi.join(address).await.unwrap_err();
        assert_eq!((refused.condition, refused.text.as_str()), ("service-unavailable", "This visit is over."));
        assert_eq!(refused.reservation_error, Some(403));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_ends_although_prosody_does_not_hear_of_it() {
    let app = start().await;
    settings(&app, TENANT, |draft| draft.prosody_url = Some("http://127.0.0.1:1".to_owned())).await;
    let (visit, provider, _) = admitted(&app).await;
    app.standins.jitsi().join(&provider).await.unwrap();
    app.clock.advance(Duration::MINUTE);
    let ended = app.end(&visit).await.expect(200);
    assert_eq!((&ended.body["status"], &ended.body["encounterStatus"]), (&json!("ended"), &json!("created")));
}

/// Only creating a visit asks whether its Jitsi is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_exists_goes_on_while_its_jitsi_is_down() {
    let app = start().await;
    let (visit, token) = app.waiting_visit().await;
    app.standins.set_mode(Name::Jitsi, Mode::DOWN);
    let address = app.admit(&visit).await.expect(200).text("videoJoinUrl");
    app.join(&token).await.expect(200);
    app.clock.advance(Duration::MINUTE);
    app.standins.set_mode(Name::Jitsi, Mode::UP);
    app.standins.jitsi().join(&address).await.unwrap();
    app.standins.set_mode(Name::Jitsi, Mode::DOWN);
    app.end(&visit).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconnect_late_in_the_visit_needs_no_new_token() {
    let app = start().await;
    let (_, provider, patient) = admitted(&app).await;
    let jitsi = app.standins.jitsi();
    jitsi.join(&provider).await.unwrap();
    // Planned to end in an hour, with an hour of grace.
    app.clock.advance(Duration::minutes(119));
    jitsi.join(&patient).await.unwrap();
    app.clock.advance(Duration::minutes(2));
    let expired = jitsi.join(&patient).await.unwrap_err();
    assert!(expired.text.starts_with("Not acceptable by exp"), "{expired}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_people_get_into_a_room_than_its_tenant_allows() {
    let app = start().await;
    settings(&app, TENANT, |draft| draft.max_participants = 2).await;
    let (_, provider, patient) = admitted(&app).await;
    let jitsi = app.standins.jitsi();
    jitsi.join(&provider).await.unwrap();
    jitsi.join(&patient).await.unwrap();
    let full = jitsi.join(&patient).await.unwrap_err();
    assert_eq!(full.condition, "service-unavailable", "{full}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_tenants_that_share_a_jitsi_each_opens_its_own_rooms_alone() {
    let app = start().await;
    settings(&app, TENANT, |draft| draft.jitsi_tenant = Some("kabul-clinic".to_owned())).await;
    let secret = String::from_utf8(jitsi_secret(TENANT).await.expose().to_vec()).unwrap();
    let other = String::from_utf8(jitsi_secret("hosp-herat").await.expose().to_vec()).unwrap();
    app.standins.jitsi().reconfigure(|settings| {
        let secrets = [("kabul-clinic".to_owned(), secret), ("herat-clinic".to_owned(), other)];
        settings.tenant_secrets = Some(secrets.into());
    });
    let (_, provider, _) = admitted(&app).await;
    app.standins.jitsi().join(&provider).await.unwrap();
    let address = Address::parse(&provider).unwrap();
    let elsewhere = Address::new(Some("herat-clinic"), &address.room, address.token.as_deref());
    let refused: Refusal = app.standins.jitsi().enter(&elsewhere).await.unwrap_err();
    assert_eq!(refused.text, "Invalid signature");
}

/// Every route there is, and nobody lets the patient in.
#[tokio::test(flavor = "multi_thread")]
async fn no_route_gives_a_patient_a_video_token_before_somebody_admits_them() {
    let app = start().await;
    let (visit, join_token) = app.waiting_visit().await;
    let patient = app.token("patient");
    let mut tried = 0;
    for operation in operations() {
        // These decide on the patient; everything else is asked for by the patient themselves and by everybody around.
        if ["admitParticipant", "endSession", "cancelSession", "removeParticipant"].contains(&operation.id.as_str()) {
            continue;
        }
        let own = app.internal_token(TENANT, 1).await;
        for token in [&join_token, &patient, &app.token("clinician"), &INTERNAL_TOKEN.to_owned(), &own] {
            let mut body = operation.good_body_or_none(&app.wish()).unwrap_or_default();
            if operation.id == "joinSession" {
                body = json!({"token": join_token});
            }
            let mut path = operation.path(&visit.id, &visit.patient);
            if operation.id == "joinSessionByGet" {
                path = format!("{path}?token={join_token}");
            }
            let request = app.request(operation.method.clone(), &path).bearer_auth(token);
            let request = request.header("Content-Type", "application/json").body(body.to_string());
            let answer = app.send(request).await;
            let text = String::from_utf8_lossy(&answer.bytes);
            // The clinician's own address is theirs, and names them.
            for url in text.split('"').filter(|text| text.contains("#jwt=")) {
                let login = app.standins.jitsi().opens(url).unwrap();
                assert_eq!(login.user_id(), Some(visit.provider.as_str()), "{}", operation.id);
            }
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried}");
    let still = app.join_status(&join_token).await;
    assert!(still.status == 401 || still.body["destination"] == "waiting_room", "{}", still.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_007_without_a_bridge_that_works_no_session_is_created() {
    let app = start().await;
    for health in [JicofoHealth::Soft, JicofoHealth::Hard, JicofoHealth::NotEnabled] {
        app.standins.jitsi().reconfigure(|settings| settings.jicofo = health);
        let refused = app.post(&app.token("clinician"), "/sessions", &app.wish()).await;
        refused.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
    }
    assert_eq!(app.count("virtual_session").await, 0);
    app.standins.jitsi().reconfigure(|settings| settings.jicofo = JicofoHealth::Ok);
    app.post(&app.token("clinician"), "/sessions", &app.wish()).await.expect(201);
}

async fn test_connection(app: &TestApp) -> Value {
    app.send(app.request(Method::POST, "/config/test-connection").bearer_auth(app.token("tenant_admin")))
        .await
        .expect(200)
        .body
}

#[tokio::test(flavor = "multi_thread")]
async fn us_010_a_connection_that_works_is_healthy_and_says_how_long_it_took() {
    let app = start().await;
    let report = test_connection(&app).await;
    assert_eq!(report["healthy"], true, "{report}");
    assert!(report["latencyMs"].is_u64());
    let checks: Vec<_> = report["checks"].as_array().unwrap().iter().map(|check| check["check"].clone()).collect();
    assert_eq!(checks, [json!("web"), json!("login"), json!("bridge"), json!("end_meeting")]);
    assert!(app.standins.jitsi().rooms().is_empty(), "it opened no room");
}

/// What is wrong with a Jitsi.
type Fault = fn(&mut Settings);

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_work_names_the_setting_to_look_at() {
    let app = start().await;
    let right = app.standins.jitsi().settings();
    let wrong: [(&str, Value, Fault); 10] = [
        ("login", json!("jitsiXmppDomain"), |jitsi| jitsi.xmpp_domain = "meet.example".to_owned()),
        ("login", json!("jitsiAppId"), |jitsi| jitsi.accepted_issuers = vec!["another".to_owned()]),
        ("login", json!("jitsiAudience"), |jitsi| jitsi.accepted_audiences = vec!["another".to_owned()]),
        ("login", json!("jitsiJwtSecret"), |jitsi| jitsi.app_secret = "another-secret-of-the-right-length".to_owned()),
        ("login", json!(null), |jitsi| jitsi.tenant_secrets = Some([].into())),
        ("bridge", json!("jicofoHealthUrl"), |jitsi| jitsi.jicofo = JicofoHealth::NotEnabled),
        ("bridge", json!(null), |jitsi| jitsi.jicofo = JicofoHealth::Soft),
        ("bridge", json!(null), |jitsi| jitsi.jicofo = JicofoHealth::Hard),
        ("end_meeting", json!("prosodyUrl"), |jitsi| jitsi.end_meeting = EndMeeting::Absent),
        ("end_meeting", json!(null), |jitsi| jitsi.end_meeting = EndMeeting::SystemKeys),
    ];
    for (check, setting, change) in wrong {
        app.standins.jitsi().configure(right.clone());
        app.standins.jitsi().reconfigure(change);
        let report = test_connection(&app).await;
        assert_eq!(report["healthy"], false, "{report}");
        let failed: Vec<&Value> =
            report["checks"].as_array().unwrap().iter().filter(|one| one["ok"] == false).collect();
        assert_eq!(failed.len(), 1, "{report}");
        assert_eq!((failed[0]["check"].as_str(), &failed[0]["setting"]), (Some(check), &setting), "{report}");
        assert!(failed[0]["message"].is_string());
    }
    app.standins.jitsi().configure(right);
    app.standins.set_mode(Name::Jitsi, Mode::DOWN);
    let report = test_connection(&app).await;
    assert_eq!(report["checks"][0]["setting"], "jitsiServerUrl", "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_settings_is_told_so() {
    let app = start().await;
    let admin = app.token_of("hosp-nowhere", "admin-1", "tenant_admin");
    let answer = app.send(app.request(Method::POST, "/config/test-connection").bearer_auth(admin)).await.expect(200);
    assert_eq!(answer.body["healthy"], false);
    assert_eq!(answer.body["checks"][0]["check"], "configuration");
}
