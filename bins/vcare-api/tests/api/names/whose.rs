//! Whose clinic a link is of.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::Name;

use crate::support::{Answer, OTHER_TENANT, TENANT, TestApp};

impl TestApp {
    async fn put_config(&self, tenant: &str, body: &Value) -> Answer {
        let token = self.token_of(tenant, "admin-1", "tenant_admin");
        let request =
            self.request(Method::PUT, "/config").bearer_auth(token).header("Content-Type", "application/json");
        self.send(request.header("If-Match", "*").body(body.to_string())).await
    }

    async fn clinic(&self, link: &Value) -> Answer {
        let request = self.request(Method::POST, "/sessions/join/clinic").header("Content-Type", "application/json");
        self.send(request.body(link.to_string())).await
    }

    fn logo(&self, name: &str) -> Value {
        json!({"brandingLogoUrl": format!("{}/{name}", self.standins.jitsi_url().trim_end_matches('/'))})
    }
}

fn kabul() -> Value {
    json!({
        "clinicName": "کلینیک مادر و طفل", "clinicPhone": "+93 799 123 456", "brandingPrimaryColor": "#4080c0",
        "locale": "fa-AF",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_returns_the_clinics_name_number_colour_and_language_and_a_join_its_tag() {
    let app = TestApp::start().await;
    let saved = app.put_config(TENANT, &kabul()).await.expect(200).body;
    assert_eq!((&saved["clinicName"], &saved["clinicPhone"]), (&json!("کلینیک مادر و طفل"), &json!("+93799123456")));
    let event = app.events_of("virtual_care.config.updated.v1").await.pop().unwrap();
    assert_eq!(event["data"]["changedFields"], json!(["brandingPrimaryColor", "clinicName", "clinicPhone", "locale"]));
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    let clinic = app.clinic(&json!({"token": token})).await.expect(200).body;
    assert_eq!((&clinic["name"], &clinic["phone"]), (&saved["clinicName"], &saved["clinicPhone"]));
    assert_eq!((&clinic["locale"], clinic.get("logo")), (&json!("fa-AF"), None));
    // Dark enough to be read on white.
    assert_ne!(clinic["color"], "#4080c0");
    let joined = app.join(&token).await.expect(200).body;
    assert_eq!(joined["clinic"], clinic["tag"]);
    assert_eq!(joined["clinic"].as_str().unwrap().len(), 8);
    // Another setting, another tag; another tenant, another clinic.
    app.put_config(TENANT, &json!({"clinicPhone": "112"})).await.expect(200);
    let newer = app.clinic(&json!({"token": token})).await.expect(200).body;
    assert_eq!(newer["phone"], "112");
    assert_ne!(newer["tag"], clinic["tag"]);
    let other = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    app.standins.assign("clinician-1", crate::support::CONSENTED);
    let theirs = app.post(&other, "/sessions", &app.wish()).await.expect(201).body;
    let path = format!(
        "/sessions/{}/participants/{}/join-token",
        theirs["id"].as_str().unwrap(),
        theirs["participants"][0]["id"].as_str().unwrap()
    );
    let theirs = app.post(&other, &path, &json!({})).await.expect(201).text("joinToken");
    let theirs = app.clinic(&json!({"token": theirs})).await.expect(200).body;
    assert!(theirs.get("name").is_none() && theirs.get("phone").is_none(), "{theirs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_link_that_opens_nothing_any_more_still_learns_whom_to_call() {
    let app = TestApp::start().await;
    app.put_config(TENANT, &kabul()).await.expect(200);
    let visit = app.visit().await;
    let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let issue = async || app.post(&app.token("clinician"), &path, &json!({})).await.expect(201);
    let superseded = issue().await;
    let issued = issue().await;
    app.cancel(&visit, "power cut").await.expect(200);
    app.clock.advance(Duration::hours(5));
    for issued in [superseded, issued] {
        let code = issued.text("shortUrl").split_once('#').unwrap().1.to_owned();
        for link in [json!({"token": issued.text("joinToken")}), json!({"code": code})] {
            let clinic = app.clinic(&link).await.expect(200).body;
            assert_eq!(clinic["phone"], "+93799123456");
            assert!(!clinic.to_string().contains("pat-") && !clinic.to_string().contains("hosp-"), "{clinic}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_link_of_ours_returns_nothing() {
    let app = TestApp::start().await;
    let token = app.join_token(&app.visit().await).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other: String = signature.chars().rev().collect();
    for bad in [format!("{signed}.{other}"), "a.b.c".to_owned(), String::new(), "x".repeat(5000)] {
        app.clinic(&json!({"token": bad})).await.refused(401, "TOKEN_INVALID");
    }
    for bad in ["", "0000000000000000000000", "short", "' OR '1'='1 ........."] {
        app.clinic(&json!({"code": bad})).await.refused(401, "TOKEN_INVALID");
    }
    app.clinic(&json!({})).await.names_field("token");
    app.clinic(&json!({"token": token, "code": "0000000000000000000000"})).await.names_field("code");
    app.clinic(&json!({"token": token, "tenant": TENANT})).await.names_field("tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_clinic_that_cannot_be_are_refused_by_their_names() {
    let app = TestApp::start().await;
    for (field, bad) in [
        ("clinicName", json!("<b>Kabul</b>")),
        ("clinicName", json!("   ")),
        ("clinicName", json!("x".repeat(81))),
        ("clinicName", json!("Kabul\u{202E}")),
        ("clinicPhone", json!("*#06#")),
        ("clinicPhone", json!("tel:112")),
        ("clinicPhone", json!("")),
        ("clinicPhone", json!("+93")),
    ] {
        app.put_config(TENANT, &json!({field: bad})).await.names_field(field);
    }
    let saved = app.put_config(TENANT, &json!({"clinicPhone": "۰۷۹۹ ۱۲۳ ۴۵۶"})).await.expect(200).body;
    assert_eq!(saved["clinicPhone"], "0799123456");
    let saved = app.put_config(TENANT, &json!({"clinicPhone": null})).await.expect(200).body;
    assert_eq!(saved["clinicPhone"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_is_copied_when_it_is_set_and_not_fetched_when_a_page_is_opened() {
    let app = TestApp::start().await;
    let saved = app.put_config(TENANT, &app.logo("logo.png")).await.expect(200);
    assert_eq!(saved.header("branding-logo"), "copied");
    let token = app.join_token(&app.visit().await).await;
    let fetched = async || {
        let all = app.standins.requests(Name::Jitsi);
        all.iter().filter(|request| format!("{request:?}").contains("logo.png")).count()
    };
    assert_eq!(fetched().await, 1);
    let clinic = app.clinic(&json!({"token": token})).await.expect(200);
    let logo = clinic.text("logo");
    let copy = STANDARD.decode(logo.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
    assert!(copy.len() <= 2048 && clinic.bytes.len() < 3_500, "{} bytes", clinic.bytes.len());
    assert_eq!(fetched().await, 1, "nobody is asked when a page is opened");
    // The same again changes nothing; another address has no copy of this one.
    let version = saved.body["version"].clone();
    let same = app.put_config(TENANT, &app.logo("logo.png")).await.expect(200);
    assert_eq!((same.header("branding-logo"), &same.body["version"]), ("copied", &version));
    let svg = app.put_config(TENANT, &app.logo("logo.svg")).await.expect(200);
    assert_eq!(svg.header("branding-logo"), "not_a_picture");
    assert!(app.clinic(&json!({"token": token})).await.expect(200).body.get("logo").is_none());
    // A version before this one writes another address, and knows nothing of copies.
    app.put_config(TENANT, &app.logo("logo.png")).await.expect(200);
    let older = "UPDATE tenant_config SET branding_logo_url = 'https://other.example/logo.png', version = version + 1";
    app.database.execute(older, &[]).await.unwrap();
    assert!(app.clinic(&json!({"token": token})).await.expect(200).body.get("logo").is_none());
    let none = app.put_config(TENANT, &json!({"brandingLogoUrl": null})).await.expect(200);
    assert_eq!(none.header("branding-logo"), "");
    assert_eq!(app.count("tenant_logo").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_on_our_own_network_is_not_fetched() {
    let app = TestApp::start().await;
    for address in ["https://169.254.169.254/logo.png", "https://[fe80::1]/logo.png", "https://0.0.0.0/logo.png"] {
        let saved = app.put_config(TENANT, &json!({"brandingLogoUrl": address})).await.expect(200);
        assert_eq!(saved.header("branding-logo"), "not_fetched", "{address}");
    }
    assert_eq!(app.count("tenant_logo").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_administrators_who_set_a_logo_at_once_both_settings_and_copy_are_one_of_them() {
    let app = TestApp::start().await;
    let (with, without) = (app.logo("logo.png"), app.logo("logo.svg"));
    for _ in 0..3 {
        futures_util::future::join(app.put_config(TENANT, &with), app.put_config(TENANT, &without)).await;
        let token = app.token_of(TENANT, "admin-1", "tenant_admin");
        let url = app.get(&token, "/config").await.expect(200).text("brandingLogoUrl");
        let copies: i64 = app.count("tenant_logo").await;
        assert_eq!(copies, i64::from(url.ends_with("logo.png")), "{url}");
    }
}
