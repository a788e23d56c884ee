//! The FHIR server: as real ones are where it matters, and stricter where they are lenient.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use support::{Answer, ask, client, get, neighbour, standins, trace};
use time::Duration;
use time::macros::datetime;
use vcare_adapters_http::HttpFhirGateway;
use vcare_app::ports::{
    EncounterDraft, EncounterKind, EncounterPart, EncounterParticipant, FhirError, FhirGateway, Period, VirtualService,
};
use vcare_domain::{
    AppointmentId, ChartedEncounter, HttpsUrl, MediaMode, NodeId, PatientId, TenantId, UserId, VideoBackend,
};
use vcare_testkit::{Mode, Name, Standins, StandinsConfig};

const SYSTEM: &str = "urn:ghasi:virtual-care:session";

fn encounter(value: &str) -> Value {
    json!({
        "resourceType": "Encounter",
        "identifier": [{"system": SYSTEM, "value": value}],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR", "display": "virtual"},
        "subject": {"reference": "Patient/pat-1"},
        "period": {"start": "2026-11-23T10:00:00Z", "end": "2026-11-23T10:20:00Z"},
        "length": {"value": 1200, "unit": "s", "system": "http://unitsofmeasure.org", "code": "s"},
    })
}

async fn post(standins: &Standins, body: &Value, condition: Option<&str>) -> Answer {
    let mut headers = vec![("content-type", "application/fhir+json; charset=utf-8")];
    headers.extend(condition.map(|condition| ("if-none-exist", condition)));
    ask("POST", &format!("{}/Encounter", standins.fhir_url()), &headers, &body.to_string()).await
}

#[tokio::test]
async fn a_conditional_create_creates_once_and_then_answers_what_is_there() {
    let standins = standins().await;
    let condition = format!("identifier={SYSTEM}|visit-1");
    let first = post(&standins, &encounter("visit-1"), Some(&condition)).await;
    let second = post(&standins, &encounter("visit-1"), Some(&condition.replace('|', "%7C"))).await;
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.json()["id"], second.json()["id"]);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let location = format!("{}/Encounter/{id}/_history/1", standins.fhir_url());
    for answer in [&first, &second] {
        assert_eq!(answer.header("location"), Some(location.as_str()));
        assert_eq!(answer.header("etag"), Some("W/\"1\""));
        assert_eq!(answer.header("content-type"), Some("application/fhir+json"));
    }
    assert_eq!(get(&location).await.json()["meta"]["versionId"], "1");
    let unconditional = post(&standins, &encounter("visit-1"), None).await;
    assert_eq!((unconditional.status, standins.encounters().len()), (201, 2));
    let several = post(&standins, &encounter("visit-1"), Some(&condition)).await;
    assert_eq!((several.status, several.json()["resourceType"].as_str()), (412, Some("OperationOutcome")));
}

#[tokio::test]
async fn of_conditional_creates_that_race_one_creates() {
    let standins = standins().await;
    let condition = format!("identifier={SYSTEM}|visit-1");
    let body = encounter("visit-1");
    let race = || post(&standins, &body, Some(&condition));
    let answers = tokio::join!(race(), race(), race(), race());
    let mut statuses = [answers.0.status, answers.1.status, answers.2.status, answers.3.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201]);
    assert_eq!(standins.encounters().len(), 1);
}

#[tokio::test]
async fn a_condition_that_real_servers_quarrel_about_is_refused() {
    let standins = standins().await;
    for condition in [
        "Encounter?identifier=urn:x|visit-1",
        "identifier=",
        "identifier=urn:x|",
        "identifier=urn:x|a b",
        "_id=1",
        "patient=pat-1",
        "identifier=urn:x|1&nonsense=2",
    ] {
        let answer = post(&standins, &encounter("visit-1"), Some(condition)).await;
        assert_eq!(answer.status, 400, "{condition}: {}", answer.body);
    }
    assert!(standins.encounters().is_empty());
}

#[tokio::test]
async fn what_is_no_r4_encounter_is_refused_with_the_place() {
    let standins = standins().await;
    let table: [(&str, Value); 21] = [
        ("/resourceType", json!("Patient")),
        ("/id", json!("mine")),
        ("/status", Value::Null),
        ("/status", json!("completed")),
        ("/class", json!([{"coding": [{"code": "VR"}]}])),
        ("/class", json!({"code": "VR"})),
        ("/subject", json!({"reference": "Practitioner/dr-9"})),
        ("/subject", json!({"reference": "Patient/pat 1"})),
        ("/appointment", json!([])),
        ("/appointment", json!({"reference": "Appointment/1"})),
        ("/appointment", json!([{"reference": "Patient/1"}])),
        ("/identifier", json!([{"system": "not a uri", "value": "1"}])),
        ("/participant", json!([{"actor": {"reference": "Practitioner/1"}}])),
        ("/participant", json!([{"individual": {"reference": "Patient/1"}}])),
        ("/participant", json!([{"type": [{"coding": [{"code": "PPRF"}]}]}])),
        ("/period", json!({"start": "2026-11-23T10:00:00"})),
        ("/period", json!({"start": "2026-11-23T10:00:00Z", "end": "2026-11-23T09:00:00Z"})),
        ("/length", json!({"value": "1200", "system": "http://unitsofmeasure.org", "code": "s"})),
        ("/length", json!({"value": 1200, "unit": "s"})),
        ("/actualPeriod", json!({"start": "2026-11-23T10:00:00Z"})),
        ("/serviceProvider", json!({"display": ""})),
    ];
    for (member, value) in table {
        let mut wrong = encounter("visit-1");
        wrong[&member[1..]] = value;
        let answer = post(&standins, &wrong, None).await;
        assert_eq!(answer.status, 400, "{wrong}");
        let place = answer.json()["issue"][0]["expression"][0].as_str().unwrap().replace('.', "/");
        assert!(place.starts_with(&format!("Encounter{member}")), "{member}: {}", answer.body);
    }
    assert!(standins.encounters().is_empty());
    let url = format!("{}/Encounter", standins.fhir_url());
    let other = ask("POST", &url, &[("content-type", "text/plain")], &encounter("1").to_string()).await;
    assert_eq!(other.status, 415);
    let broken = ask("POST", &url, &[("content-type", "application/fhir+json")], "{").await;
    assert_eq!(broken.status, 400);
}

#[tokio::test]
async fn encounters_are_found_by_identifier_and_by_patient() {
    let standins = standins().await;
    for visit in ["visit-1", "visit-2"] {
        assert_eq!(post(&standins, &encounter(visit), None).await.status, 201);
    }
    let table = [
        (format!("identifier={SYSTEM}|visit-2"), 1),
        (format!("identifier={SYSTEM}%7Cvisit-2&_count=50"), 1),
        ("identifier=visit-2".to_owned(), 1),
        ("identifier=%7Cvisit-2".to_owned(), 0),
        (format!("identifier={SYSTEM}|visit-3"), 0),
        ("patient=pat-1".to_owned(), 2),
        ("subject=Patient/pat-2".to_owned(), 0),
        (String::new(), 2),
    ];
    for (query, count) in table {
        let bundle = get(&format!("{}/Encounter?{query}", standins.fhir_url())).await.json();
        assert_eq!(bundle["total"], count, "{query}");
        assert_eq!(bundle.get("entry").is_some(), count > 0, "{query}");
    }
    let unknown = get(&format!("{}/Encounter?idntifier=visit-2", standins.fhir_url())).await;
    assert_eq!(unknown.status, 400);
    assert_eq!(get(&format!("{}/Encounter/nobody", standins.fhir_url())).await.status, 404);
    let metadata = get(&format!("{}/metadata", standins.fhir_url())).await.json();
    assert_eq!(metadata["rest"][0]["resource"][0]["conditionalCreate"], true);
}

#[tokio::test]
async fn who_brings_no_token_is_refused_when_one_is_wanted() {
    let config = StandinsConfig { fhir_bearer: Some("service-token".to_owned()), ..Default::default() };
    let standins = Standins::start(config).await.unwrap();
    let url = format!("{}/Encounter", standins.fhir_url());
    assert_eq!(get(&url).await.status, 401);
    assert_eq!(ask("GET", &url, &[("authorization", "Bearer other")], "").await.status, 401);
    assert_eq!(ask("GET", &url, &[("authorization", "Bearer service-token")], "").await.status, 200);
}

fn draft() -> EncounterDraft {
    let period = Period { start: datetime!(2026-11-23 10:00:05 UTC), end: datetime!(2026-11-23 10:20 UTC) };
    let provider = EncounterParticipant {
        individual: vcare_app::ports::Individual::Practitioner(UserId::parse("dr-9").unwrap()),
        part: EncounterPart::PrimaryPerformer,
        period,
    };
    EncounterDraft {
        identifier_system: SYSTEM,
        identifier_value: "0192f00d-0000-7000-8000-000000000001".to_owned(),
        patient_id: PatientId::parse("pat-1").unwrap(),
        reason: None,
        appointment_id: Some(AppointmentId::parse("appt-1").unwrap()),
        node_id: Some(NodeId::parse("node-1").unwrap()),
        kinds: vec![EncounterKind::Live(MediaMode::Video)],
        virtual_service: Some(VirtualService {
            backend: VideoBackend::Jitsi,
            address: HttpsUrl::parse("https://meet.example/kabul-abcdefgh").unwrap(),
        }),
        participants: vec![provider],
        period,
        length_seconds: Some(1195),
    }
}

async fn record(standins: &Standins, draft: &EncounterDraft) -> Result<ChartedEncounter, FhirError> {
    let gateway = HttpFhirGateway::new(client(&[]), neighbour(&standins.fhir_url()));
    gateway.create_encounter(&TenantId::parse("tenant-a").unwrap(), draft, Duration::seconds(2), &trace()).await
}

#[tokio::test]
async fn the_services_own_encounter_is_taken_once_and_its_oldest_duplicate_is_found() {
    let standins = standins().await;
    let id = record(&standins, &draft()).await.unwrap();
    assert_eq!(record(&standins, &draft()).await.unwrap(), id);
    assert_eq!(standins.encounters().len(), 1);
    standins.put_encounter(standins.encounters()[0].clone());
    assert_eq!(record(&standins, &draft()).await.unwrap(), id);
    assert_eq!(standins.encounters().len(), 2);
}

#[tokio::test]
async fn a_merged_patients_encounter_is_refused_and_the_record_says_which_one_stayed() {
    let standins = standins().await;
    let patient = format!("{}/Patient/pat-1", standins.fhir_url());
    assert_eq!(get(&patient).await.json()["active"], true);
    standins.merge_patient("pat-1", Some("Patient/pat-2"));
    let record_of = get(&patient).await.json();
    assert_eq!((&record_of["active"], &record_of["link"][0]["type"]), (&json!(false), &json!("replaced-by")));
    let charted = record(&standins, &draft()).await.unwrap();
    assert_eq!(charted.patient.as_ref().map(PatientId::as_str), Some("pat-2"));
    assert_eq!(standins.encounters()[0]["subject"]["reference"], "Patient/pat-2");
    // It is there: the same again finds it, and whose it is.
    assert_eq!(record(&standins, &draft()).await.unwrap(), charted);
    standins.merge_patient("pat-1", None);
    let other = EncounterDraft { identifier_value: "0192f00d-0000-7000-8000-000000000002".to_owned(), ..draft() };
    assert_eq!(record(&standins, &other).await, Err(FhirError::Invalid { status: 422 }));
}

#[tokio::test]
async fn the_service_tells_a_server_that_is_down_or_wrong_from_one_that_refuses() {
    let standins = standins().await;
    for mode in [Mode::DOWN, Mode::down_with(429), Mode::SLOW, Mode::WRONG] {
        standins.set_mode(Name::Fhir, mode);
        assert!(matches!(record(&standins, &draft()).await, Err(FhirError::Unavailable(_))), "{mode:?}");
    }
    standins.set_mode(Name::Fhir, Mode::UP);
    let mut backwards = draft();
    backwards.period.end = datetime!(2026-11-23 09:00 UTC);
    assert_eq!(record(&standins, &backwards).await, Err(FhirError::Invalid { status: 400 }));
    assert!(standins.encounters().is_empty());
}
