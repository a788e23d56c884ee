//! Join tokens that open nothing, at each of the doors.

use reqwest::Method;
use serde_json::json;
use time::Duration;
use vcare_app::ports::JoinTokenClaims;
use vcare_domain::{ParticipantRole, TenantId};

use super::{Bench, Case, case, with};
use crate::support::{OTHER_TENANT, TENANT, Visit};

impl Bench {
    /// What a good token of that visit's patient says.
    fn claims(&self, tenant: &str, visit: &Visit) -> JoinTokenClaims {
        JoinTokenClaims {
            tenant_id: TenantId::parse(tenant).unwrap(),
            session_id: visit.id.parse().unwrap(),
            participant_id: visit.patient.parse().unwrap(),
            role: ParticipantRole::Patient,
            version: 1,
            issued_at: self.app.now(),
            expires_at: self.app.now() + Duration::HOUR,
        }
    }

    /// Signed by the service's own keys, whatever it says.
    async fn sign(&self, claims: &JoinTokenClaims) -> String {
        self.app.app.join_tokens.sign(claims).await.unwrap()
    }

    /// The token at every door that takes one.
    fn at_every_door(&self, name: &str, token: &str, status: u16, code: &'static str) -> Vec<Case> {
        let get = |path: &str| self.app.request(Method::GET, path);
        let body = json!({ "token": token });
        let doors = [
            ("join by GET", get(&with("/sessions/join", "token", token))),
            ("join by POST", self.post_json("/sessions/join", &body)),
            ("status by query", get(&with("/sessions/join/status", "token", token))),
        ];
        let mut cases: Vec<Case> =
            doors.into_iter().map(|(door, request)| case(format!("{door}: {name}"), request, status, code)).collect();
        // What cannot be in a header cannot come by it.
        if token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let request = get("/sessions/join/status").bearer_auth(token);
            cases.push(case(format!("status by header: {name}"), request, status, code));
            let request = get("/sessions/join/status?since=0&place=1").bearer_auth(token);
            cases.push(case(format!("waiting for news: {name}"), request, status, code));
            for state in ["alive", "lost", "restored"] {
                let request = self.app.request(Method::POST, "/sessions/join/connection").bearer_auth(token);
                let request = request.header("Content-Type", "application/json");
                let request = request.body(json!({ "state": state }).to_string());
                cases.push(case(format!("{state}: {name}"), request, status, code));
            }
        }
        cases
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_join_token_of_ours_is_not_valid() {
    let mut bench = Bench::start().await;
    let good = bench.join_token.clone();
    let parts: Vec<&str> = good.split('.').collect();
    let own = bench.claims(TENANT, &bench.visit);
    let theirs = bench.sign(&bench.claims(OTHER_TENANT, &bench.foreign)).await;
    let their_signature = theirs.rsplit_once('.').unwrap().1;
    let none = base64_of(r#"{"alg":"none","typ":"JWT"}"#);
    let path = bench.at(&format!("/admit/{}", bench.visit.patient));
    let admitted = bench.app.post(&bench.clinician, &path, &json!({})).await.expect(200);
    let video = admitted.text("videoJoinUrl").split("%22").nth(1).unwrap().to_owned();
    let patient_video = bench.app.join(&good).await.expect(200).text("url").split("%22").nth(1).unwrap().to_owned();
    let mut tokens: Vec<(&str, String)> = vec![
        ("empty", String::new()),
        ("a space", " ".to_owned()),
        ("garbage", "garbage".to_owned()),
        ("dots", "..".to_owned()),
        ("letters", "a.b.c".to_owned()),
        ("NUL", "\u{0}".to_owned()),
        ("Dari", "نشان".to_owned()),
        ("SQL", "' OR 1=1 --".to_owned()),
        ("10 kB", "x".repeat(10_000)),
        ("10 kB of signature", format!("{}.{}.{}", parts[0], parts[1], "A".repeat(10_000))),
        ("10 kB in front", format!("{}{good}", " ".repeat(10_000))),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.{}", parts[2])),
        ("alg none", format!("{none}.{}.", parts[1])),
        ("alg none, signed", format!("{none}.{}.{}", parts[1], parts[2])),
        ("another tenant's signature", format!("{}.{}.{their_signature}", parts[0], parts[1])),
        ("a link", format!("https://care.example/visit#{good}")),
        ("an access token", bench.clinician.clone()),
        ("the clinician's video token", video),
        ("the patient's video token", patient_video),
    ];
    let altered = [
        ("another tenant's visit", bench.claims(TENANT, &bench.foreign)),
        ("another tenant's name", JoinTokenClaims { tenant_id: TenantId::parse(OTHER_TENANT).unwrap(), ..own.clone() }),
        ("a tenant that is none", JoinTokenClaims { tenant_id: TenantId::parse("nobody").unwrap(), ..own.clone() }),
        ("nobody", JoinTokenClaims { participant_id: bench.foreign.patient.parse().unwrap(), ..own.clone() }),
        ("the provider", JoinTokenClaims { participant_id: bench.visit.provider.parse().unwrap(), ..own.clone() }),
        ("version 0", JoinTokenClaims { version: 0, ..own.clone() }),
        ("a version to come", JoinTokenClaims { version: 2, ..own }),
    ];
    for (name, claims) in altered {
        tokens.push((name, bench.sign(&claims).await));
    }
    bench.secrets.extend(tokens.iter().map(|(_, token)| token.clone()).filter(|token| token.len() > 10));
    let cases = tokens.iter().flat_map(|(name, token)| bench.at_every_door(name, token, 401, "TOKEN_INVALID"));
    let mut cases: Vec<Case> = cases.collect();
    let status = |name: &str, request| case(name, request, 401, "TOKEN_INVALID");
    let get = || bench.app.request(Method::GET, "/sessions/join/status");
    cases.push(status("no token", get()));
    cases.push(status("two headers", get().bearer_auth(&good).bearer_auth(&good)));
    cases.push(status("another scheme", get().header("Authorization", format!("Basic {good}"))));
    bench.refuse(cases).await;
}

fn base64_of(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_token_that_is_over_says_so() {
    let mut bench = Bench::start().await;
    // Nobody has come to this one. Planned for half an hour from now, for half an hour.
    let visit = bench.app.visit().await;
    let issued = bench.app.join_token(&visit).await;
    bench.secrets.push(issued.clone());
    bench.app.clock.advance(Duration::minutes(60));
    let now = bench.app.now();
    let over = JoinTokenClaims { expires_at: now, ..bench.claims(TENANT, &visit) };
    let over = bench.sign(&over).await;
    bench.secrets.push(over.clone());
    bench.refuse(bench.at_every_door("at its last second", &over, 401, "TOKEN_EXPIRED")).await;
    // The link opens an hour longer.
    bench.app.clock.advance(Duration::minutes(60));
    bench.refuse(bench.at_every_door("as issued", &issued, 401, "TOKEN_EXPIRED")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_link_is_dead_once_a_newer_one_is_issued() {
    let mut bench = Bench::start().await;
    let path = bench.at(&format!("/participants/{}/join-token", bench.visit.patient));
    let newer = bench.app.post(&bench.clinician, &path, &json!({})).await.expect(201).text("joinToken");
    bench.secrets.push(newer.clone());
    bench.refuse(bench.at_every_door("superseded", &bench.join_token, 401, "TOKEN_INVALID")).await;
    bench.app.join(&newer).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_persons_link_is_dead() {
    let bench = Bench::start().await;
    let path = bench.at(&format!("/participants/{}/remove", bench.visit.patient));
    bench.app.post(&bench.clinician, &path, &json!({"reason": "another visit is under way"})).await.expect(200);
    bench.refuse(bench.at_every_door("removed", &bench.join_token, 401, "TOKEN_INVALID")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_visit_that_was_cancelled_or_is_over_says_so() {
    for path in ["/cancel", "/end"] {
        let bench = Bench::start().await;
        let body = if path == "/cancel" { json!({"reason": "no need any more"}) } else { json!({}) };
        bench.app.post(&bench.clinician, &bench.at(path), &body).await.expect(200);
        bench.refuse(bench.at_every_door(path, &bench.join_token, 409, "INVALID_STATUS_TRANSITION")).await;
    }
}
