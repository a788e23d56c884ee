//! Subscribing to what the communication-service publishes of threads, on a real NATS server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_nats::jetstream;
use async_nats::jetstream::stream::Config;
use async_trait::async_trait;
use serde_json::{Value, json};
use support::{config, connected, jetstream, server};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vcare_adapters_nats::{NatsPublisher, SET_ASIDE_STREAM, SubscriptionConfig, ThreadSubscription};
use vcare_app::AppError;
use vcare_app::ports::{MessageOutcome, RefusedMessage, StoreError, ThreadCreated, ThreadSubscriber};
use vcare_domain::{PatientId, TenantId, ThreadId};
use vcare_testkit::pacts::{Matcher, MessagePact, PactMessage, Rules};
use vcare_testkit::{NatsServer, until};

const SUBJECT: &str = "communication.thread.created";
const CONSUMER: &str = "virtual-care-threads";

/// Writes down what it is given, and answers what it was told to; `None` is a failure of the store.
#[derive(Default)]
struct Clerk {
    answers: Mutex<VecDeque<Option<MessageOutcome>>>,
    seen: Mutex<Vec<ThreadCreated>>,
}

impl Clerk {
    fn answering(answers: impl IntoIterator<Item = Option<MessageOutcome>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), seen: Mutex::default() })
    }

    fn threads(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|message| message.thread_id.to_string()).collect()
    }
}

#[async_trait]
impl ThreadSubscriber for Clerk {
    async fn thread_created(&self, message: &ThreadCreated) -> Result<MessageOutcome, AppError> {
        self.seen.lock().unwrap().push(message.clone());
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Some(MessageOutcome::Recorded));
        answer.ok_or(AppError::Store(StoreError::Corrupt { table: "virtual_session", column: "status" }))
    }
}

fn wanted(max_deliver: u32) -> SubscriptionConfig {
    SubscriptionConfig {
        stream: "COMMUNICATION".to_owned(),
        subject: SUBJECT.to_owned(),
        consumer: CONSUMER.to_owned(),
        max_deliver,
        managed: true,
    }
}

async fn stream(jetstream: &jetstream::Context) {
    let subjects = vec!["communication.>".to_owned()];
    let config = Config { name: "COMMUNICATION".to_owned(), subjects, ..Config::default() };
    jetstream.create_stream(config).await.unwrap();
}

fn message(thread: &str) -> Value {
    json!({
        "specversion": "1.0", "id": "c3b6f0de-51a8-4c34-9f06-2d6c7d0f8a11", "source": "ghasi/communication-service",
        "type": "ghasi.digital_communication.thread.created",
        "data": {
            "threadId": thread, "tenantId": "kabul", "sessionId": "vsn_00000000000000000000000001",
            "idempotencyKey": "eccb9cb9-340e-55fb-96b8-5d6a91257fb1", "patientId": "pat-1",
        },
    })
}

async fn publish(jetstream: &jetstream::Context, body: impl Into<String>) {
    jetstream.publish(SUBJECT, body.into().into()).await.unwrap().await.unwrap();
}

struct Running(CancellationToken, JoinHandle<()>);

impl Running {
    async fn stop(self) {
        self.0.cancel();
        self.1.await.unwrap();
    }
}

fn run(publisher: &NatsPublisher, config: SubscriptionConfig, clerk: &Arc<Clerk>) -> Running {
    let (subscription, stop) = (ThreadSubscription::new(publisher, config), CancellationToken::new());
    let (clerk, until) = (Arc::clone(clerk), stop.clone());
    Running(stop, tokio::spawn(async move { subscription.run(clerk, until).await }))
}

/// How many messages are neither acknowledged nor refused.
async fn open(jetstream: &jetstream::Context) -> u64 {
    let stream = jetstream.get_stream("COMMUNICATION").await.unwrap();
    let info = stream.consumer_info(CONSUMER).await.unwrap();
    info.num_pending + u64::try_from(info.num_ack_pending).unwrap()
}

async fn set_aside(jetstream: &jetstream::Context) -> Vec<(String, String)> {
    let Ok(stream) = jetstream.get_stream(SET_ASIDE_STREAM).await else { return Vec::new() };
    let mut kept = Vec::new();
    for sequence in 1..=stream.cached_info().state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let reason = message.headers.get("Vcare-Reason").unwrap().to_string();
        kept.push((reason, String::from_utf8(message.payload.to_vec()).unwrap()));
    }
    kept
}

async fn started() -> (NatsServer, jetstream::Context, NatsPublisher) {
    let server = server().await;
    let jetstream = jetstream(&server).await;
    stream(&jetstream).await;
    let publisher = connected(&config(&server)).await;
    (server, jetstream, publisher)
}

#[tokio::test]
async fn a_thread_is_handed_on_and_its_message_is_acknowledged_whatever_comes_of_it() {
    let (_server, jetstream, publisher) = started().await;
    let refused = MessageOutcome::Refused(RefusedMessage::UnknownVisit);
    let clerk = Clerk::answering([Some(MessageOutcome::Recorded), Some(MessageOutcome::Repeated), Some(refused)]);
    for thread in ["thr_1", "thr_1", "thr_2"] {
        publish(&jetstream, message(thread).to_string()).await;
    }
    let running = run(&publisher, wanted(3), &clerk);
    until("all are handled", async || clerk.threads().len() == 3).await;
    until("all are acknowledged", async || open(&jetstream).await == 0).await;
    running.stop().await;
    assert_eq!(clerk.threads(), ["thr_1", "thr_1", "thr_2"]);
    assert!(set_aside(&jetstream).await.is_empty());
}

#[tokio::test]
async fn several_workers_share_the_messages() {
    let (_server, jetstream, publisher) = started().await;
    let clerk = Arc::new(Clerk::default());
    let running = [run(&publisher, wanted(3), &clerk), run(&publisher, wanted(3), &clerk)];
    for number in 0..40 {
        publish(&jetstream, message(&format!("thr_{number}")).to_string()).await;
    }
    until("all are handled", async || clerk.threads().len() >= 40).await;
    until("all are acknowledged", async || open(&jetstream).await == 0).await;
    for running in running {
        running.stop().await;
    }
    let mut threads = clerk.threads();
    threads.sort();
    threads.dedup();
    assert_eq!((threads.len(), clerk.threads().len()), (40, 40), "each one once");
}

#[tokio::test]
async fn what_fails_is_delivered_again_and_set_aside_after_so_many_times() {
    let (_server, jetstream, publisher) = started().await;
    let clerk = Clerk::answering([None, None]);
    publish(&jetstream, message("thr_1").to_string()).await;
    let running = run(&publisher, wanted(2), &clerk);
    until("it is set aside", async || !set_aside(&jetstream).await.is_empty()).await;
    until("it is not delivered again", async || open(&jetstream).await == 0).await;
    assert_eq!(clerk.threads(), ["thr_1", "thr_1"]);
    let kept = set_aside(&jetstream).await;
    assert_eq!(kept, [("not_handled".to_owned(), message("thr_1").to_string())]);
    // The next one is handled as ever.
    publish(&jetstream, message("thr_2").to_string()).await;
    until("the next one is handled", async || clerk.threads().len() == 3).await;
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_set_aside_at_once_and_what_is_not_ours_is_passed_by() {
    let (_server, jetstream, publisher) = started().await;
    let clerk = Arc::new(Clerk::default());
    publish(&jetstream, "no JSON").await;
    let mut others = message("thr_2");
    others["data"].as_object_mut().unwrap().remove("sessionId");
    publish(&jetstream, others.to_string()).await;
    publish(&jetstream, message("thr_3").to_string()).await;
    let running = run(&publisher, wanted(3), &clerk);
    until("ours is handled", async || clerk.threads() == ["thr_3"]).await;
    until("none is open", async || open(&jetstream).await == 0).await;
    running.stop().await;
    assert_eq!(set_aside(&jetstream).await, [("malformed".to_owned(), "no JSON".to_owned())]);
}

#[tokio::test]
async fn a_consumer_that_operators_manage_is_used_and_never_created() {
    let (_server, jetstream, publisher) = started().await;
    let ours = async || jetstream.get_stream("COMMUNICATION").await.unwrap().consumer_info(CONSUMER).await;
    let clerk = Arc::new(Clerk::default());
    publish(&jetstream, message("thr_1").to_string()).await;
    let unmanaged = SubscriptionConfig { managed: false, ..wanted(3) };
    let running = run(&publisher, unmanaged.clone(), &clerk);
    running.stop().await;
    assert!(ours().await.is_err(), "nobody created it");
    let managed = run(&publisher, wanted(3), &clerk);
    until("it is there", async || ours().await.is_ok()).await;
    managed.stop().await;
    publish(&jetstream, message("thr_2").to_string()).await;
    let running = run(&publisher, unmanaged, &clerk);
    until("it is used", async || clerk.threads().contains(&"thr_2".to_owned())).await;
    running.stop().await;
}

/// What we ask of the communication-service: these fields, in these shapes, and whatever else it wants to say.
#[tokio::test]
async fn the_pact_with_communication_service_says_what_is_read_of_a_created_thread() {
    let id = r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$";
    let rules = Rules::new()
        .body("$.data.threadId", Matcher::regex(id))
        .body("$.data.tenantId", Matcher::regex(id))
        .body("$.data.sessionId", Matcher::regex("^vsn_[0-9A-HJKMNP-TV-Z]{26}$"))
        .body("$.data.idempotencyKey", Matcher::regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))
        .body("$.data.patientId", Matcher::regex(id));
    let contents = json!({"data": message("thr_1")["data"]});
    let created = PactMessage::new("the thread of a visit was created", SUBJECT, contents, rules);

    let (_server, jetstream, publisher) = started().await;
    let clerk = Arc::new(Clerk::default());
    publish(&jetstream, created.contents.to_string()).await;
    let running = run(&publisher, wanted(3), &clerk);
    until("it is read", async || !clerk.threads().is_empty()).await;
    running.stop().await;
    let read = clerk.seen.lock().unwrap()[0].clone();
    let expected = ThreadCreated {
        tenant_id: TenantId::parse("kabul").unwrap(),
        session_id: "vsn_00000000000000000000000001".parse().unwrap(),
        idempotency_key: "eccb9cb9-340e-55fb-96b8-5d6a91257fb1".parse().unwrap(),
        patient_id: Some(PatientId::parse("pat-1").unwrap()),
        thread_id: ThreadId::parse("thr_1").unwrap(),
    };
    assert_eq!(read, expected);
    MessagePact::new("virtual-care-service", "communication-service", vec![created]).must_be_committed();
}
