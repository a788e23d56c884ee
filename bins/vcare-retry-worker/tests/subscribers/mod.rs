//! Events are proven with their subscribers: stand-ins that subscribe to the real stream and check what they receive.

use serde_json::{Value, json};
use vcare_testkit::pacts::MessagePact;
use vcare_testkit::{Mode, Name, Subscriber, until};

use crate::ward::Ward;

const CREATED: &str = "virtual_care.session.fallback.thread_created.v1";
const CHARGEABLE: &str = "virtual_care.billing.session_chargeable.v1";
const HEARD: &str = "communication.thread.created";

fn nothing_is_wrong(subscriber: &Subscriber) {
    assert_eq!(subscriber.wrong(), Vec::<String>::new());
}

/// Waits until a worker has counted so many messages of that outcome.
async fn counted(ward: &Ward, worker: &vcare_testkit::ServiceProcess, outcome: &str, count: usize) {
    let line = format!("vcare_messages_total{{outcome=\"{outcome}\"}} {count}");
    until(&line, async || ward.get(worker, "/metrics").await.1.contains(&line)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_while_the_interface_is_down_the_subscriber_creates_the_thread_and_the_worker_hears_of_it() {
    let ward = Ward::start("").await;
    let communication = ward.standins.subscribe_communication(&ward.nats_url()).await.unwrap();
    ward.standins.set_mode(Name::Communication, Mode::DOWN);
    ward.falls_back().await;
    let _workers = [ward.worker().await, ward.worker().await];
    ward.until("SELECT messaging_status = 'created' FROM virtual_session").await;
    ward.until("SELECT NOT EXISTS (SELECT FROM retry_job) AND NOT EXISTS (SELECT FROM outbox)").await;
    assert_eq!((ward.standins.threads().len(), ward.published(CREATED).await), (1, 1));
    assert_eq!(communication.received().len(), 1);
    nothing_is_wrong(&communication);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_the_request_and_the_event_make_one_thread() {
    let ward = Ward::start("").await;
    let communication = ward.standins.subscribe_communication(&ward.nats_url()).await.unwrap();
    // The answer is here before the event is published.
    ward.falls_back().await;
    let worker = ward.worker().await;
    until("the event is heard", async || communication.received().len() == 1).await;
    counted(&ward, &worker, "repeated", 1).await;
    ward.until("SELECT NOT EXISTS (SELECT FROM retry_job) AND NOT EXISTS (SELECT FROM outbox)").await;
    assert_eq!((ward.standins.threads().len(), ward.published(CREATED).await), (1, 1));
    let thread = ward.standins.threads()[0]["threadId"].as_str().unwrap().to_owned();
    ward.until(&format!("SELECT messaging_thread_id = '{thread}' FROM virtual_session")).await;
    nothing_is_wrong(&communication);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_subscriber_that_was_down_or_slow_catches_up() {
    let ward = Ward::start("").await;
    let communication = ward.standins.subscribe_communication(&ward.nats_url()).await.unwrap();
    communication.set_mode(Mode::DOWN);
    ward.standins.set_mode(Name::Communication, Mode::DOWN);
    ward.falls_back().await;
    ward.falls_back().await;
    let _worker = ward.worker().await;
    ward.until("SELECT NOT EXISTS (SELECT FROM outbox)").await;
    assert!(communication.received().is_empty());
    communication.set_mode(Mode::SLOW.after(std::time::Duration::from_millis(300)));
    ward.until("SELECT bool_and(messaging_status = 'created') FROM virtual_session").await;
    assert_eq!(ward.standins.threads().len(), 2);
    nothing_is_wrong(&communication);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_no_visit_changes_nothing_and_is_counted() {
    let ward = Ward::start("").await;
    let communication = ward.standins.subscribe_communication(&ward.nats_url()).await.unwrap();
    communication.set_mode(Mode::WRONG);
    ward.standins.set_mode(Name::Communication, Mode::DOWN);
    let id = ward.falls_back().await;
    let worker = ward.worker().await;
    counted(&ward, &worker, "wrong_key", 1).await;
    let key = communication.received()[0]["data"]["idempotencyKey"].clone();
    let message = |tenant: &str, change: Value| {
        let mut data =
            json!({"threadId": "thr_1", "tenantId": tenant, "sessionId": id.to_string(), "idempotencyKey": key});
        data.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({"specversion": "1.0", "id": "1", "source": "ghasi/communication-service", "data": data})
    };
    communication.publish(HEARD, &message("hosp-herat", json!({}))).await.unwrap();
    counted(&ward, &worker, "unknown_visit", 1).await;
    communication.publish(HEARD, &message("hosp-kabul", json!({"patientId": "pat-other"}))).await.unwrap();
    counted(&ward, &worker, "wrong_patient", 1).await;
    communication.publish(HEARD, &message("hosp-kabul", json!({"threadId": ""}))).await.unwrap();
    counted(&ward, &worker, "set_aside", 1).await;
    communication.publish(HEARD, &message("hosp-kabul", json!({"sessionId": null}))).await.unwrap();
    counted(&ward, &worker, "not_ours", 1).await;
    ward.until("SELECT messaging_status = 'pending' AND messaging_thread_id IS NULL FROM virtual_session").await;
    communication.publish(HEARD, &message("hosp-kabul", json!({}))).await.unwrap();
    ward.until("SELECT messaging_thread_id = 'thr_1' FROM virtual_session").await;
    communication.publish(HEARD, &message("hosp-kabul", json!({"threadId": "thr_2"}))).await.unwrap();
    counted(&ward, &worker, "another_thread", 1).await;
    ward.until("SELECT messaging_thread_id = 'thr_1' FROM virtual_session").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stand_in_publishes_is_what_we_agreed_to_read() {
    let ward = Ward::start("").await;
    let communication = ward.standins.subscribe_communication(&ward.nats_url()).await.unwrap();
    ward.standins.set_mode(Name::Communication, Mode::DOWN);
    ward.falls_back().await;
    let _worker = ward.worker().await;
    ward.until("SELECT messaging_status = 'created' FROM virtual_session").await;
    let pact = MessagePact::committed("virtual-care-service", "communication-service").unwrap();
    let published = communication.published().await.unwrap();
    assert_eq!(published.len(), 1);
    for (subject, body) in published {
        assert_eq!(pact.mismatches(&subject, &body), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn billing_and_audit_receive_what_they_agreed_on_once_each() {
    let ward = Ward::start("").await;
    let billing = Subscriber::start(&ward.nats_url(), "billing-service").await.unwrap();
    let audit = Subscriber::start(&ward.nats_url(), "audit-service").await.unwrap();
    ward.ended_visits(3).await;
    ward.standins.set_mode(Name::Fhir, Mode::UP);
    ward.run("UPDATE retry_job SET due_at = now()").await;
    let _workers = [ward.worker().await, ward.worker().await];
    ward.until("SELECT count(*) = 3 FROM virtual_session WHERE encounter_status = 'created'").await;
    ward.until("SELECT NOT EXISTS (SELECT FROM outbox)").await;
    let published = ward.published(CHARGEABLE).await;
    until("all charges are received", async || billing.received().len() == published).await;
    let mut sessions: Vec<String> =
        billing.received().iter().map(|event| event["data"]["sessionId"].to_string()).collect();
    sessions.sort();
    sessions.dedup();
    assert_eq!((sessions.len(), published), (3, 3), "one charge a visit");
    let entries = ward.published("virtual_care.audit.recorded.v1").await;
    assert!(entries > 0, "links were issued and visits read");
    until("all entries are received", async || audit.received().len() == entries).await;
    nothing_is_wrong(&billing);
    nothing_is_wrong(&audit);
}
