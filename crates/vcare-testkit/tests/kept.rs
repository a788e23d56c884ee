//! Stand-ins with a folder: killing them loses nothing that they acknowledged.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{ask, put};
use vcare_testkit::standins::encounters_in;
use vcare_testkit::{Standins, StandinsConfig};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("vcare-test-{}-{name}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn standins(folder: &Path) -> Standins {
    Standins::start(StandinsConfig { folder: Some(folder.to_owned()), ..Default::default() }).await.unwrap()
}

async fn create(standins: &Standins, value: &str) -> (u16, Value) {
    let encounter = json!({
        "resourceType": "Encounter",
        "identifier": [{"system": "urn:x", "value": value}],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR"},
    });
    let condition = format!("identifier=urn:x|{value}");
    let headers = [("content-type", "application/fhir+json"), ("if-none-exist", condition.as_str())];
    let answer = ask("POST", &format!("{}/Encounter", standins.fhir_url()), &headers, &encounter.to_string()).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn what_stand_ins_acknowledged_is_there_when_they_come_back() {
    let folder = Folder::new("kept");
    let first = standins(&folder.0).await;
    let (status, created) = create(&first, "visit-1").await;
    assert_eq!(status, 201);
    put(&format!("{}/_control/consent/patients/pat-1", first.base_url()), r#"{"telehealth":true}"#).await;
    first.assign("dr-9", "pat-1");
    first.make_proxy("mother-1", "pat-2", "rp-7");
    let (ca, key) = (first.ca_pem().to_owned(), first.issuer().key().id().to_owned());
    // As good as killed: nothing is written at the end.
    first.stop().await;

    let second = standins(&folder.0).await;
    let (status, found) = create(&second, "visit-1").await;
    assert_eq!((status, &found["id"]), (200, &created["id"]));
    assert_eq!(encounters_in(&folder.0).unwrap(), second.encounters());
    let consents = ask("GET", &format!("{}/_control/consent/patients/pat-1", second.base_url()), &[], "").await;
    assert_eq!(consents.json()["telehealth"], true);
    for (relation, member, expected) in
        [("assigned/dr-9/pat-1", "assigned", json!(true)), ("proxies/mother-1/pat-2", "relatedPersonId", json!("rp-7"))]
    {
        let url = format!("{}/_control/access/{relation}", second.base_url());
        assert_eq!(ask("GET", &url, &[], "").await.json()[member], expected, "{relation}");
    }
    assert_eq!((second.ca_pem(), second.issuer().key().id()), (ca.as_str(), key.as_str()));
}

#[tokio::test]
async fn half_a_line_of_the_journal_was_never_acknowledged_and_is_gone() {
    let folder = Folder::new("half");
    let first = standins(&folder.0).await;
    assert_eq!(create(&first, "visit-1").await.0, 201);
    first.stop().await;
    let journal = folder.0.join("encounters.jsonl");
    let mut file = std::fs::OpenOptions::new().append(true).open(&journal).unwrap();
    file.write_all(br#"{"resourceType":"Enc"#).unwrap();

    let second = standins(&folder.0).await;
    assert_eq!(create(&second, "visit-2").await.0, 201);
    assert_eq!(create(&second, "visit-1").await.0, 200);
    assert_eq!(encounters_in(&folder.0).unwrap().len(), 2);
}
