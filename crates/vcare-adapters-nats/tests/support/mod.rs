//! Clients for a private NATS server, and what is published and found there.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::jetstream;
use uuid::Uuid;
use vcare_adapters_nats::{NatsConfig, NatsCredentials, NatsPublisher, STREAM};
use vcare_app::ports::{EventPublisher, PublishError, Secret, StoredEvent};
use vcare_domain::EventId;
use vcare_testkit::{NatsOptions, NatsServer, until};

pub async fn server() -> NatsServer {
    NatsServer::start().await.unwrap()
}

/// One with more settings, in the language of its configuration file.
pub async fn server_with(settings: &str) -> NatsServer {
    NatsServer::start_with(NatsOptions { settings: settings.to_owned(), ..Default::default() }).await.unwrap()
}

/// Where the files for operators of NATS are.
pub fn deploy_nats() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nats")
}

/// The services that read our stream: each is a user of `deploy/nats/users.conf` and a consumer of the same name.
pub const READERS: [&str; 3] = ["billing", "audit", "communication"];

/// A server with the users of `deploy/nats`, whose password is `word`, and one more that may do everything.
pub async fn server_with_our_users() -> NatsServer {
    let mut users = std::fs::read_to_string(deploy_nats().join("users.conf")).unwrap();
    users = users.replace("$VCARE_NATS_PASSWORD", "word");
    for reader in READERS {
        users = users.replace(&format!("$VCARE_NATS_{}_PASSWORD", reader.to_uppercase()), "word");
    }
    server_with(&users.replacen("users: [", "users: [ { user: operator, password: op }", 1)).await
}

/// As the service is set up there.
pub fn as_the_service(server: &NatsServer) -> NatsConfig {
    let credentials = NatsCredentials::User { name: "vcare".to_owned(), password: Secret::new("word") };
    NatsConfig { credentials, ack_timeout: Duration::from_secs(2), ..config(server) }
}

pub fn config(server: &NatsServer) -> NatsConfig {
    NatsConfig::new([server.url()])
}

/// A second client, to look with.
pub async fn jetstream(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

/// The same, with a password.
pub async fn jetstream_as(server: &NatsServer, user: &str, password: &str) -> jetstream::Context {
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    jetstream::new(options.connect(server.url()).await.unwrap())
}

pub async fn connected(config: &NatsConfig) -> NatsPublisher {
    let publisher = NatsPublisher::connect(config).await.unwrap();
    until("it is connected", async || publisher.health()).await;
    publisher
}

pub fn event(number: u128, key: &str) -> StoredEvent {
    StoredEvent {
        position: i64::try_from(number).unwrap(),
        id: EventId::from_uuid(Uuid::from_u128(number)),
        subject: "virtual_care.session.started.v1".to_owned(),
        ordering_key: key.to_owned(),
        body: format!("{{\"number\":{number}, \"unchanged\" : \"سلام\"}}").into_bytes(),
    }
}

pub fn assert_published<T>(results: &[Result<T, PublishError>]) {
    for result in results {
        if let Err(error) = result {
            panic!("not published: {:?}", error.0);
        }
    }
}

/// Publishes until it goes, as the relay does.
pub async fn publish_in_the_end(publisher: &NatsPublisher, event: &StoredEvent) {
    let one = std::slice::from_ref(event);
    until("it is published", async || matches!(publisher.publish(one).await.as_slice(), [Ok(_)])).await;
}

/// All that is in the stream, oldest first.
pub async fn stored(jetstream: &jetstream::Context) -> Vec<jetstream::message::StreamMessage> {
    let stream = jetstream.get_stream(STREAM).await.unwrap();
    let state = &stream.cached_info().state;
    let mut messages = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        messages.push(stream.get_raw_message(sequence).await.unwrap());
    }
    messages
}
