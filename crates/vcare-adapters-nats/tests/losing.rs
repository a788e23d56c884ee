//! A stream that has lost what it acknowledged.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{config, connected, event};
use vcare_adapters_nats::NatsPublisher;
use vcare_app::ports::{EventPublisher, KeptEvent};
use vcare_domain::EventId;
use vcare_testkit::until;

/// Publishes events of these numbers, and keeps what was acknowledged.
async fn publish(publisher: &NatsPublisher, numbers: std::ops::RangeInclusive<u128>) -> Vec<KeptEvent> {
    let mut kept = Vec::new();
    for number in numbers {
        let event = event(number, "a");
        support::publish_in_the_end(publisher, &event).await;
        // The same again: it says where the first one is.
        let again = publisher.publish(std::slice::from_ref(&event)).await.remove(0).unwrap();
        assert!(again.duplicate);
        kept.push(KeptEvent { id: event.id, sequence: again.sequence });
    }
    kept
}

fn ids(kept: &[KeptEvent]) -> Vec<EventId> {
    kept.iter().map(|event| event.id).collect()
}

#[tokio::test]
async fn what_an_old_copy_of_the_streams_files_lacks_is_found() {
    let mut server = support::server().await;
    let publisher = connected(&config(&server)).await;
    let mut kept = publish(&publisher, 1..=10).await;
    server.stop().await;
    server.keep_a_copy().unwrap();
    server.restart().await.unwrap();
    kept.extend(publish(&publisher, 11..=20).await);
    assert_eq!(publisher.last_sequence().await.unwrap(), 20);
    assert!(publisher.holds(&kept[14]).await.unwrap());
    assert_eq!(publisher.missing(&kept).await.unwrap(), []);

    // What a power cut leaves behind.
    server.stop().await;
    server.put_the_copy_back().unwrap();
    server.restart().await.unwrap();
    until("it is connected again", async || publisher.last_sequence().await.is_ok()).await;
    assert_eq!(publisher.last_sequence().await.unwrap(), 10);
    assert!(publisher.holds(&kept[4]).await.unwrap());
    assert!(!publisher.holds(&kept[14]).await.unwrap());
    assert_eq!(publisher.missing(&kept).await.unwrap(), ids(&kept[10..]));

    // Sequence numbers are used again, and hide nothing.
    let again = publish(&publisher, 21..=35).await;
    assert_eq!(again[0].sequence, 11);
    assert!(!publisher.holds(&kept[14]).await.unwrap());
    kept.extend(again);
    kept.sort_by_key(|event| event.sequence);
    let mut missing = publisher.missing(&kept).await.unwrap();
    missing.sort_unstable();
    assert_eq!(missing, (11..=20).map(|number| event(number, "a").id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_that_is_gone_lacks_everything() {
    let server = support::server().await;
    let publisher = connected(&config(&server)).await;
    assert_eq!(publisher.last_sequence().await.unwrap(), 0);
    let kept = publish(&publisher, 1..=3).await;
    let jetstream = support::jetstream(&server).await;
    jetstream.delete_stream(vcare_adapters_nats::STREAM).await.unwrap();
    assert_eq!(publisher.missing(&kept).await.unwrap(), ids(&kept));
    assert!(!publisher.holds(&kept[0]).await.unwrap());
    // The same events, in a stream that was made anew and counts from 1.
    publish(&publisher, 1..=2).await;
    assert_eq!(publisher.missing(&kept).await.unwrap(), ids(&kept[2..]));
}

#[tokio::test]
async fn what_went_by_the_streams_limits_is_not_missed() {
    let server = support::server().await;
    let publisher = connected(&config(&server)).await;
    let kept = publish(&publisher, 1..=5).await;
    let stream = support::jetstream(&server).await.get_stream(vcare_adapters_nats::STREAM).await.unwrap();
    stream.purge().sequence(4).await.unwrap();
    assert!(publisher.holds(&kept[0]).await.unwrap());
    assert_eq!(publisher.missing(&kept).await.unwrap(), []);
}

#[tokio::test]
async fn a_last_message_that_was_deleted_is_missed_and_not_waited_for() {
    let server = support::server().await;
    // An operator made the stream, and may delete from it.
    let stream = async_nats::jetstream::stream::Config {
        name: vcare_adapters_nats::STREAM.to_owned(),
        subjects: vec![vcare_adapters_nats::STREAM_SUBJECTS.to_owned()],
        ..Default::default()
    };
    let stream = support::jetstream(&server).await.create_stream(stream).await.unwrap();
    let publisher = connected(&config(&server)).await;
    let kept = publish(&publisher, 1..=3).await;
    stream.delete_message(3).await.unwrap();
    assert!(!publisher.holds(&kept[2]).await.unwrap());
    assert_eq!(publisher.missing(&kept).await.unwrap(), ids(&kept[2..]));
    // From there on the stream has nothing at all.
    assert_eq!(publisher.missing(&kept[2..]).await.unwrap(), ids(&kept[2..]));
}

#[tokio::test]
async fn without_a_connection_nobody_waits_for_an_answer() {
    let mut server = support::server().await;
    let publisher = connected(&config(&server)).await;
    server.stop().await;
    until("the connection is gone", async || !publisher.health()).await;
    let refused = publisher.last_sequence().await.unwrap_err();
    assert_eq!(refused.0.to_string(), "not connected to NATS");
}
