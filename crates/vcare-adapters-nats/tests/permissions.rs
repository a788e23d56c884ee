//! The user of `deploy/nats` at NATS: it may do what the service does, and no more.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::Config;
use async_trait::async_trait;
use serde_json::json;
use support::{
    READERS, as_the_service, assert_published, connected, deploy_nats, event, jetstream_as, server_with_our_users,
};
use tokio_util::sync::CancellationToken;
use vcare_adapters_nats::{SET_ASIDE_STREAM, SET_ASIDE_SUBJECT, STREAM, SubscriptionConfig, ThreadSubscription};
use vcare_app::AppError;
use vcare_app::ports::{EventPublisher, KeptEvent, MessageOutcome, ThreadCreated, ThreadSubscriber};
use vcare_testkit::until;

const SUBJECT: &str = "communication.thread.created";

/// Counts what it is told of.
#[derive(Default)]
struct Counter(AtomicUsize);

#[async_trait]
impl ThreadSubscriber for Counter {
    async fn thread_created(&self, _message: &ThreadCreated) -> Result<MessageOutcome, AppError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(MessageOutcome::Recorded)
    }
}

#[tokio::test]
async fn the_user_of_deploy_nats_publishes_makes_and_widens_the_stream_and_looks_for_what_it_lost() {
    let server = server_with_our_users().await;
    let publisher = connected(&as_the_service(&server)).await;
    publisher.ensure_stream().await.unwrap();
    let events = [event(1, "a"), event(2, "a"), event(3, "b")];
    let mut kept = Vec::new();
    for (event, acknowledged) in events.iter().zip(publisher.publish(&events).await) {
        kept.push(KeptEvent { id: event.id, sequence: acknowledged.unwrap().sequence });
    }
    kept.sort_by_key(|event| event.sequence);
    assert_eq!(publisher.last_sequence().await.unwrap(), 3);
    assert!(publisher.holds(&kept[1]).await.unwrap());
    assert_eq!(publisher.missing(&kept).await.unwrap(), []);

    let mut wider = as_the_service(&server);
    wider.stream.max_age = Duration::from_secs(60 * 24 * 3600);
    connected(&wider).await.ensure_stream().await.unwrap();
    let operator = jetstream_as(&server, "operator", "op").await;
    let widened = operator.get_stream(STREAM).await.unwrap().cached_info().config.max_age;
    assert_eq!(widened, wider.stream.max_age);

    let set_aside =
        Config { name: SET_ASIDE_STREAM.to_owned(), subjects: vec![SET_ASIDE_SUBJECT.to_owned()], ..Config::default() };
    operator.create_stream(set_aside).await.unwrap();
    assert_eq!(publisher.shorten_streams().await.unwrap(), [STREAM, SET_ASIDE_STREAM]);
}

#[tokio::test]
async fn the_user_of_deploy_nats_subscribes_to_threads_and_sets_aside_what_it_cannot_read() {
    let server = server_with_our_users().await;
    let operator = jetstream_as(&server, "operator", "op").await;
    let subjects = vec!["communication.>".to_owned()];
    let stream = Config { name: "COMMUNICATION".to_owned(), subjects, ..Config::default() };
    operator.create_stream(stream).await.unwrap();
    let data = json!({"threadId": "thread-1", "tenantId": "kabul", "sessionId": "vsn_00000000000000000000000001",
        "idempotencyKey": "eccb9cb9-340e-55fb-96b8-5d6a91257fb1"});
    for body in [json!({ "data": data }).to_string(), "no message".to_owned()] {
        operator.publish(SUBJECT, body.into()).await.unwrap().await.unwrap();
    }

    let publisher = connected(&as_the_service(&server)).await;
    let wanted = SubscriptionConfig {
        stream: "COMMUNICATION".to_owned(),
        subject: SUBJECT.to_owned(),
        consumer: "virtual-care-threads".to_owned(),
        max_deliver: 3,
        managed: true,
    };
    let (subscription, stop) = (ThreadSubscription::new(&publisher, wanted), CancellationToken::new());
    let (counter, stopped) = (Arc::new(Counter::default()), stop.clone());
    let counting = Arc::clone(&counter) as Arc<dyn ThreadSubscriber>;
    let running = tokio::spawn(async move { subscription.run(counting, stopped).await });
    until("the thread is told of", async || counter.0.load(Ordering::SeqCst) == 1).await;
    until("the other message is set aside", async || {
        let aside = operator.get_stream(SET_ASIDE_STREAM).await;
        aside.is_ok_and(|aside| aside.cached_info().state.messages == 1)
    })
    .await;
    until("both are acknowledged", async || {
        let stream = operator.get_stream("COMMUNICATION").await.unwrap();
        let consumer = stream.consumer_info("virtual-care-threads").await.unwrap();
        consumer.num_pending == 0 && consumer.num_ack_pending == 0
    })
    .await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn the_user_of_deploy_nats_neither_deletes_streams_nor_publishes_for_others() {
    let server = server_with_our_users().await;
    let publisher = connected(&as_the_service(&server)).await;
    assert_published(&publisher.publish(&[event(1, "a")]).await);
    let operator = jetstream_as(&server, "operator", "op").await;
    let subjects = vec!["communication.>".to_owned()];
    let others = Config { name: "COMMUNICATION".to_owned(), subjects, ..Config::default() };
    operator.create_stream(others).await.unwrap();

    let options = async_nats::ConnectOptions::with_user_and_password("vcare".to_owned(), "word".to_owned());
    let mut ours = jetstream::new(options.connect(server.url()).await.unwrap());
    // Whoever may not do something hears nothing.
    ours.set_timeout(Duration::from_millis(300));
    assert!(ours.delete_stream(STREAM).await.is_err());
    assert!(ours.publish(SUBJECT, "{}".into()).await.unwrap().await.is_err());
    for (stream, messages) in [(STREAM, 1), ("COMMUNICATION", 0)] {
        assert_eq!(operator.get_stream(stream).await.unwrap().cached_info().state.messages, messages, "{stream}");
    }
}

/// Whether the tests' server is of 2.10 or later, in which everything that the files say is known.
fn knows_every_setting(program: &Path) -> bool {
    let told = std::process::Command::new(program).arg("--version").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let version = told.split('v').next_back().unwrap();
    let numbers: Vec<u32> = version.trim().split('.').take(2).map(|number| number.parse().unwrap()).collect();
    numbers.as_slice() >= [2, 10].as_slice()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "which server the tests use, and no setting of the service")]
fn nats_understands_the_files_of_deploy_nats() {
    let program = std::env::var_os("VCARE_NATS_SERVER").map_or_else(|| "nats-server".into(), std::path::PathBuf::from);
    let from = deploy_nats();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy-nats");
    std::fs::create_dir_all(&folder).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["nats-1".to_owned()]).unwrap().self_signed(&key).unwrap();
    for (name, content) in
        [("server.crt", certificate.pem()), ("ca.crt", certificate.pem()), ("server.key", key.serialize_pem())]
    {
        std::fs::write(folder.join(name), content).unwrap();
    }
    for file in ["users.conf", "one-server.conf", "three-servers.conf"] {
        let mut text = std::fs::read_to_string(from.join(file)).unwrap();
        text = text.replace("/etc/nats", folder.to_str().unwrap());
        if !knows_every_setting(&program) {
            text = text.replace("\n  sync_interval: always\n", "\n");
        }
        std::fs::write(folder.join(file), text).unwrap();
    }
    for file in ["one-server.conf", "three-servers.conf"] {
        let read = std::process::Command::new(&program)
            .args(["-t", "-c"])
            .arg(folder.join(file))
            .envs([("VCARE_NATS_PASSWORD", "\"word\""), ("NATS_SERVER_NAME", "nats-1")])
            .envs(READERS.map(|reader| (format!("VCARE_NATS_{}_PASSWORD", reader.to_uppercase()), "\"word\"")))
            .output()
            .unwrap();
        assert!(read.status.success(), "{file}: {}", String::from_utf8_lossy(&read.stderr));
    }
    // What the table of docs/deployment.md chooses for one server.
    let one = std::fs::read_to_string(from.join("one-server.conf")).unwrap();
    assert!(one.contains("\n  sync_interval: always\n"), "{one}");
}
