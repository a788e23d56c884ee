//! Links that fit into one short message.

use reqwest::Method;
use serde_json::json;
use time::Duration;

use crate::support::{Answer, TestApp, Visit};

impl TestApp {
    /// Link and short link of the patient, newly issued.
    pub async fn links(&self, visit: &Visit) -> (String, String) {
        let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
        let issued = self.post(&self.token("clinician"), &path, &json!({})).await.expect(201);
        (issued.text("joinToken"), code(&issued.text("shortUrl")))
    }

    async fn resolve(&self, code: &str) -> Answer {
        let request = self.request(Method::POST, "/sessions/join/short").header("Content-Type", "application/json");
        self.send(request.body(json!({ "code": code }).to_string())).await
    }
}

fn code(short_url: &str) -> String {
    short_url.split_once('#').unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_link_stands_for_the_same_token() {
    let app = TestApp::start().await;
    let (token, code) = app.links(&app.visit().await).await;
    for _ in 0..2 {
        assert_eq!(app.resolve(&code).await.expect(200).body, json!({ "token": token }));
        app.clock.advance(Duration::MINUTE);
    }
    app.join(&token).await.expect(200);
    assert_eq!(app.resolve(&code).await.expect(200).body, json!({ "token": token }));
    // Neither the code nor the token rests in the database.
    let rows = app.database.rows("SELECT t::text FROM short_link AS t", &[]).await.unwrap();
    let rows: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert!(rows.len() == 1 && !rows[0].contains(&code) && !rows[0].contains(token.rsplit_once('.').unwrap().1));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_its_token() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (_, older) = app.links(&visit).await;
    let (token, newer) = app.links(&visit).await;
    app.resolve(&older).await.refused(401, "TOKEN_INVALID");
    app.resolve(&newer).await.expect(200);
    app.join(&token).await.expect(200);
    app.remove(&visit, &visit.patient, "wrong person").await.expect(200);
    app.resolve(&newer).await.refused(401, "TOKEN_INVALID");
    // Invited again, by a new link.
    let (_, again) = app.links(&visit).await;
    app.resolve(&again).await.expect(200);
    // Nobody comes to another one.
    let (_, unused) = app.links(&app.visit().await).await;
    app.clock.advance(Duration::minutes(120));
    app.resolve(&unused).await.refused(401, "TOKEN_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_visit_that_is_over_the_token_says_so() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (token, code) = app.links(&visit).await;
    app.cancel(&visit, "snow").await.expect(200);
    assert_eq!(app.resolve(&code).await.expect(200).text("token"), token);
    app.join(&token).await.refused(409, "INVALID_STATUS_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_code_opens_nothing() {
    let app = TestApp::start().await;
    let (token, code) = app.links(&app.visit().await).await;
    let spoilt = format!("{}{}", if code.starts_with('0') { '1' } else { '0' }, &code[1..]);
    for bad in
        ["", "x", &code[1..], &format!("{code}0"), &spoilt, &code.replace(&code[..1], "-"), "' OR 1=1 --", &token]
    {
        app.resolve(bad).await.refused(401, "TOKEN_INVALID");
    }
    for (body, field) in [(json!({}), "code"), (json!({"code": 7}), "code"), (json!({"code": code, "x": 1}), "x")] {
        app.post("", "/sessions/join/short", &body).await.names_field(field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let app = TestApp::start_with("links.short_codes_per_minute = 3").await;
    let (_, code) = app.links(&app.visit().await).await;
    for _ in 0..2 {
        app.resolve("0123456789abcdefghijkl").await.refused(401, "TOKEN_INVALID");
    }
    app.resolve(&code).await.expect(200);
    let refused = app.resolve(&code).await.refused(429, "RATE_LIMITED");
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    // Nothing else is stopped by it.
    app.join("x").await.refused(401, "TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_gateway_each_address_is_counted_alone() {
    let settings = "links.short_codes_per_minute = 1\napi.client_address_header = \"X-Real-IP\"";
    let app = TestApp::start_with(settings).await;
    let (_, code) = app.links(&app.visit().await).await;
    let ask = async |address: &str| {
        let request = app.request(Method::POST, "/sessions/join/short").header("Content-Type", "application/json");
        app.send(request.header("X-Real-IP", address).body(json!({ "code": code }).to_string())).await
    };
    ask("192.0.2.1").await.expect(200);
    ask("192.0.2.1").await.refused(429, "RATE_LIMITED");
    ask("192.0.2.2").await.expect(200);
}

/// One short message in Arabic script has 70 UTF-16 units.
#[tokio::test(flavor = "multi_thread")]
async fn us_002_link_and_sentence_fit_into_one_short_message() {
    let app = TestApp::start().await;
    let (_, code) = app.links(&app.visit().await).await;
    let host = "telehealth.hosp-kabul.af.org";
    assert_eq!(host.len(), 28);
    let message = format!("ملاقات: https://{host}/v#{code}");
    assert!(message.encode_utf16().count() <= 70, "{}", message.encode_utf16().count());
    assert!(format!("/v#{code}").len() <= 40);
}
