//! Access tokens that let nobody in.

use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::{Flaw, TokenSpec};

use super::{Bench, Case, case, with};
use crate::described::{Operation, signed_in};
use crate::support::TENANT;

impl Bench {
    /// A request that would pass, if its caller might.
    fn anonymous(&self, operation: &Operation) -> RequestBuilder {
        let request = self.app.request(operation.method.clone(), &operation.path(&self.visit.id, &self.visit.patient));
        operation.fill(request, &self.app.wish())
    }

    fn account(&self) -> TokenSpec {
        self.app.account(TENANT, "clinician-1", "clinician")
    }

    /// The same refusal of every route that wants an access token.
    fn on_every_route(&self, name: &str, with: impl Fn(RequestBuilder) -> RequestBuilder) -> Vec<Case> {
        self.everywhere(name, "UNAUTHORIZED", with)
    }

    fn everywhere(&self, name: &str, code: &'static str, with: impl Fn(RequestBuilder) -> RequestBuilder) -> Vec<Case> {
        let cases = signed_in()
            .map(|operation| case(format!("{} {name}", operation.id), with(self.anonymous(&operation)), 401, code));
        cases.collect()
    }

    /// An address of the video room, for the clinician.
    async fn video_token(&mut self) -> String {
        let path = self.at(&format!("/admit/{}", self.visit.patient));
        let url = self.app.post(&self.clinician, &path, &json!({})).await.expect(200).text("videoJoinUrl");
        let token = url.split("%22").nth(1).unwrap().to_owned();
        assert_eq!(token.split('.').count(), 3, "{url}");
        self.secrets.push(token.clone());
        token
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_flawed_token_opens_any_route() {
    let mut bench = Bench::start().await;
    let mut cases = Vec::new();
    for flaw in Flaw::ALL {
        let token = bench.app.standins.issuer().flawed_token(flaw, &bench.account());
        bench.secrets.push(token.clone());
        // Only who was let in before is told that the time is over.
        let code = if matches!(flaw, Flaw::Expired) { "ACCESS_TOKEN_EXPIRED" } else { "UNAUTHORIZED" };
        cases.extend(bench.everywhere(&format!("{flaw:?}"), code, |request| request.bearer_auth(&token)));
    }
    assert!(cases.len() >= Flaw::ALL.len() * 10);
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_names_one_tenant_and_one_person_and_when_it_ends() {
    let mut bench = Bench::start().await;
    let now = bench.app.now().unix_timestamp();
    let claims: [(&str, Value); 22] = [
        ("tenantId", json!(["hosp-kabul"])),
        ("tenantId", json!(["hosp-kabul", "hosp-herat"])),
        ("tenantId", json!({"id": "hosp-kabul"})),
        ("tenantId", json!("")),
        ("tenantId", json!("hosp kabul")),
        ("tenantId", json!("hosp-kabul\u{0}")),
        ("tenantId", json!("x".repeat(65))),
        ("tenantId", json!(7)),
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!("a b")),
        ("sub", json!(7)),
        ("sub", json!("x".repeat(129))),
        ("aud", Value::Null),
        ("aud", json!(["account", "virtual-care-service-2"])),
        ("aud", json!({"virtual-care-service": true})),
        ("exp", Value::Null),
        ("exp", json!("never")),
        ("exp", json!(now - 31)),
        ("nbf", json!(now + 31)),
        ("typ", json!("Refresh")),
        ("iss", json!(["x"])),
    ];
    let mut cases = Vec::new();
    for (claim, value) in claims {
        let name = format!("{claim} {value:.40}");
        let token = bench.app.standins.issuer().token(&bench.account().claim(claim, value.clone()));
        bench.secrets.push(token.clone());
        let over = json!(now - 31);
        let code = if (claim, &value) == ("exp", &over) { "ACCESS_TOKEN_EXPIRED" } else { "UNAUTHORIZED" };
        cases.extend(bench.everywhere(&name, code, |request| request.bearer_auth(&token)));
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_bearer_token_in_authorization_counts() {
    let mut bench = Bench::start().await;
    let video = bench.video_token().await;
    let good = bench.clinician.clone();
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let headers: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
        ("a scheme", b"Bearer".to_vec()),
        ("a scheme and a space", b"Bearer ".to_vec()),
        ("the bare token", good.clone().into_bytes()),
        ("another scheme", format!("Basic {good}").into_bytes()),
        ("a tab", format!("Bearer\t{good}").into_bytes()),
        ("garbage", b"Bearer garbage".to_vec()),
        ("dots", b"Bearer ..".to_vec()),
        ("three letters", b"Bearer a.b.c".to_vec()),
        ("no signature", format!("Bearer {unsigned}").into_bytes()),
        ("an empty signature", format!("Bearer {unsigned}.").into_bytes()),
        ("four parts", format!("Bearer {good}.x").into_bytes()),
        ("two in one", format!("Bearer {good}, Bearer {good}").into_bytes()),
        ("quotes", format!("Bearer \"{good}\"").into_bytes()),
        ("bytes that are no text", b"Bearer \xff\xfe".to_vec()),
        ("10 kB", format!("Bearer {}", "x".repeat(10_000)).into_bytes()),
        ("10 kB in a good token", format!("Bearer {unsigned}.{}", "A".repeat(10_000)).into_bytes()),
        ("a join token", format!("Bearer {}", bench.join_token).into_bytes()),
        ("a video token", format!("Bearer {video}").into_bytes()),
    ];
    let mut cases = bench.on_every_route("no header", |request| request);
    for (name, header) in headers {
        let value = HeaderValue::from_bytes(&header).unwrap();
        cases.extend(bench.on_every_route(name, |request| request.header("Authorization", value.clone())));
    }
    cases.extend(bench.on_every_route("two headers", |request| request.bearer_auth(&good).bearer_auth(&good)));
    cases.extend(signed_in().map(|operation| {
        let path = with(&operation.path(&bench.visit.id, &bench.visit.patient), "access_token", &good);
        case(format!("{} in the query", operation.id), bench.app.request(operation.method, &path), 401, "UNAUTHORIZED")
    }));
    cases.extend(
        bench.on_every_route("in a cookie", |request| request.header("Cookie", format!("access_token={good}"))),
    );
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_come_in_is_told_nothing_about_the_request() {
    let bench = Bench::start().await;
    let post = |path: &str| bench.app.request(Method::POST, path).header("Content-Type", "application/json");
    let refused = |name: &str, request| case(name, request, 401, "UNAUTHORIZED");
    let cases = vec![
        refused("a bad id", bench.app.request(Method::GET, "/sessions/garbage")),
        refused("another tenant's visit", bench.app.request(Method::GET, &format!("/sessions/{}", bench.foreign.id))),
        refused("a bad query", bench.app.request(Method::GET, "/sessions?surprise=1")),
        refused("a bad body", post("/sessions").body("[")),
        refused("a megabyte", post("/sessions").body("x".repeat(1 << 20))),
        refused("another method", bench.app.request(Method::DELETE, "/sessions")),
    ];
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_while_the_clock_goes_on() {
    let mut bench = Bench::start().await;
    let token = bench.app.standins.issuer().token(&bench.account().lifetime(Duration::minutes(5)));
    bench.app.get(&token, &bench.at("")).await.expect(200);
    bench.app.clock.advance(Duration::seconds(5 * 60 + 30));
    bench.secrets.push(token.clone());
    let expired = bench.everywhere("expired", "ACCESS_TOKEN_EXPIRED", |request| request.bearer_auth(&token));
    bench.refuse(expired).await;
    // A forged one is told nothing of its time.
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", "A".repeat(342));
    bench.refuse(bench.on_every_route("expired and forged", |request| request.bearer_auth(&forged))).await;
}

/// RFC 6750, 3: who sent no token is not told of an error.
#[tokio::test(flavor = "multi_thread")]
async fn the_challenge_says_what_is_wrong_with_a_token_and_nothing_where_there_was_none() {
    let bench = Bench::start().await;
    let challenge = async |request: RequestBuilder, status| {
        bench.app.send(request).await.expect(status).header("www-authenticate").to_owned()
    };
    let list = || bench.app.request(Method::GET, "/sessions");
    let (people, invalid) = (r#"Bearer realm="virtual-care""#, r#", error="invalid_token", error_description="#);
    assert_eq!(challenge(list(), 401).await, people);
    assert_eq!(challenge(list().header("Authorization", "Basic YTpi"), 401).await, people);
    let forged = challenge(list().bearer_auth("a.b.c"), 401).await;
    assert_eq!(forged, format!(r#"{people}{invalid}"the access token is not valid""#));
    let old = bench.app.standins.issuer().flawed_token(Flaw::Expired, &bench.account());
    let expired = challenge(list().bearer_auth(old), 401).await;
    assert_eq!(expired, format!(r#"{people}{invalid}"the access token has expired""#));
    let patient = bench.app.token("patient");
    let create = || bench.app.request(Method::POST, "/sessions").bearer_auth(&patient);
    let create = create().header("Content-Type", "application/json").body(bench.app.wish().to_string());
    assert!(challenge(create, 403).await.starts_with(&format!("{people}, error=\"insufficient_scope\"")));

    let links = r#"Bearer realm="virtual-care-join""#;
    let status = || bench.app.request(Method::GET, "/sessions/join/status");
    assert_eq!(challenge(status(), 401).await, links);
    assert!(challenge(status().bearer_auth("a.b.c"), 401).await.starts_with(&format!("{links}{invalid}")));
    let servers = r#"Bearer realm="virtual-care-internal""#;
    let room = || bench.app.request(Method::GET, "//internal/jitsi/conference/1");
    assert_eq!(challenge(room(), 401).await, servers);
    assert!(challenge(room().bearer_auth("a.b.c"), 401).await.starts_with(&format!("{servers}{invalid}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_we_do_not_know_open_nothing() {
    let mut bench = Bench::start().await;
    let mut cases = Vec::new();
    let roles = [
        json!([]),
        json!(["Clinician"]),
        json!(["clinician "]),
        json!("clinician"),
        json!([["clinician"]]),
        json!({"clinician": true}),
    ];
    for roles in roles {
        let token = bench.app.standins.issuer().token(&bench.account().claim("realm_access", json!({"roles": roles})));
        bench.secrets.push(token.clone());
        cases.extend(signed_in().map(|operation| {
            let request = bench.anonymous(&operation).bearer_auth(&token);
            case(format!("{} as {roles}", operation.id), request, 403, "ACCESS_DENIED")
        }));
    }
    bench.refuse(cases).await;
}
