//! What subscribers of our events agreed on holds for what the code writes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::{Value, json};
use vcare_testkit::pacts::{MessagePact, verify_officially};

const PROVIDER: &str = "virtual-care-service";
const CONSUMERS: [&str; 3] = ["communication-service", "audit-service", "billing-service"];

fn sample(subject: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../contracts/events/{subject}.sample.json"));
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// The samples are written by the code; other tests hold them to it.
#[test]
fn every_event_that_is_agreed_on_is_published_as_agreed() {
    for consumer in CONSUMERS {
        let pact = MessagePact::committed(consumer, PROVIDER).unwrap();
        assert!(!pact.messages.is_empty(), "{consumer}");
        for message in &pact.messages {
            let subject = message.subject().unwrap();
            let body = sample(subject).to_string();
            assert_eq!(pact.mismatches(subject, body.as_bytes()), Vec::<String>::new(), "{consumer}: {subject}");
        }
    }
}

#[test]
fn an_event_that_breaks_a_pact_is_seen() {
    let pact = MessagePact::committed("billing-service", PROVIDER).unwrap();
    let subject = "virtual_care.billing.session_chargeable.v1";
    for (field, wrong) in [("durationSeconds", json!("long")), ("encounterId", Value::Null), ("sessionId", json!("1"))]
    {
        let mut event = sample(subject);
        event["data"][field] = wrong;
        let mismatches = pact.mismatches(subject, event.to_string().as_bytes());
        assert!(mismatches.len() == 1 && mismatches[0].contains(field), "{field}: {mismatches:?}");
        event["data"].as_object_mut().unwrap().remove(field);
        assert!(!pact.mismatches(subject, event.to_string().as_bytes()).is_empty(), "{field} is gone");
    }
    assert!(!pact.mismatches("virtual_care.session.ended.v1", b"{}").is_empty(), "nothing is agreed on it");
}

fn folder(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).display().to_string()
}

#[tokio::test]
async fn pacts_own_verifier_finds_the_pacts_of_our_subscribers_kept() {
    for consumer in CONSUMERS {
        let pact = folder(&format!("contracts/pacts/messages/{consumer}--{PROVIDER}.json"));
        let verified = verify_officially(&["messages", &pact, &folder("contracts/events")]).await.unwrap();
        assert!(verified.kept, "{consumer}: {}", verified.said);
    }
}

#[tokio::test]
async fn pacts_own_verifier_sees_an_event_that_breaks_a_pact() {
    let subject = "virtual_care.billing.session_chargeable.v1";
    let samples = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken-samples");
    std::fs::create_dir_all(&samples).unwrap();
    let mut event = sample(subject);
    event["data"]["durationSeconds"] = json!("long");
    std::fs::write(samples.join(format!("{subject}.sample.json")), event.to_string()).unwrap();
    let pact = folder(&format!("contracts/pacts/messages/billing-service--{PROVIDER}.json"));
    let verified = verify_officially(&["messages", &pact, &samples.display().to_string()]).await.unwrap();
    assert!(!verified.kept && verified.said.contains("durationSeconds"), "{}", verified.said);
}
