//! How the stream is kept, as far as a server tells.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use async_nats::jetstream::stream::{Config, DiscardPolicy};
use support::{assert_published, config, connected, event, jetstream, server, server_with};
use vcare_adapters_nats::{STREAM, STREAM_SUBJECTS};
use vcare_app::ports::EventPublisher;

#[tokio::test]
async fn how_full_a_stream_is_is_told_by_its_own_limit() {
    let server = server().await;
    let publisher = connected(&config(&server)).await;
    assert_eq!(publisher.stream_standing().await.unwrap(), None, "there is none yet");
    let narrow = Config {
        name: STREAM.to_owned(),
        subjects: vec![STREAM_SUBJECTS.to_owned()],
        max_bytes: 4096,
        discard: DiscardPolicy::New,
        ..Config::default()
    };
    jetstream(&server).await.create_stream(narrow).await.unwrap();
    let empty = publisher.stream_standing().await.unwrap().unwrap();
    assert_eq!((empty.replicas, empty.on_file, empty.drops_oldest, &*empty.behind), (1, true, false, &[][..]));
    assert_eq!((empty.stream.limit, empty.stream.percent()), (Some(4096), Some(0)));
    assert_eq!(empty.account.unwrap().limit, None, "nobody has limited it");

    for number in 1..=10 {
        assert_published(&publisher.publish(&[event(number, "a")]).await);
    }
    let standing = publisher.stream_standing().await.unwrap().unwrap();
    assert!(standing.stream.used > 1000 && standing.stream.percent().unwrap() > 25, "{standing:?}");
}

#[tokio::test]
async fn how_full_an_account_is_is_told_where_it_has_a_limit() {
    let settings =
        "accounts { A { jetstream { max_file: 1048576, max_mem: 1048576 }, users: [{ user: a, password: a }] } }
                    no_auth_user: a";
    let server = server_with(settings).await;
    let publisher = connected(&config(&server)).await;
    publisher.ensure_stream().await.unwrap();
    assert_published(&publisher.publish(&[event(1, "a")]).await);
    let standing = publisher.stream_standing().await.unwrap().unwrap();
    let account = standing.account.unwrap();
    assert!(account.limit == Some(1_048_576) && account.used > 0, "{account:?}");
    assert_eq!(standing.stream.limit, None);
}

#[tokio::test]
async fn who_may_not_ask_about_the_account_is_told_of_the_stream_all_the_same() {
    let settings = "authorization { users: [{ user: vcare, password: vcare, permissions: {
                        publish: [ \"virtual_care.>\", \"$JS.API.STREAM.>\" ], subscribe: [ \"_INBOX.>\" ] } }] }
                    no_auth_user: vcare";
    let server = server_with(settings).await;
    let mut config = config(&server);
    config.ack_timeout = std::time::Duration::from_millis(500);
    let publisher = connected(&config).await;
    publisher.ensure_stream().await.unwrap();
    let standing = publisher.stream_standing().await.unwrap().unwrap();
    assert_eq!((standing.replicas, standing.account), (1, None));
}
