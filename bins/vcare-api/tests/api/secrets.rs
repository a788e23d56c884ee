//! Keys in a cloud KMS and secrets that tenants bring: visits with them, without it, and where a secret must not be found.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use time::Duration;
use vcare_api::problem::Problem;
use vcare_app::AppError;
use vcare_app::ports::{KeyPurpose, Secret, SecretName};
use vcare_testkit::{KmsKey, KmsKind, KmsServer};

use crate::support::{OTHER_TENANT, Program, TENANT, TestApp, Visit, scope};

const BROUGHT: &str = "brought-by-kabul-0123456789-abcdefghij";

/// A server that speaks like AWS KMS, and the settings for two keys in it.
pub async fn kms(deadline_ms: u32) -> (KmsServer, String) {
    let server = KmsServer::start(KmsKind::Ministack).await.unwrap();
    let key = server.create_key("eu-central-1", KmsKey::Sealing).await.unwrap();
    let mac = server.create_key("eu-central-1", KmsKey::Mac).await.unwrap();
    let settings = format!(
        r#"
        kms.provider = "aws"
        kms.region = "eu-central-1"
        kms.key_id = "{key}"
        kms.mac_key_id = "{mac}"
        kms.endpoint_url = "{}"
        kms.access_key_id = "test"
        kms.secret_access_key = "test"
        kms.deadline_ms = {deadline_ms}
        kms.attempt_deadline_ms = {deadline_ms}
        "#,
        server.url()
    );
    (server, settings)
}

async fn bring(app: &TestApp, value: &str) -> Result<u32, AppError> {
    app.app.set_secret(&scope(TENANT), SecretName::JitsiJwtSecret, &Secret::new(value)).await
}

/// The video token in an address.
pub fn video_token(url: &str) -> &str {
    url.split("%22").nth(1).unwrap()
}

fn signed_with(secret: &str, url: &str) -> bool {
    vcare_jose::hs256::verify::<serde_json::Value>(secret.as_bytes(), video_token(url)).is_ok()
}

/// In none of the ways in which it could be written down.
pub fn must_not_hold(text: &str, place: &str, secret: &[u8]) {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let plain = String::from_utf8_lossy(secret).into_owned();
    for form in [plain, hex, STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret)] {
        if let Some(line) = text.lines().find(|line| line.contains(&form)) {
            panic!("a secret stands in {place}: {line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_kms_down_visits_of_tenants_in_use_go_on_and_nothing_is_half_written() {
    let (mut kms, settings) = kms(5000).await;
    let app = TestApp::start_with(&settings).await;
    let (visit, link) = app.active_visit().await;
    let before = app.join(&link).await.expect(200);
    assert_eq!(before.body["destination"], "direct_join");
    let events = app.events().await.len();

    kms.kill();
    app.clock.advance(Duration::minutes(6));
    let during = app.join(&link).await.expect(200);
    assert_eq!(during.body["destination"], "direct_join", "{}", during.body);
    app.read(&visit).await;
    app.end(&visit).await.expect(200);

    // Who was not in use is told to come again.
    let token = app.token_of(OTHER_TENANT, "clinician-2", "clinician");
    let other = Visit::of(&app.post(&token, "/sessions", &app.wish()).await.expect(201).body);
    let path = other.path(&format!("/participants/{}/join-token", other.patient));
    let refused = app.post(&token, &path, &json!({})).await.refused(503, "SERVICE_UNAVAILABLE");
    let told = String::from_utf8(refused.bytes).unwrap();
    assert!(!told.contains("kms") && !told.contains("arn:"), "{told}");

    let refused = bring(&app, BROUGHT).await.unwrap_err();
    assert!(matches!(refused, AppError::Secrets(_)), "{refused:?}");
    assert_eq!(Problem::from(refused).code(), "SERVICE_UNAVAILABLE");
    assert_eq!(app.count("tenant_secret").await, 0);
    let new: Vec<_> = app.events().await.split_off(events);
    assert!(new.iter().all(|event| event["type"] != "virtual_care.audit.recorded.v1"), "{new:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brought_secret_signs_video_tokens_and_stands_in_no_event_and_no_row() {
    let (_kms, settings) = kms(20_000).await;
    let app = TestApp::start_with(&settings).await;
    let managed = app.app.reveal_jitsi_secret(&scope(TENANT), false).await.unwrap().unwrap().1;
    let managed = String::from_utf8(managed.expose().to_vec()).unwrap();
    let (_, link) = app.active_visit().await;
    assert!(signed_with(&managed, &app.join(&link).await.expect(200).text("url")));
    assert_eq!(bring(&app, BROUGHT).await.unwrap(), 1);
    let brought = app.join(&link).await.expect(200).text("url");
    assert!(signed_with(BROUGHT, &brought), "at once in the process that set it");

    let dump = app.database.dump().await.unwrap();
    assert!(dump.contains("COPY public.tenant_secret") && app.count("tenant_secret").await == 1, "{dump}");
    let events = serde_json::to_string(&app.events().await).unwrap();
    assert!(events.contains("SECRET_SET") && events.contains("SECRET_REVEALED"), "{events}");
    for (text, place) in [(&dump, "the database"), (&events, "an event")] {
        must_not_hold(text, place, BROUGHT.as_bytes());
        must_not_hold(text, place, managed.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_secret_is_said_without_it() {
    let app = TestApp::start().await;
    for value in ["", "0123456789", &"s".repeat(65_536), &format!("{BROUGHT}\0")] {
        let refused = bring(&app, value).await.unwrap_err();
        let problem = Problem::from(refused);
        assert_eq!(problem.code(), "VALIDATION_ERROR");
        let told = format!("{problem:?}");
        assert!(told.contains("jitsiJwtSecret") && !told.contains(BROUGHT), "{told}");
    }
    assert_eq!(app.count("tenant_secret").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_set_a_secret_at_once_both_are_written_one_after_the_other() {
    let app = TestApp::start().await;
    let other = BROUGHT.replace("brought", "BROUGHT");
    let (first, second) = tokio::join!(bring(&app, BROUGHT), bring(&app, &other));
    let mut versions = [first.unwrap(), second.unwrap()];
    versions.sort_unstable();
    assert_eq!(versions, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_join_key_keeps_the_links_that_were_sent_until_it_is_retired() {
    let app = TestApp::start().await;
    let (visit, first) = app.waiting_visit().await;
    app.app.rotate_key(&scope(TENANT), KeyPurpose::JoinKey).await.unwrap();
    app.join(&first).await.expect(200);
    app.app.retire_key(&scope(TENANT), KeyPurpose::JoinKey).await.unwrap();
    app.join(&first).await.refused(401, "TOKEN_INVALID");
    let second = app.join_token(&visit).await;
    app.join(&second).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_secret_is_logged_however_much_is() {
    let (_kms, settings) = kms(20_000).await;
    let mut app = Program::start(&format!("{settings}\nlog.filter = \"trace\"")).await;
    let managed = app.app.reveal_jitsi_secret(&scope(OTHER_TENANT), false).await.unwrap().unwrap().1;
    bring(&app, BROUGHT).await.unwrap();
    let (_, link) = app.active_visit().await;
    assert!(signed_with(BROUGHT, &app.join(&link).await.expect(200).text("url")));
    // The other tenant's is derived.
    let token = app.token_of(OTHER_TENANT, "clinician-2", "clinician");
    let visit = Visit::of(&app.post(&token, "/sessions", &app.wish()).await.expect(201).body);
    let joined = app.post(&token, &visit.path("/join"), &json!({})).await.expect(200).text("videoJoinUrl");
    let managed = managed.expose();
    assert!(signed_with(std::str::from_utf8(managed).unwrap(), &joined));
    let metrics = app.metrics().await;
    for operation in ["derive", "open"] {
        let counted = format!(r#"vcare_kms_requests_total{{operation="{operation}",outcome="ok"}}"#);
        assert!(metrics.contains(&counted), "{metrics}");
    }

    app.process.stop().await;
    let log = std::fs::read_to_string(app.process.log_file()).unwrap();
    assert!(log.contains("\"TRACE\""));
    for (text, place) in [(&log, "the log"), (&metrics, "the metrics")] {
        must_not_hold(text, place, BROUGHT.as_bytes());
        // Its text, and the key that KMS derived.
        must_not_hold(text, place, managed);
        must_not_hold(text, place, &URL_SAFE_NO_PAD.decode(managed).unwrap());
    }
}
