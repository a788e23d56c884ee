//! What one link, and what is no link at all, can take of the service.

use vcare_app::ports::JoinTokenClaims;
use vcare_domain::{ParticipantRole, TenantId};

use super::Wire;
use super::put_aside::{NO_WATCHER, question};
use crate::support::{Program, TENANT, TestApp};

/// Asks with that token on a connection of its own, and waits.
async fn ask(app: &Program, token: &str) -> Wire {
    let mut wire = Wire::connect(&app.url("")).await;
    wire.send(&question(token, "since=3", "")).await;
    wire
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_holds_three_questions_open_and_the_oldest_is_answered_when_one_more_comes() {
    let app = Program::start(NO_WATCHER).await;
    let ((visit, token), (_, theirs)) = (app.waiting_visit().await, app.waiting_visit().await);
    let other = ask(&app, &theirs).await;
    app.until_measured("vcare_waiting 1").await;
    let mut wires = Vec::new();
    for waiting in 2..=4 {
        wires.push(ask(&app, &token).await);
        app.until_measured(&format!("vcare_waiting {waiting}")).await;
    }
    wires.push(ask(&app, &token).await);
    let answer = wires.remove(0).answer().await;
    let pause = answer.split("retry-after: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    assert!(answer.starts_with("http/1.1 204") && (5..=15).contains(&pause.parse().unwrap()), "{answer}");
    app.until_measured("vcare_long_polls_total{outcome=\"replaced\"} 1").await;
    app.until_measured("vcare_waiting 4").await;
    app.admit(&visit).await.expect(200);
    for mut wire in wires {
        assert!(wire.answer().await.contains("direct_join"));
    }
    app.until_measured("vcare_waiting 1").await;
    drop(other);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_hundred_questions_with_one_token_three_are_held_open() {
    let app = Program::start(NO_WATCHER).await;
    let (_, token) = app.waiting_visit().await;
    let mut wires = Vec::new();
    for _ in 0..300 {
        wires.push(ask(&app, &token).await);
    }
    app.until_measured("vcare_long_polls_total{outcome=\"replaced\"} 297").await;
    app.until_measured("vcare_waiting 3").await;
}

/// A token that says what one of that visit's patient would, of that tenant.
async fn invented(app: &TestApp, tenant: &str) -> String {
    let claims = JoinTokenClaims {
        tenant_id: TenantId::parse(tenant).unwrap(),
        session_id: "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R".parse().unwrap(),
        participant_id: "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S".parse().unwrap(),
        role: ParticipantRole::Patient,
        version: 1,
        issued_at: app.now(),
        expires_at: app.now() + time::Duration::HOUR,
    };
    app.app.join_tokens.sign(&claims).await.unwrap()
}

/// The token with the signature of another one.
fn forged(token: &str, other: &str) -> String {
    let (claims, _) = token.rsplit_once('.').unwrap();
    format!("{claims}.{}", other.rsplit_once('.').unwrap().1)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_tokens_of_unknown_tenants_and_of_forged_ones_the_database_is_asked_nothing() {
    let app = TestApp::start().await;
    let (_, good) = app.waiting_visit().await;
    let strange = invented(&app, "nobody-0").await;
    app.join(&strange).await.refused(401, "TOKEN_INVALID");
    let (forged, invented_here) = (forged(&good, &strange), invented(&app, TENANT).await);
    let mut strangers = Vec::new();
    for number in 1..20 {
        strangers.push(invented(&app, &format!("nobody-{number}")).await);
    }
    app.lose_the_database().await;
    for token in strangers.iter().chain([&strange, &forged]) {
        app.join(token).await.refused(401, "TOKEN_INVALID");
        app.wait(token, "since=3").await.refused(401, "TOKEN_INVALID");
        app.tell_connection(token, "alive", 0).await.refused(401, "TOKEN_INVALID");
    }
    // What is signed is another matter.
    app.join(&invented_here).await.refused(503, "SERVICE_UNAVAILABLE");
    app.join(&good).await.refused(503, "SERVICE_UNAVAILABLE");
}
