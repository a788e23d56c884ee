//! Links that fit into one short message.

use reqwest::Method;
use serde_json::json;
use time::Duration;

use vcare_testkit::until;

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

/// Asks from an address about a code.
async fn ask(app: &TestApp, address: &str, code: &str) -> Answer {
    let request = app.request(Method::POST, "/sessions/join/short").header("Content-Type", "application/json");
    app.send(request.header("X-Real-IP", address).body(json!({ "code": code }).to_string())).await
}

/// As long and as plain as a code, and issued by nobody.
fn junk(number: u32) -> String {
    format!("junk{number:018}")
}

/// So few failures in all that they are passed by the first request.
const FEW: &str = "links.short_codes_per_minute = 3\nlinks.short_codes_per_second = 1\n\
                   api.client_address_header = \"X-Real-IP\"";

/// Asks about junk until it is refused; answers the refusal.
async fn until_refused(app: &TestApp, address: &str) -> Answer {
    for number in 0..1000 {
        let answer = ask(app, address, &junk(number)).await;
        if answer.status == 429 {
            assert!(number >= 3, "after {number}");
            return answer;
        }
        answer.refused(401, "TOKEN_INVALID");
    }
    panic!("it was never refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_about_codes_that_there_are_not_is_told_when_to_come_again() {
    let app = TestApp::start_with(FEW).await;
    let (_, code) = app.links(&app.visit().await).await;
    let refused = until_refused(&app, "192.0.2.1").await.refused(429, "RATE_LIMITED");
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    assert_eq!(refused.header("ratelimit-policy"), "\"short-codes\";q=3;w=60");
    assert_eq!(refused.header("ratelimit"), format!("\"short-codes\";r=0;t={seconds}"));
    // So it is where a code leads to a clinic.
    let request = app.request(Method::POST, "/sessions/join/clinic").header("Content-Type", "application/json");
    let request = request.header("X-Real-IP", "192.0.2.1").body(json!({ "code": junk(1) }).to_string());
    let clinic = app.send(request).await;
    assert!([401, 429].contains(&clinic.status), "{}", clinic.body);
    // Nothing else is stopped by it, and nobody else.
    app.join("x").await.refused(401, "TOKEN_INVALID");
    ask(&app, "192.0.2.2", &code).await.expect(200);
    // A second later one more may fail, so one that does not may, too.
    until("it may ask again", async || ask(&app, "192.0.2.1", &code).await.status == 200).await;
}

/// Behind Kong all have one address, unless the gateway tells theirs; in a mobile network many have.
#[tokio::test(flavor = "multi_thread")]
async fn junk_codes_do_not_shut_out_a_patient_with_a_good_one() {
    let app = TestApp::start().await;
    let (token, code) = app.links(&app.visit().await).await;
    for number in 0..70 {
        app.resolve(&junk(number)).await.refused(401, "TOKEN_INVALID");
    }
    assert_eq!(app.resolve(&code).await.expect(200).text("token"), token);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_failures_count_so_that_a_clinic_full_of_patients_opens_its_links_from_one_address() {
    let app = TestApp::start_with("links.short_codes_per_minute = 1\nlinks.short_codes_per_second = 1").await;
    let (_, code) = app.links(&app.visit().await).await;
    for _ in 0..20 {
        app.resolve(&code).await.expect(200);
    }
    // Nor is it a failure that a link is too old.
    app.clock.advance(Duration::minutes(120));
    for _ in 0..20 {
        app.resolve(&code).await.refused(401, "TOKEN_EXPIRED");
    }
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
