//! Events that break their contract are seen.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use vcare_testkit::events::broken_by;

const ENDED: &str = include_str!("../../../contracts/events/virtual_care.session.ended.v1.sample.json");

#[test]
fn an_event_that_is_not_as_its_schema_says_or_of_no_known_type_is_seen() {
    assert_eq!(broken_by(ENDED.as_bytes()).unwrap(), Vec::<String>::new());
    let mut event: Value = serde_json::from_str(ENDED).unwrap();
    event["data"]["patientName"] = json!("Ahmad");
    let broken = broken_by(event.to_string().as_bytes()).unwrap();
    assert!(broken.len() == 1 && broken[0].contains("patientName"), "{broken:?}");
    event["type"] = json!("virtual_care.session.finished.v1");
    assert!(broken_by(event.to_string().as_bytes()).unwrap_err().to_string().contains("has no schema"));
    assert!(broken_by(b"{}").is_err());
}
