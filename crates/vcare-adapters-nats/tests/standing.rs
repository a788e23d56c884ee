//! How the stream is kept, as far as a server tells.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy};
use support::{assert_published, config, connected, event, jetstream, server, server_with};
use vcare_adapters_nats::{SET_ASIDE_STREAM, SET_ASIDE_SUBJECT, STREAM, STREAM_SUBJECTS};
use vcare_app::ports::{EventPublisher, KeptEvent};
use vcare_testkit::until;

const MOMENT: Duration = Duration::from_millis(200);

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
    config.ack_timeout = Duration::from_millis(500);
    let publisher = connected(&config).await;
    publisher.ensure_stream().await.unwrap();
    let standing = publisher.stream_standing().await.unwrap().unwrap();
    assert_eq!((standing.replicas, standing.account), (1, None));
}

#[tokio::test]
async fn a_stream_that_keeps_events_for_longer_than_configured_is_shortened_only_when_asked() {
    let server = server().await;
    let jetstream = jetstream(&server).await;
    for (name, subjects) in [(STREAM, STREAM_SUBJECTS), (SET_ASIDE_STREAM, SET_ASIDE_SUBJECT)] {
        let subjects = vec![subjects.to_owned()];
        jetstream.create_stream(Config { name: name.to_owned(), subjects, ..Config::default() }).await.unwrap();
    }
    let publisher = connected(&config(&server)).await;
    publisher.ensure_stream().await.unwrap();
    let as_made = publisher.stream_standing().await.unwrap().unwrap();
    assert_eq!((as_made.max_age, as_made.set_aside_max_age), (Duration::ZERO, Some(Duration::ZERO)));

    assert_eq!(publisher.shorten_streams().await.unwrap(), [STREAM, SET_ASIDE_STREAM]);
    let month = Duration::from_secs(30 * 24 * 3600);
    let shortened = publisher.stream_standing().await.unwrap().unwrap();
    assert_eq!((shortened.max_age, shortened.set_aside_max_age), (month, Some(month)));
    assert_eq!(publisher.shorten_streams().await.unwrap(), [""; 0]);
    assert_published(&publisher.publish(&[event(1, "a")]).await);
}

#[tokio::test]
async fn a_shortened_stream_loses_what_is_older_and_keeps_the_order_of_the_rest() {
    let server = server().await;
    let mut config = config(&server);
    // As short as the adapter allows: two minutes, in which the server knows ids again.
    (config.stream.max_age, config.stream.duplicate_window) = (Duration::from_secs(120), Duration::from_secs(120));
    let publisher = connected(&config).await;
    assert_published(&publisher.publish(&[event(1, "a")]).await);
    let jetstream = jetstream(&server).await;
    let stream = jetstream.get_stream(STREAM).await.unwrap();
    // An operator goes further than that.
    let short = Config { max_age: MOMENT, duplicate_window: MOMENT, ..stream.cached_info().config.clone() };
    jetstream.update_stream(short).await.unwrap();
    let first = async || jetstream.get_stream(STREAM).await.unwrap().cached_info().state.first_sequence;
    until("the first event is too old", async || first().await == 2).await;

    let results = publisher.publish(&[event(2, "a"), event(3, "b")]).await;
    let sequences: Vec<u64> = results.into_iter().map(|result| result.unwrap().sequence).collect();
    assert_eq!(sequences, [2, 3]);
    let first = KeptEvent { id: event(1, "a").id, sequence: 1 };
    assert!(publisher.holds(&first).await.unwrap());
    assert_eq!(publisher.missing(&[first]).await.unwrap(), []);
}
