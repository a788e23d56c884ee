//! Meetings of ours that are planned, among those of others.

use serde_json::{Value, json};
use time::Duration;
use vcare_app::ports::{Clock, NeighbourFault, ReservedRoom, VideoError, VideoProvider};
use vcare_testkit::standins::zoom::Limit;

use super::support::{self, Stub, trace};
use super::{Account, DEPLOYMENT, Hospital, config, fault};

const GRANTED: &str = r#"{"access_token":"token-1","token_type":"bearer","expires_in":3600}"#;

async fn reserved(account: &Account) -> Result<Vec<ReservedRoom>, VideoError> {
    account.video.reserved_rooms(&account.config, &trace()).await
}

fn by_hand(hospital: &Hospital, meeting: &Value) {
    assert!(hospital.standins.zoom().plan(meeting).is_some(), "{meeting}");
}

#[tokio::test]
async fn a_planned_meeting_is_told_with_the_time_it_was_planned() {
    let hospital = Hospital::open().await;
    let room = hospital.create().await.unwrap();
    let planned_at = hospital.clock.now();
    hospital.clock.advance(Duration::HOUR);
    assert_eq!(reserved(&hospital).await.unwrap(), [ReservedRoom { room: room.clone(), planned_at }]);
    hospital.close(&room).await.unwrap();
    assert!(reserved(&hospital).await.unwrap().is_empty());
}

#[tokio::test]
async fn however_many_there_are_all_are_told() {
    let hospital = Hospital::open().await;
    for _ in 0..230 {
        hospital.create().await.unwrap();
    }
    let mut numbers: Vec<u64> = reserved(&hospital).await.unwrap().iter().map(|one| super::number(&one.room)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 230);
    assert_eq!(hospital.asked("GET", "/v2/users/me/meetings").len(), 3);
}

#[tokio::test]
async fn meetings_of_people_other_tenants_and_other_deployments_are_not_ours() {
    let mut hospital = Hospital::open().await;
    hospital.create().await.unwrap();
    hospital.account.config = config("mazar", "zoom-account", "me");
    hospital.create().await.unwrap();
    hospital.account.config = config("kabul", "zoom-account", "me");
    by_hand(&hospital, &json!({"topic": "kabul-k3j9x2qa"}));
    by_hand(&hospital, &json!({"topic": "kabul-k3j9x2qa", "agenda": "virtual care"}));
    by_hand(
        &hospital,
        &json!({"topic": "kabul-k3j9x2qa", "agenda": "virtual care of kabul by https://staging.example"}),
    );
    // Somebody copied ours and made it theirs.
    let ours = format!("virtual care of kabul by {DEPLOYMENT}");
    by_hand(&hospital, &json!({"topic": "Monday's meeting", "agenda": ours}));
    let found = reserved(&hospital).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(super::number(&found[0].room), hospital.standins.zoom().meetings()[0]["id"].as_u64().unwrap());
}

#[tokio::test]
async fn a_list_that_cannot_be_had_is_no_empty_list() {
    let hospital = Hospital::open().await;
    hospital.standins.zoom().limit(Some(Limit::Daily));
    assert!(matches!(reserved(&hospital).await, Err(VideoError::QuotaExceeded { retry_after: Some(_) })));
    for (body, expected) in [("{}", NeighbourFault::Malformed), (r#"{"meetings":{}}"#, NeighbourFault::Malformed)] {
        let stub = Stub::answering(move |_, request| match request.line.starts_with("POST /oauth/token ") {
            true => support::json("200 OK", GRANTED),
            false => support::json("200 OK", body),
        })
        .await;
        assert_eq!(fault(reserved(&Account::at(&stub.url())).await), expected, "{body}");
    }
}

#[tokio::test]
async fn a_list_that_never_ends_is_given_up() {
    let stub = Stub::answering(|_, request| match request.line.starts_with("POST /oauth/token ") {
        true => support::json("200 OK", GRANTED),
        false => support::json("200 OK", r#"{"meetings":[],"next_page_token":"on"}"#),
    })
    .await;
    assert_eq!(fault(reserved(&Account::at(&stub.url())).await), NeighbourFault::Malformed);
    assert!(stub.requests().len() < 200);
}
