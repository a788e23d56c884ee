//! The events that subscribers read of are those that are published.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use vcare_app::events::catalogue::EVENT_TYPES;
use vcare_testkit::documents::{Row, page};
use vcare_testkit::pacts::MessagePact;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn rows(head: &str) -> Vec<Row> {
    let mut rows = page("docs/events.md").unwrap().rows();
    rows.retain(|row| row.heads[0] == head);
    rows
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_event_type_is_described_once_and_no_other_one() {
    let mut told = BTreeMap::new();
    for row in rows("type") {
        let subject = row.cells[0].trim_matches('`').to_owned();
        assert!(row.cells.len() == 4 && row.cells.iter().all(|cell| !cell.is_empty()), "{}", row.place);
        assert_eq!(told.insert(subject.clone(), row.cells[2].clone()), None, "{subject} stands there twice");
    }
    assert_eq!(
        told.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        EVENT_TYPES.iter().map(|event| event.subject).collect()
    );
    // What the unit of work takes for the ordering key.
    for (subject, key) in &told {
        let ordered_with = match subject.split('.').nth(1).unwrap() {
            "session" => "session",
            "async_visit" => "async visit",
            "billing" if subject.contains("async_visit") => "async visit",
            "billing" => "session",
            "config" => "tenant's settings",
            "access" | "subject" => "patient",
            "audit" => "`resourceId`",
            other => panic!("say here what events of {other} are ordered with"),
        };
        assert_eq!(key, ordered_with, "{subject}");
    }
}

#[test]
fn every_consumer_that_agreed_on_an_event_is_named_with_it() {
    let told: BTreeMap<String, String> =
        rows("type").iter().map(|row| (row.cells[0].trim_matches('`').to_owned(), row.cells[3].clone())).collect();
    let mut agreed = 0;
    for file in fs::read_dir(root().join("contracts/pacts/messages")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let Some(consumer) = name.strip_suffix("--virtual-care-service.json") else { continue };
        for message in MessagePact::committed(consumer, "virtual-care-service").unwrap().messages {
            let subject = message.subject().unwrap();
            assert!(told[subject].contains(consumer), "{consumer} consumes {subject}");
            agreed += 1;
        }
    }
    assert!(agreed >= 3, "{agreed}");
}

#[test]
fn every_reader_has_the_filter_and_the_inbox_that_are_told() {
    let read = |file: &str| fs::read_to_string(root().join("deploy/nats").join(file)).unwrap();
    let (users, mut told) = (read("users.conf"), BTreeSet::new());
    for row in rows("service") {
        let [user, filter, inbox] = [1, 2, 3].map(|cell| row.cells[cell].trim_matches('`').to_owned());
        assert_eq!(row.cells[0], format!("{user}-service"), "{}", row.place);
        let consumer: serde_json::Value = serde_json::from_str(&read(&format!("consumers/{user}.json"))).unwrap();
        for (field, value) in [("name", &user), ("durable_name", &user), ("filter_subject", &filter)] {
            assert_eq!(consumer[field], value.as_str(), "{user}: {field}");
        }
        assert!(users.contains(&format!("subscribe: [ \"{inbox}.>\" ]")), "{user}: {inbox}");
        told.insert(format!("{user}.json"));
    }
    let files = fs::read_dir(root().join("deploy/nats/consumers")).unwrap();
    let files: BTreeSet<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(told, files);
}

/// In the sources an audit entry's kind is the only text that is spelt like that.
#[test]
fn every_kind_of_audit_entry_is_described() {
    let mut written = BTreeSet::new();
    for file in [
        "crates/vcare-app/src/ai/totals.rs",
        "crates/vcare-app/src/consents.rs",
        "crates/vcare-app/src/events/audit.rs",
        "crates/vcare-app/src/events/audit_subject.rs",
        "crates/vcare-app/src/operations/jobs.rs",
        "crates/vcare-app/src/subjects/order.rs",
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let kind =
            |word: &&str| word.contains('_') && word.chars().all(|sign| sign.is_ascii_uppercase() || sign == '_');
        written.extend(text.split('"').skip(1).step_by(2).filter(kind).map(ToOwned::to_owned));
    }
    assert!(written.contains("JOB_PARKED") && written.contains("RECORD_READ"), "{written:?}");
    let told: Vec<String> = rows("`eventType`")
        .iter()
        .flat_map(|row| quoted(&row.cells[0]).map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect();
    let kinds: BTreeSet<String> = told.iter().cloned().collect();
    assert_eq!(kinds.len(), told.len(), "one stands there twice: {told:?}");
    assert_eq!(kinds, written);
}
