//! Publishing to a real NATS server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType};
use support::{
    assert_published, config, connected, event, jetstream, jetstream_as, publish_in_the_end, server, server_with,
    stored,
};
use vcare_adapters_nats::{NatsCredentials, NatsPublisher, STREAM, STREAM_SUBJECTS};
use vcare_app::ports::{EventPublisher, PublishError, Secret, StoredEvent};
use vcare_testkit::until;

fn bodies(messages: &[async_nats::jetstream::message::StreamMessage]) -> Vec<Vec<u8>> {
    messages.iter().map(|message| message.payload.to_vec()).collect()
}

fn said<T: std::fmt::Debug>(result: &Result<T, PublishError>) -> String {
    result.as_ref().unwrap_err().0.to_string()
}

#[tokio::test]
async fn nats_holds_an_event_byte_for_byte_under_its_id() {
    let server = server().await;
    let publisher = connected(&config(&server)).await;
    let event = event(7, "a");
    assert_published(&publisher.publish(std::slice::from_ref(&event)).await);

    let messages = stored(&jetstream(&server).await).await;
    assert_eq!(bodies(&messages), std::slice::from_ref(&event.body));
    let message = &messages[0];
    assert_eq!(message.subject.as_str(), event.subject);
    let header = |name: &str| message.headers.get(name).unwrap().as_str().to_owned();
    assert_eq!(header("Nats-Msg-Id"), event.id.to_string());
    assert!(header("Nats-Msg-Id").starts_with("evt_"));
    assert_eq!(header("Content-Type"), "application/cloudevents+json");
}

#[tokio::test]
async fn nats_stores_the_same_event_once() {
    let server = server().await;
    let publisher = connected(&config(&server)).await;
    let events = [event(1, "a"), event(2, "b")];
    for _ in 0..3 {
        assert_published(&publisher.publish(&events).await);
    }
    // Nor does another process's copy count.
    assert_published(&connected(&config(&server)).await.publish(&events).await);
    assert_eq!(stored(&jetstream(&server).await).await.len(), 2);
}

#[tokio::test]
async fn nats_keeps_the_order_of_events_that_are_published_one_after_another() {
    let server = server().await;
    let publisher = connected(&config(&server)).await;
    let mut expected = Vec::new();
    for wave in 0..20_u128 {
        let events: Vec<StoredEvent> = (0..10).map(|key| event(1 + wave * 10 + key, &format!("key {key}"))).collect();
        assert_published(&publisher.publish(&events).await);
        expected.extend(events);
    }
    let messages = stored(&jetstream(&server).await).await;
    for key in 0..10 {
        let own = |all: &[Vec<u8>]| all.iter().filter(|body| number(body) % 10 == key).cloned().collect::<Vec<_>>();
        let expected: Vec<_> = expected.iter().map(|event| event.body.clone()).collect();
        assert_eq!(own(&bodies(&messages)), own(&expected));
    }
}

fn number(body: &[u8]) -> u64 {
    serde_json::from_slice::<serde_json::Value>(body).unwrap()["number"].as_u64().unwrap()
}

#[tokio::test]
async fn without_nats_the_start_does_not_wait_and_publishing_fails_at_once_until_it_is_there() {
    let mut server = server().await;
    let config = config(&server);
    server.kill();

    let begun = Instant::now();
    let publisher = NatsPublisher::connect(&config).await.unwrap();
    assert!(!publisher.health());
    let events = [event(1, "a"), event(2, "b")];
    for result in publisher.publish(&events).await {
        assert_eq!(said(&result), "not connected to NATS");
    }
    assert!(publisher.ensure_stream().await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());

    server.restart().await.unwrap();
    publish_in_the_end(&publisher, &events[0]).await;
    assert!(publisher.health());
}

#[tokio::test]
async fn a_nats_server_that_crashes_and_comes_back_is_used_again_by_itself() {
    let mut server = server().await;
    let publisher = connected(&config(&server)).await;
    assert_published(&publisher.publish(&[event(1, "a")]).await);
    for number in 2..5 {
        server.kill();
        until("the loss is noticed", async || !publisher.health()).await;
        let begun = Instant::now();
        assert!(publisher.publish(&[event(number, "a")]).await[0].is_err());
        assert!(begun.elapsed() < Duration::from_secs(1), "it took {:?}", begun.elapsed());
        server.restart().await.unwrap();
        publish_in_the_end(&publisher, &event(number, "a")).await;
    }
    let expected: Vec<_> = (1..5).map(|number| event(number, "a").body).collect();
    assert_eq!(bodies(&stored(&jetstream(&server).await).await), expected);
}

#[tokio::test]
async fn a_nats_connection_lost_before_the_acknowledgement_fails_at_once_and_the_retry_counts_once() {
    let mut server = server().await;
    let mut config = config(&server);
    config.ack_timeout = Duration::from_secs(30);
    let publisher = connected(&config).await;
    publisher.ensure_stream().await.unwrap();

    server.signal("-STOP").unwrap();
    let events = [event(1, "a"), event(2, "b")];
    let begun = Instant::now();
    let (results, ()) = tokio::join!(publisher.publish(&events), async { server.kill() });
    for result in &results {
        assert_eq!(said(result), "the connection to NATS was lost before the acknowledgement");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());

    server.restart().await.unwrap();
    for event in &events {
        publish_in_the_end(&publisher, event).await;
    }
    assert_eq!(stored(&jetstream(&server).await).await.len(), 2);
}

#[tokio::test]
async fn a_silent_nats_server_is_asked_with_one_event_before_it_gets_all_again() {
    let server = server().await;
    let mut config = config(&server);
    config.ack_timeout = Duration::from_millis(200);
    let publisher = connected(&config).await;
    let events: Vec<_> = (1..=50).map(|number| event(number, &number.to_string())).collect();
    assert_published(&publisher.publish(&events[..1]).await);
    assert_eq!(publisher.refusal(), None);

    server.signal("-STOP").unwrap();
    for result in publisher.publish(&events).await {
        assert_eq!(said(&result), "NATS did not acknowledge in time");
    }
    let results = publisher.publish(&events).await;
    assert_eq!(said(&results[0]), "NATS did not acknowledge in time");
    for result in &results[1..] {
        assert_eq!(said(result), "not sent: the stream does not answer");
    }
    assert_eq!(publisher.refusal().unwrap(), "NATS did not acknowledge in time");
    server.signal("-CONT").unwrap();
    publish_in_the_end(&publisher, &events[0]).await;
    assert_eq!(publisher.refusal(), None);
    assert_published(&publisher.publish(&events).await);
    assert_eq!(stored(&jetstream(&server).await).await.len(), 50, "what arrived late was known by its id");
}

#[tokio::test]
async fn an_event_that_nats_refuses_does_not_hold_back_the_others() {
    let server = server().await;
    let publisher = connected(&config(&server)).await;
    let mut events = [event(1, "a"), event(2, "b"), event(3, "c")];
    events[0].subject = "elsewhere.v1".to_owned();
    events[1].body = vec![b' '; 2 << 20];
    let results = publisher.publish(&events).await;
    assert_eq!(said(&results[0]), "no stream takes this subject");
    assert_eq!(said(&results[1]), "the event is larger than the NATS server allows");
    assert_published(&results[2..]);
    // Nothing was taken, and that is the event's own fault.
    assert!(publisher.publish(&events[1..2]).await[0].is_err());
    assert_eq!(publisher.refusal(), None);
}

#[tokio::test]
async fn the_nats_stream_is_created_as_configured() {
    let server = server().await;
    connected(&config(&server)).await.ensure_stream().await.unwrap();
    let stream = jetstream(&server).await.get_stream(STREAM).await.unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.subjects, ["virtual_care.>"]);
    assert_eq!((config.storage, config.retention), (StorageType::File, RetentionPolicy::Limits));
    assert_eq!(config.max_age, Duration::from_secs(30 * 24 * 3600));
    assert_eq!(config.duplicate_window, Duration::from_secs(2 * 3600));
    assert_eq!(config.num_replicas, 1);
    assert!(config.deny_delete && !config.deny_purge);
}

#[tokio::test]
async fn an_existing_nats_stream_is_widened_and_keeps_its_events_and_its_other_limits() {
    let server = server().await;
    let jetstream = jetstream(&server).await;
    let narrow = Config {
        name: STREAM.to_owned(),
        subjects: vec!["virtual_care.session.>".to_owned(), "other.>".to_owned()],
        max_bytes: 1 << 24,
        max_messages: 1000,
        max_age: Duration::from_secs(3600),
        ..Config::default()
    };
    jetstream.create_stream(narrow).await.unwrap();
    jetstream.publish("other.before", "kept".into()).await.unwrap().await.unwrap();

    let publisher = connected(&config(&server)).await;
    let mut audit = event(1, "a");
    audit.subject = "virtual_care.audit.recorded.v1".to_owned();
    assert_published(&publisher.publish(std::slice::from_ref(&audit)).await);

    assert_eq!(bodies(&stored(&jetstream).await), [b"kept".to_vec(), audit.body]);
    let stream = jetstream.get_stream(STREAM).await.unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.subjects, ["other.>", "virtual_care.>"]);
    assert_eq!((config.max_bytes, config.max_messages), (1 << 24, 1000));
    assert_eq!(config.max_age, Duration::from_secs(30 * 24 * 3600));
}

#[tokio::test]
async fn a_nats_stream_that_went_away_is_created_again() {
    let server = server().await;
    let publisher = connected(&config(&server)).await;
    assert_published(&publisher.publish(&[event(1, "a")]).await);
    let jetstream = jetstream(&server).await;
    jetstream.delete_stream(STREAM).await.unwrap();
    assert_eq!(said(&publisher.publish(&[event(2, "a")]).await[0]), "no stream takes this subject");
    assert_published(&publisher.publish(&[event(2, "a")]).await);
    assert_eq!(bodies(&stored(&jetstream).await), [event(2, "a").body]);
}

#[tokio::test]
async fn a_nats_stream_that_operators_manage_is_not_touched() {
    let server = server().await;
    let mut config = config(&server);
    config.stream.managed = false;
    let publisher = connected(&config).await;
    publisher.ensure_stream().await.unwrap();
    assert_eq!(said(&publisher.publish(&[event(1, "a")]).await[0]), "no stream takes this subject");
    assert!(jetstream(&server).await.get_stream(STREAM).await.is_err());
}

#[tokio::test]
async fn nats_is_told_who_we_are_and_a_user_who_may_not_see_the_stream_publishes_all_the_same() {
    let users = r#"authorization { users: [
        { user: operator, password: op }
        { user: vcare, password: word, permissions: { publish: { deny: ["$JS.API.STREAM.>"] } } }
    ] }"#;
    let server = server_with(users).await;
    let jetstream = jetstream_as(&server, "operator", "op").await;
    let subjects = vec![STREAM_SUBJECTS.to_owned()];
    jetstream.create_stream(Config { name: STREAM.to_owned(), subjects, ..Config::default() }).await.unwrap();

    let mut config = config(&server);
    config.credentials = NatsCredentials::User { name: "vcare".to_owned(), password: Secret::new("word") };
    config.ack_timeout = Duration::from_millis(300);
    let publisher = connected(&config).await;
    assert!(publisher.ensure_stream().await.is_err());
    assert_published(&publisher.publish(&[event(1, "a"), event(2, "b")]).await);
    assert!(publisher.ensure_stream().await.is_ok(), "an event taken shows that the stream is there");
}
