//! Quotas, outages, and answers that are none.

use std::time::Instant;

use time::Duration;
use vcare_app::ports::{NeighbourFault, VideoError};
use vcare_domain::{HttpsUrl, ParticipantRole, Room, RoomName};
use vcare_testkit::standins::zoom::Limit;
use vcare_testkit::{Mode, Name};

use super::support::{self, Reply, Stub, answer};
use super::{Account, Hospital, fault};

const GRANTED: &str = r#"{"access_token":"token-1","token_type":"bearer","expires_in":3600}"#;

fn room() -> Room {
    let url = HttpsUrl::parse("https://us02web.zoom.example/j/85746065001").unwrap();
    Room { name: RoomName::parse("kabul-k3j9x2qa").unwrap(), url }
}

/// A Zoom that gives out tokens and answers all else so.
async fn zoom(reply: Reply) -> (Stub, Account) {
    let stub = Stub::answering(move |_, request| match request.line.starts_with("POST /oauth/token ") {
        true => support::json("200 OK", GRANTED),
        false => reply.clone(),
    })
    .await;
    let account = Account::at(&stub.url());
    (stub, account)
}

/// What each call comes to.
async fn every_call(account: &Account) -> [Result<(), VideoError>; 5] {
    [
        account.health().await,
        account.create().await.map(drop),
        account.url(&room(), ParticipantRole::Patient).await.map(drop),
        account.close(&room()).await,
        account.release(&room()).await,
    ]
}

fn wait(outcome: &Result<(), VideoError>) -> Option<Duration> {
    match outcome {
        Err(VideoError::QuotaExceeded { retry_after }) => *retry_after,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told_whatever_was_asked_for() {
    let hospital = Hospital::open().await;
    let room = hospital.create().await.unwrap();
    hospital.clock.advance(Duration::hours(3) + Duration::minutes(40));
    // The day ends in 20 minutes.
    for (limit, expected) in [(Limit::PerSecond, None), (Limit::Daily, Some(Duration::minutes(20)))] {
        hospital.standins.zoom().limit(Some(limit));
        for outcome in every_call(&hospital).await {
            assert_eq!(wait(&outcome), expected, "{limit:?}");
        }
    }
    hospital.standins.zoom().limit(Some(Limit::Meetings));
    assert_eq!(wait(&hospital.create().await.map(drop)), None);
    hospital.close(&room).await.unwrap();
    assert!(hospital.standins.zoom().meetings().is_empty(), "nothing was planned");
}

#[tokio::test]
async fn a_login_has_a_quota_too_and_its_wait_is_told() {
    let stub = Stub::replying(vec![answer("429 Too Many Requests\r\nretry-after: 7", "")]).await;
    for outcome in every_call(&Account::at(&stub.url())).await {
        assert_eq!(wait(&outcome), Some(Duration::seconds(7)));
    }
}

#[tokio::test]
async fn whatever_is_no_answer_is_a_fault_of_every_call() {
    use NeighbourFault::{Malformed, Status, TimedOut, Unreachable};
    let ten_megabytes = format!("\"{}\"", "x".repeat(10 * 1024 * 1024));
    // What a call does not read cannot be wrong.
    let (all, create, join) = ([true; 5], [false, true, false, false, false], [false, false, true, false, false]);
    let table: [(&str, Reply, NeighbourFault, [bool; 5]); 10] = [
        ("an error", answer("500 Internal Server Error", ""), Status(500), all),
        ("down", answer("503 Service Unavailable", ""), Status(503), all),
        ("no right", answer("403 Forbidden", ""), Status(403), all),
        ("a redirect", answer("302 Found\r\nlocation: /elsewhere", ""), Status(302), all),
        ("nothing", Reply::Stall(Vec::new()), TimedOut, all),
        ("a closed door", Reply::Close, Unreachable, all),
        ("another success", answer("202 Accepted", ""), Status(202), all),
        (
            "no JSON",
            answer("201 Created\r\ncontent-type: text/html", "<p>"),
            Malformed,
            [false, true, false, false, false],
        ),
        ("ten megabytes", support::json("201 Created", &ten_megabytes), Malformed, create),
        ("something else", support::json("200 OK", "{\"id\":1}"), Malformed, join),
    ];
    for (name, reply, expected, of) in table {
        let (_stub, account) = zoom(reply).await;
        for (number, outcome) in every_call(&account).await.into_iter().enumerate() {
            if of[number] {
                assert_eq!(fault(outcome), expected, "{name}, call {number}");
            }
        }
    }
}

#[tokio::test]
async fn a_meeting_whose_address_and_number_do_not_fit_is_not_taken() {
    for body in [
        r#"{"id":1,"join_url":"https://zoom.example/j/2?pwd=x"}"#,
        r#"{"id":1,"join_url":"http://zoom.example/j/1?pwd=x"}"#,
        r#"{"id":1,"join_url":"https://zoom.example/my/doctor"}"#,
        r#"{"id":"1","join_url":"https://zoom.example/j/1"}"#,
        r#"{"id":1}"#,
    ] {
        let (_stub, account) = zoom(support::json("201 Created", body)).await;
        assert_eq!(fault(account.create().await), NeighbourFault::Malformed, "{body}");
    }
}

#[tokio::test]
async fn an_address_that_is_not_https_is_given_to_nobody() {
    let body = r#"{"start_url":"http://zoom.example/s/1?zak=x","join_url":"javascript:alert(1)"}"#;
    let (_stub, account) = zoom(support::json("200 OK", body)).await;
    for role in ParticipantRole::ALL {
        assert_eq!(fault(account.url(&room(), role).await), NeighbourFault::Malformed, "{role:?}");
    }
}

#[tokio::test]
async fn a_zoom_that_does_not_answer_costs_one_deadline_however_many_wait() {
    let stub = Stub::replying(vec![Reply::Stall(Vec::new())]).await;
    let account = Account::at(&stub.url());
    let began = Instant::now();
    for outcome in futures_util::future::join_all((0..10).map(|_| account.health())).await {
        assert_eq!(fault(outcome), NeighbourFault::TimedOut);
    }
    assert!(began.elapsed() < support::DEADLINE.unsigned_abs() * 4, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_stand_in_that_is_wrong_or_down_is_never_taken_for_success() {
    for mode in [Mode::DOWN, Mode::WRONG, Mode::down_with(500)] {
        let hospital = Hospital::open().await;
        hospital.standins.set_mode(Name::Zoom, mode);
        for outcome in every_call(&hospital).await {
            assert!(matches!(outcome, Err(VideoError::Unavailable(_))), "{mode:?}: {outcome:?}");
        }
    }
}
