//! Access tokens: asked for once, kept, renewed.

use std::sync::Arc;

use serde_json::json;
use time::Duration;
use tokio::sync::Notify;
use vcare_app::ports::{NeighbourFault, SecretName, VideoError};
use vcare_testkit::{Mode, Name};

use super::support::{self, Reply, Stub, answer};
use super::{Account, Hospital, config, fault};

const GRANTED: &str = r#"{"access_token":"token-1","token_type":"bearer","expires_in":3600}"#;

fn is_login(request: &support::Request) -> bool {
    request.line.starts_with("POST /oauth/token ")
}

#[tokio::test]
async fn a_token_is_asked_for_by_a_form_with_the_apps_key_and_secret() {
    let hospital = Hospital::open().await;
    hospital.health().await.unwrap();
    let [asked] = &hospital.asked("POST", "/oauth/token")[..] else { panic!("once") };
    assert_eq!(asked.path, "/zoom/oauth/token", "nothing that an access log would keep");
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(asked.body, json!("grant_type=account_credentials&account_id=zoom-account"));
    assert_eq!(asked.header("authorization"), Some("Basic em9vbS1jbGllbnQ6em9vbS1jbGllbnQtc2VjcmV0"));
}

#[tokio::test]
async fn however_many_wait_for_a_token_it_is_asked_for_once() {
    let go = Arc::new(Notify::new());
    let held = Reply::Held(Arc::clone(&go), Box::new(support::json("200 OK", GRANTED)));
    let stub = Stub::answering(move |_, request| match is_login(request) {
        true => held.clone(),
        false => support::json("200 OK", "{}"),
    })
    .await;
    let account = Account::at(&stub.url());
    let waiting = futures_util::future::join_all((0..8).map(|_| account.health()));
    let (outcomes, ()) = tokio::join!(waiting, async {
        stub.received(1).await;
        go.notify_one();
    });
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(stub.requests().iter().filter(|request| is_login(request)).count(), 1);
}

#[tokio::test]
async fn who_waited_for_a_token_in_vain_does_not_ask_again() {
    let go = Arc::new(Notify::new());
    let held = Reply::Held(Arc::clone(&go), Box::new(answer("503 Service Unavailable", "")));
    let stub = Stub::answering(move |n, request| match (n, is_login(request)) {
        (0, _) => held.clone(),
        (_, true) => support::json("200 OK", GRANTED),
        (_, false) => support::json("200 OK", "{}"),
    })
    .await;
    let account = Account::at(&stub.url());
    let waiting = futures_util::future::join_all((0..8).map(|_| account.health()));
    let (outcomes, ()) = tokio::join!(waiting, async {
        stub.received(1).await;
        go.notify_one();
    });
    for outcome in outcomes {
        assert_eq!(fault(outcome), NeighbourFault::Status(503));
    }
    assert_eq!(stub.requests().len(), 1);
    account.health().await.unwrap();
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_it_expires() {
    let hospital = Hospital::open().await;
    hospital.health().await.unwrap();
    hospital.clock.advance(Duration::seconds(3539));
    hospital.health().await.unwrap();
    assert_eq!(hospital.logins(), 1);
    hospital.clock.advance(Duration::SECOND);
    hospital.health().await.unwrap();
    assert_eq!(hospital.logins(), 2);
}

#[tokio::test]
async fn a_token_that_zoom_does_not_take_any_more_is_renewed() {
    let hospital = Hospital::open().await;
    let room = hospital.create().await.unwrap();
    hospital.standins.zoom().revoke_tokens();
    hospital.close(&room).await.unwrap();
    assert_eq!(hospital.logins(), 2);
    assert!(hospital.standins.zoom().meetings().is_empty());
}

#[tokio::test]
async fn a_zoom_that_takes_no_token_at_all_is_not_asked_for_ever() {
    let stub = Stub::answering(|_, request| match is_login(request) {
        true => support::json("200 OK", GRANTED),
        false => answer("401 Unauthorized", ""),
    })
    .await;
    let account = Account::at(&stub.url());
    assert_eq!(fault(account.create().await), NeighbourFault::Status(401));
    let lines: Vec<_> = stub.requests().into_iter().map(|request| request.line.replace(" HTTP/1.1", "")).collect();
    let (login, plan) = ("POST /oauth/token", "POST /v2/users/me/meetings");
    assert_eq!(lines, [login, plan, login, plan]);
}

#[tokio::test]
async fn another_account_needs_another_token() {
    let mut hospital = Hospital::open().await;
    hospital.health().await.unwrap();
    hospital.account.config = config("kabul", "another-account", "me");
    assert_eq!(fault(hospital.health().await), NeighbourFault::Status(400));
    hospital.account.config = config("kabul", "zoom-account", "me");
    hospital.health().await.unwrap();
}

#[tokio::test]
async fn without_both_keys_zoom_is_not_set_up_and_not_asked() {
    for (name, text) in [(SecretName::ZoomApiKey, "zoom-client"), (SecretName::ZoomApiSecret, "zoom-client-secret")] {
        let hospital = Hospital::open().await;
        hospital.brought.bring(name, None);
        assert!(matches!(hospital.create().await, Err(VideoError::NotConfigured)), "{name:?}");
        assert!(hospital.standins.requests(Name::Zoom).is_empty());
        hospital.brought.bring(name, Some(text));
        hospital.create().await.unwrap();
    }
}

#[tokio::test]
async fn without_the_key_store_nobody_gets_a_token() {
    let mut hospital = Hospital::open().await;
    hospital.account.config = config("herat", "zoom-account", "me");
    assert!(matches!(hospital.create().await, Err(VideoError::Secrets(_))));
}

#[tokio::test]
async fn a_token_that_makes_no_sense_is_not_used() {
    for body in [
        "{}",
        "[]",
        r#"{"access_token":"","expires_in":3600}"#,
        r#"{"access_token":"x","expires_in":0}"#,
        r#"{"access_token":"x","expires_in":-5}"#,
        r#"{"access_token":"x","expires_in":99999999999}"#,
        r#"{"access_token":"x"}"#,
        r#"{"access_token":7,"expires_in":3600}"#,
    ] {
        let stub = Stub::replying(vec![support::json("200 OK", body)]).await;
        assert_eq!(fault(Account::at(&stub.url()).health().await), NeighbourFault::Malformed, "{body}");
        assert_eq!(stub.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_login_that_failed_is_tried_again_by_the_next_who_comes() {
    let hospital = Hospital::open().await;
    hospital.standins.set_mode(Name::Zoom, Mode::DOWN);
    assert_eq!(fault(hospital.health().await), NeighbourFault::Status(503));
    hospital.standins.set_mode(Name::Zoom, Mode::UP);
    hospital.health().await.unwrap();
}
