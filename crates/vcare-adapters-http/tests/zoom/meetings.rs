//! Meetings: planned, opened, ended, gone.

use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;
use vcare_app::ports::{NeighbourFault, VideoGrant, VideoProvider};
use vcare_domain::{HttpsUrl, ParticipantId, ParticipantRole, Room, RoomName};

use super::support::trace;
use super::{Hospital, config, fault, grant, number};

#[tokio::test]
async fn a_visits_room_is_a_meeting_that_says_nothing_of_the_visit() {
    let hospital = Hospital::open().await;
    let room = hospital.create().await.unwrap();
    assert_eq!(room.name.as_str(), "kabul-k3j9x2qa");
    let [meeting] = &hospital.standins.zoom().meetings()[..] else { panic!("one meeting") };
    let seen = ["topic", "type", "start_time", "timezone", "duration"].map(|name| meeting[name].clone());
    assert_eq!(seen, [json!("kabul-k3j9x2qa"), json!(2), json!("2026-11-24T08:00:00Z"), json!("UTC"), json!(30)]);
    let settings = &meeting["settings"];
    for (name, expected) in [
        ("waiting_room", json!(false)),
        ("join_before_host", json!(true)),
        ("auto_recording", json!("none")),
        ("use_pmi", json!(false)),
        ("approval_type", json!(2)),
        ("meeting_authentication", json!(false)),
        ("email_notification", json!(false)),
    ] {
        assert_eq!(settings[name], expected, "{name}");
    }
    let [asked] = &hospital.asked("POST", "/v2/users")[..] else { panic!("once") };
    assert_eq!(asked.path, "/zoom/v2/users/me/meetings");
    assert_eq!((asked.header("x-request-id"), asked.header("content-type")), (Some("req-1"), Some("application/json")));
}

#[tokio::test]
async fn a_host_may_be_named_by_their_address() {
    let mut hospital = Hospital::open().await;
    let host = "second-ward@hospital.example";
    hospital.standins.zoom().reconfigure(|settings| settings.users.push(host.to_owned()));
    hospital.account.config = config("kabul", "zoom-account", host);
    hospital.create().await.unwrap();
    assert_eq!(hospital.standins.zoom().meetings()[0]["host_email"], host);
}

#[tokio::test]
async fn the_stored_address_holds_no_passcode_and_each_meeting_has_its_own() {
    let hospital = Hospital::open().await;
    let (one, two) = (hospital.create().await.unwrap(), hospital.create().await.unwrap());
    let meetings = hospital.standins.zoom().meetings();
    let passcode = |meeting: &Value| meeting["password"].as_str().unwrap().to_owned();
    assert_ne!(passcode(&meetings[0]), passcode(&meetings[1]));
    for (room, meeting) in [(&one, &meetings[0]), (&two, &meetings[1])] {
        assert_eq!(passcode(meeting).len(), 10);
        let join_url = meeting["join_url"].as_str().unwrap();
        let (bare, secret) = join_url.split_once('?').unwrap();
        assert_eq!(room.url.as_str(), bare);
        assert!(secret.starts_with("pwd="));
        assert!(!room.url.as_str().contains(['?', '#']));
    }
    assert_ne!(one.url, two.url);
}

#[tokio::test]
async fn a_provider_gets_the_hosts_address_and_everybody_else_the_participants() {
    let hospital = Hospital::open().await;
    let room = hospital.create().await.unwrap();
    let meeting = hospital.standins.zoom().meetings().remove(0);
    for role in ParticipantRole::ALL {
        let expected = if role == ParticipantRole::Provider { &meeting["start_url"] } else { &meeting["join_url"] };
        assert_eq!(hospital.url(&room, role).await.unwrap(), expected.as_str().unwrap(), "{role:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    /// Whoever they are and whatever was consented to: who is no provider never holds what starts the meeting.
    #[test]
    fn nobody_but_a_provider_is_ever_host(
        role in proptest::sample::select(&ParticipantRole::ALL[..]),
        recording_enabled in proptest::bool::ANY,
        person in proptest::num::u128::ANY,
        (from, length) in (0..4_000_000_000_i64, 0..100_000_i64),
    ) {
        type Ward = (tokio::runtime::Runtime, Hospital, Room);
        static WARD: std::sync::LazyLock<Ward> = std::sync::LazyLock::new(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let (hospital, room) = runtime.block_on(async {
                let hospital = Hospital::open().await;
                let room = hospital.create().await.unwrap();
                (hospital, room)
            });
            (runtime, hospital, room)
        });
        let (runtime, hospital, room) = &*WARD;
        let (trace, issued_at) = (trace(), time::OffsetDateTime::from_unix_timestamp(from).unwrap());
        let grant = VideoGrant {
            participant_id: ParticipantId::from_uuid(Uuid::from_u128(person)),
            recording_enabled,
            link: None,
            issued_at,
            expires_at: issued_at + Duration::seconds(length),
            ..grant(room, role, &trace)
        };
        let url = runtime.block_on(hospital.video.join_url(&hospital.config, &grant)).unwrap();
        proptest::prop_assert_eq!(url.contains("zak="), role == ParticipantRole::Provider);
        proptest::prop_assert_eq!(url.contains("pwd="), role != ParticipantRole::Provider);
    }
}

#[tokio::test]
async fn a_meeting_that_runs_is_ended_and_its_addresses_open_nothing() {
    let hospital = Hospital::open().await;
    let room = hospital.create().await.unwrap();
    let zoom = hospital.standins.zoom();
    assert!(zoom.start(number(&room)));
    hospital.close(&room).await.unwrap();
    assert!(zoom.meetings().is_empty() && !zoom.start(number(&room)), "nobody can start it again");
    for role in ParticipantRole::ALL {
        assert_eq!(fault(hospital.url(&room, role).await), NeighbourFault::Status(404));
    }
}

#[tokio::test]
async fn closing_what_is_not_there_is_success() {
    let hospital = Hospital::open().await;
    let room = hospital.create().await.unwrap();
    hospital.release(&room).await.unwrap();
    assert!(hospital.standins.zoom().meetings().is_empty());
    hospital.release(&room).await.unwrap();
    hospital.close(&room).await.unwrap();
    let [deleted, ..] = &hospital.asked("DELETE", "/v2/meetings")[..] else { panic!("it is deleted") };
    assert!(deleted.path.ends_with("?schedule_for_reminder=false"), "{}", deleted.path);
}

/// It runs on, and whoever is in it stays: that is not what was wanted.
#[tokio::test]
async fn a_meeting_that_runs_and_may_not_be_ended_is_no_success() {
    let hospital = Hospital::open().await;
    let room = hospital.create().await.unwrap();
    let zoom = hospital.standins.zoom();
    zoom.start(number(&room));
    zoom.reconfigure(|settings| settings.scopes.retain(|scope| !scope.contains("update:status")));
    assert_eq!(fault(hospital.close(&room).await), NeighbourFault::Status(400));
    assert_eq!(fault(hospital.release(&room).await), NeighbourFault::Status(400));
    assert!(zoom.is_started(number(&room)));
}

#[tokio::test]
async fn a_room_that_is_no_meeting_of_zooms_is_not_asked_for() {
    let hospital = Hospital::open().await;
    for url in ["https://meet.example/kabul-k3j9x2qa", "https://zoom.example/j/", "https://zoom.example/j/1/status"] {
        let room = Room { name: RoomName::parse("kabul-k3j9x2qa").unwrap(), url: HttpsUrl::parse(url).unwrap() };
        assert_eq!(fault(hospital.url(&room, ParticipantRole::Provider).await), NeighbourFault::Malformed, "{url}");
        assert_eq!(fault(hospital.close(&room).await), NeighbourFault::Malformed, "{url}");
        assert_eq!(fault(hospital.release(&room).await), NeighbourFault::Malformed, "{url}");
    }
    assert!(hospital.standins.requests(vcare_testkit::Name::Zoom).is_empty());
}
