//! The services that read our stream, as users of `deploy/nats` with the consumers of `deploy/nats/consumers`: each has what
//! it subscribed to, and NATS refuses it everything else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::{Client, ConnectOptions, Event, Message, jetstream};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use support::{
    READERS, as_the_service, assert_published, connected, deploy_nats, event, jetstream_as, server_with,
    server_with_our_users, stored,
};
use vcare_adapters_nats::{NatsPublisher, STREAM};
use vcare_app::events::catalogue::EVENT_TYPES;
use vcare_app::ports::{EventPublisher, StoredEvent};
use vcare_testkit::pacts::MessagePact;
use vcare_testkit::{NatsServer, until};

/// A connection, and what NATS refused it.
struct User {
    client: Client,
    context: jetstream::Context,
    refusals: Arc<Mutex<Vec<String>>>,
}

impl User {
    /// A reader, as docs/events.md tells it to connect.
    async fn connected(server: &NatsServer, name: &str) -> Self {
        let refusals = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&refusals);
        let options = ConnectOptions::with_user_and_password(name.to_owned(), "word".to_owned())
            .custom_inbox_prefix(format!("_INBOX_{name}"))
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    told.lock().unwrap().push(error.to_string().to_lowercase());
                }
                async {}
            });
        let client = options.connect(server.url()).await.unwrap();
        Self { context: jetstream::new(client.clone()), client, refusals }
    }

    /// Waits until NATS says that it may not do that.
    async fn is_refused(&self, what: &str, subject: &str) {
        let refusal = format!("permissions violation for {what} to \"{subject}\"").to_lowercase();
        until(&refusal, async || self.refusals.lock().unwrap().iter().any(|told| told.contains(&refusal))).await;
    }

    async fn consumer(&self, name: &str) -> Consumer<pull::Config> {
        self.context.get_consumer_from_stream(name, STREAM).await.unwrap()
    }
}

fn consumer_file(reader: &str) -> Value {
    let file = deploy_nats().join("consumers").join(format!("{reader}.json"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn filter_of(reader: &str) -> String {
    consumer_file(reader)["filter_subject"].as_str().unwrap().to_owned()
}

/// What the API of JetStream takes for a consumer.
fn wish(config: &Value) -> Vec<u8> {
    json!({ "stream_name": STREAM, "config": config }).to_string().into()
}

fn is_answer(message: &Message) -> bool {
    let body: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
    message.status.is_none() && body.get("error").is_none()
}

/// As an operator does it.
async fn make_consumer(operator: &jetstream::Context, reader: &str) {
    let subject = format!("$JS.API.CONSUMER.CREATE.{STREAM}.{reader}.{}", filter_of(reader));
    let made = operator.client().request(subject, wish(&consumer_file(reader)).into()).await.unwrap();
    assert!(is_answer(&made), "{made:?}");
}

/// A server whose stream has one event of each type, and the consumers of all readers; with the service and an operator.
async fn server() -> (NatsServer, NatsPublisher, jetstream::Context) {
    let server = server_with_our_users().await;
    let service = connected(&as_the_service(&server)).await;
    let events: Vec<StoredEvent> = (1_u128..)
        .zip(&EVENT_TYPES)
        .map(|(number, kind)| StoredEvent { subject: kind.subject.to_owned(), ..event(number, "a") })
        .collect();
    assert_published(&service.publish(&events).await);
    let operator = jetstream_as(&server, "operator", "op").await;
    for reader in READERS {
        make_consumer(&operator, reader).await;
    }
    (server, service, operator)
}

#[tokio::test]
async fn each_reader_receives_and_acknowledges_its_own_events_and_no_others() {
    let (server, _service, _operator) = server().await;
    for reader in READERS {
        let user = User::connected(&server, reader).await;
        let mut consumer = user.consumer(reader).await;
        let mut received = BTreeSet::new();
        // Until the server says that there are no more.
        let mut messages = consumer.fetch().max_messages(100).messages().await.unwrap();
        while let Some(message) = messages.next().await {
            let message = message.unwrap();
            message.double_ack().await.unwrap();
            received.insert(message.subject.to_string());
        }
        let for_it: &[&str] = match reader {
            "billing" => {
                &["virtual_care.billing.async_visit_chargeable.v1", "virtual_care.billing.session_chargeable.v1"]
            }
            "audit" => &["virtual_care.audit.recorded.v1"],
            _ => &["virtual_care.session.fallback.initiated.v1"],
        };
        assert!(received.iter().eq(for_it), "{reader}: {received:?}");
        let pact = MessagePact::committed(&format!("{reader}-service"), "virtual-care-service").unwrap();
        assert!(pact.messages.iter().all(|message| received.contains(message.subject().unwrap())), "{reader}");
        let info = consumer.info().await.unwrap();
        assert_eq!((info.num_pending, info.num_ack_pending), (0, 0), "{reader}");
        assert_eq!(*user.refusals.lock().unwrap(), Vec::<String>::new(), "{reader}");
    }
}

/// Every other way to what is in the stream that the API of JetStream has: name, subject and what is sent there.
fn ways_to_read(reader: &str) -> Vec<(&'static str, String, Vec<u8>)> {
    let (own, all) = (filter_of(reader), "virtual_care.>");
    let other = if reader == "billing" { "audit" } else { "billing" };
    let others = filter_of(other);
    let named = |name: &str, more: Value| {
        let mut config = json!({ "name": name, "durable_name": name, "ack_policy": "explicit" });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wish(&config)
    };
    let create = |rest: &str| format!("$JS.API.CONSUMER.CREATE.{STREAM}{rest}");
    let durable = |name: &str| format!("$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.{name}");
    let of_stream = |what: &str| format!("$JS.API.{what}.{STREAM}");
    let body = |value: Value| value.to_string().into_bytes();
    vec![
        ("another filter", create(&format!(".w1.{others}")), named("w1", json!({ "filter_subject": others }))),
        ("a wider filter", create(&format!(".w2.{all}")), named("w2", json!({ "filter_subject": all }))),
        ("no filter", create(".w3"), named("w3", json!({}))),
        ("a filter in the body alone", create(".w4"), named("w4", json!({ "filter_subject": own }))),
        ("several filters", create(".w5"), named("w5", json!({ "filter_subjects": [own, others] }))),
        ("its own filter again", create(&format!(".w6.{own}")), named("w6", json!({ "filter_subject": own }))),
        (
            "deliveries to anywhere",
            create(&format!(".w7.{own}")),
            named("w7", json!({ "filter_subject": own, "deliver_subject": "anywhere" })),
        ),
        ("no name", create(""), wish(&json!({ "ack_policy": "explicit" }))),
        ("the older request", durable("w8"), named("w8", json!({ "filter_subject": own }))),
        (
            "its consumer made wider",
            create(&format!(".{reader}.{all}")),
            named(reader, json!({ "filter_subject": all })),
        ),
        ("its consumer without filter", create(&format!(".{reader}")), named(reader, json!({}))),
        ("its consumer by the older request", durable(reader), named(reader, json!({ "filter_subject": others }))),
        ("a message by its number", of_stream("STREAM.MSG.GET"), body(json!({ "seq": 1 }))),
        ("the last one of a subject", of_stream("STREAM.MSG.GET"), body(json!({ "last_by_subj": all }))),
        ("directly by its number", of_stream("DIRECT.GET"), body(json!({ "seq": 1 }))),
        ("directly by its subject", format!("{}.{}", of_stream("DIRECT.GET"), EVENT_TYPES[0].subject), vec![]),
        ("another one's consumer", format!("{}.{other}", of_stream("CONSUMER.MSG.NEXT")), body(json!({ "batch": 1 }))),
        ("what others have read", format!("{}.{other}", of_stream("CONSUMER.INFO")), vec![]),
        ("who reads", of_stream("CONSUMER.LIST"), vec![]),
        ("the stream's subjects", of_stream("STREAM.INFO"), body(json!({ "subjects_filter": ">" }))),
        (
            "a copy of the stream",
            "$JS.API.STREAM.CREATE.COPY".to_owned(),
            body(json!({ "name": "COPY", "mirror": { "name": STREAM } })),
        ),
        (
            "a backup",
            of_stream("STREAM.SNAPSHOT"),
            body(json!({ "deliver_subject": format!("_INBOX_{reader}.backup") })),
        ),
        (
            "a stream that takes its events in",
            "$JS.API.STREAM.CREATE.TAKEN".to_owned(),
            body(json!({ "name": "TAKEN", "sources": [{ "name": STREAM }] })),
        ),
    ]
}

#[tokio::test]
async fn every_other_way_to_read_is_refused_to_a_reader_and_is_one_for_who_may() {
    for reader in READERS {
        let (server, _service, operator) = server().await;
        // Reading directly has to be refused where a stream allows it, too.
        let mut config = operator.get_stream(STREAM).await.unwrap().cached_info().config.clone();
        config.allow_direct = true;
        operator.update_stream(&config).await.unwrap();
        let ways = ways_to_read(reader);
        let user = User::connected(&server, reader).await;
        let mut answers = user.client.subscribe(format!("_INBOX_{reader}.>")).await.unwrap();
        for (way, subject, body) in &ways {
            let inbox = format!("_INBOX_{reader}.answer");
            user.client.publish_with_reply(subject.clone(), inbox, body.clone().into()).await.unwrap();
            user.is_refused("publish", subject).await;
            assert!(answers.next().now_or_never().is_none(), "{reader}: {way}");
        }
        // None of them is refused because it is wrong: an operator is answered.
        for (way, subject, body) in ways {
            let inbox = operator.client().new_inbox();
            let mut answers = operator.client().subscribe(inbox.clone()).await.unwrap();
            operator.client().publish_with_reply(subject, inbox, body.into()).await.unwrap();
            let answer = tokio::time::timeout(Duration::from_secs(20), answers.next()).await;
            let answer = answer.ok().flatten().unwrap_or_else(|| panic!("{reader}: {way}: no answer"));
            assert!(is_answer(&answer), "{reader}: {way}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_reader_hears_neither_what_is_published_nor_what_another_one_is_sent() {
    for reader in READERS {
        let (server, service, operator) = server().await;
        let other = if reader == "billing" { "audit" } else { "billing" };
        let inbox = format!("_INBOX_{other}.>");
        let own = filter_of(reader);
        let (user, others) = (User::connected(&server, reader).await, User::connected(&server, other).await);
        let subjects =
            ["virtual_care.>", &own, ">", "*.>", "_INBOX.>", &inbox, "$JS.ACK.>", "$JS.API.>", "$JS.EVENT.ADVISORY.>"];
        let (mut heard, mut allowed) = (Vec::new(), Vec::new());
        for subject in &subjects {
            heard.push(user.client.subscribe((*subject).to_owned()).await.unwrap());
            user.is_refused("subscription", subject).await;
            allowed.push(operator.client().subscribe((*subject).to_owned()).await.unwrap());
        }
        heard.push(user.client.queue_subscribe("virtual_care.>", "group".to_owned()).await.unwrap());
        operator.client().flush().await.unwrap();

        // A whole day in short: an event of the reader, and another reader at work.
        let kind = EVENT_TYPES.iter().find(|kind| kind.subject.starts_with(own.trim_end_matches('>'))).unwrap();
        let published = StoredEvent { subject: kind.subject.to_owned(), ..event(100, "a") };
        assert_published(&service.publish(&[published]).await);
        let consumer = others.consumer(other).await;
        let mut messages = consumer.fetch().max_messages(1).messages().await.unwrap();
        messages.next().await.unwrap().unwrap().double_ack().await.unwrap();
        // Who may hears it under each of the subjects.
        for (subject, allowed) in subjects.iter().zip(&mut allowed) {
            let message = tokio::time::timeout(Duration::from_secs(20), allowed.next()).await;
            assert!(message.is_ok_and(|message| message.is_some()), "{subject} is heard");
        }
        user.consumer(reader).await.info().await.unwrap();
        for heard in &mut heard {
            assert!(heard.next().now_or_never().is_none(), "{reader}");
        }
    }
}

#[tokio::test]
async fn a_reader_acknowledges_nothing_for_another_one() {
    let (server, _service, operator) = server().await;
    for (reader, other) in [("billing", "audit"), ("audit", "communication"), ("communication", "billing")] {
        let (user, others) = (User::connected(&server, reader).await, User::connected(&server, other).await);
        let mut consumer = others.consumer(other).await;
        let mut messages = consumer.fetch().max_messages(1).messages().await.unwrap();
        let message = messages.next().await.unwrap().unwrap();
        let acknowledgement = message.reply.clone().unwrap();
        user.client.publish(acknowledgement.clone(), "+ACK".into()).await.unwrap();
        user.is_refused("publish", &acknowledgement).await;
        assert_eq!(consumer.info().await.unwrap().num_ack_pending, 1, "{other}");
        let acknowledged = operator.client().request(acknowledgement, "+ACK".into()).await.unwrap();
        assert!(is_answer(&acknowledged));
        assert_eq!(consumer.info().await.unwrap().num_ack_pending, 0, "{other}");
    }
}

#[tokio::test]
async fn a_reader_publishes_no_event_and_changes_nothing() {
    let (server, service, operator) = server().await;
    let events = service.last_sequence().await.unwrap();
    let mut forged: Vec<String> = EVENT_TYPES.iter().map(|kind| kind.subject.to_owned()).collect();
    forged.extend(["virtual_care.anything", "set_aside.virtual_care.anything"].map(ToOwned::to_owned));
    forged.extend(
        ["STREAM.UPDATE", "STREAM.PURGE", "STREAM.DELETE", "STREAM.MSG.DELETE"]
            .map(|what| format!("$JS.API.{what}.{STREAM}")),
    );
    for reader in READERS {
        let user = User::connected(&server, reader).await;
        let consumers = READERS.map(|consumer| format!("$JS.API.CONSUMER.DELETE.{STREAM}.{consumer}"));
        for subject in forged.iter().chain(&consumers) {
            user.client.publish(subject.clone(), "{}".into()).await.unwrap();
            user.is_refused("publish", subject).await;
        }
    }
    assert_eq!(service.last_sequence().await.unwrap(), events);
    assert_eq!(operator.get_stream(STREAM).await.unwrap().cached_info().state.consumer_count, READERS.len());
    // Who may is not refused.
    operator.publish(EVENT_TYPES[0].subject, "{}".into()).await.unwrap().await.unwrap();
    assert_eq!(service.last_sequence().await.unwrap(), events + 1);
}

/// NATS asks who may publish to the subject of a request, and not to that of its answer. So a reader can have answers written
/// into the stream; what it writes itself does not get there.
#[tokio::test]
async fn what_a_reader_has_nats_answer_into_the_stream_is_no_event_or_one_that_was_there() {
    let (server, _service, operator) = server().await;
    for reader in READERS {
        // Without an id, as if it had been published before the two hours in which the stream knows repeats.
        let own = filter_of(reader).replace('>', "old");
        let genuine = json!({ "specversion": "1.0", "id": format!("evt_{reader}") }).to_string();
        operator.publish(own, genuine.into()).await.unwrap().await.unwrap();
    }
    let there: Vec<_> = stored(&operator).await.into_iter().map(|message| (message.subject, message.payload)).collect();
    for reader in READERS {
        let user = User::connected(&server, reader).await;
        let target = if reader == "billing" { "virtual_care.audit.forged" } else { "virtual_care.billing.forged" };
        let forged = json!({ "specversion": "1.0", "id": "evt_forged", "batch": 100, "no_wait": true }).to_string();
        for request in ["MSG.NEXT", "INFO"] {
            let subject = format!("$JS.API.CONSUMER.{request}.{STREAM}.{reader}");
            user.client.publish_with_reply(subject, target, forged.clone().into()).await.unwrap();
        }
        let acknowledgement = format!("$JS.ACK.{STREAM}.{reader}.1.1.1.1.0");
        user.client.publish_with_reply(acknowledgement, target, forged.into()).await.unwrap();
        user.client.flush().await.unwrap();
    }
    let mut added = Vec::new();
    until("each reader's requests were answered into the stream", async || {
        let info = operator.get_stream(STREAM).await.unwrap().cached_info().state.messages;
        info >= u64::try_from(there.len() + 2 * READERS.len()).unwrap()
    })
    .await;
    for message in stored(&operator).await.into_iter().skip(there.len()) {
        let body: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
        added.push((message.subject.to_string(), body["specversion"].is_string()));
        let copied = there.contains(&(message.subject, message.payload));
        assert!(copied || body.get("specversion").is_none(), "{body}");
    }
    assert!(added.iter().any(|(subject, is_event)| subject.ends_with(".forged") && !is_event), "{added:?}");
}

/// What docs/deployment.md says for who wants to prevent that.
#[tokio::test]
async fn a_reader_in_an_account_of_its_own_reads_as_before_and_has_no_answer_put_into_the_stream() {
    let subjects = ["$JS.API.CONSUMER.INFO", "$JS.API.CONSUMER.MSG.NEXT", "$JS.ACK"];
    let [info, next, ack] = subjects.map(|subject| format!("{subject}.{STREAM}.billing"));
    // Without JetStream of its own, it knows the API of the other account by another name.
    let [own_info, own_next] = [&info, &next].map(|subject| subject.replace("$JS.API", "VCARE.API"));
    let server = server_with(&format!(
        "accounts {{
           VCARE {{ jetstream: enabled, users: [ {{ user: operator, password: op }} ], exports: [
             {{ service: \"{info}\", accounts: [ BILLING ] }}
             {{ service: \"{next}\", accounts: [ BILLING ], response_type: stream }}
             {{ service: \"{ack}.>\", accounts: [ BILLING ] }} ] }}
           BILLING {{ users: [ {{ user: billing, password: word }} ], imports: [
             {{ service: {{ account: VCARE, subject: \"{info}\" }}, to: \"{own_info}\" }}
             {{ service: {{ account: VCARE, subject: \"{next}\" }}, to: \"{own_next}\" }}
             {{ service: {{ account: VCARE, subject: \"{ack}.>\" }} }} ] }}
         }}"
    ))
    .await;
    let operator = jetstream_as(&server, "operator", "op").await;
    let subjects = vec!["virtual_care.>".to_owned()];
    let stream = jetstream::stream::Config { name: STREAM.to_owned(), subjects, ..Default::default() };
    operator.create_stream(stream).await.unwrap();
    make_consumer(&operator, "billing").await;
    for _ in 0..2 {
        operator.publish("virtual_care.billing.old", "{}".into()).await.unwrap().await.unwrap();
    }
    let mut user = User::connected(&server, "billing").await;
    user.context = jetstream::with_prefix(user.client.clone(), "VCARE.API");
    let consumer = user.consumer("billing").await;
    for request in [own_info, own_next, format!("{ack}.1.1.1.1.0")] {
        user.client.publish_with_reply(request, "virtual_care.billing.forged", "".into()).await.unwrap();
    }
    // In its account nobody waits for answers there. It reads as ever.
    let mut messages = consumer.fetch().max_messages(1).messages().await.unwrap();
    messages.next().await.unwrap().unwrap().double_ack().await.unwrap();
    assert_eq!(operator.get_stream(STREAM).await.unwrap().cached_info().state.messages, 2);
}

#[tokio::test]
async fn nobody_comes_in_without_a_password() {
    let server = server_with_our_users().await;
    assert!(async_nats::connect(server.url()).await.is_err());
    for user in READERS.into_iter().chain(["vcare"]) {
        for password in ["", "wrong"] {
            let options = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
            assert!(options.connect(server.url()).await.is_err(), "{user}");
        }
    }
}
