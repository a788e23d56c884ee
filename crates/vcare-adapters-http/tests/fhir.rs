//! The FHIR gateway: one table over everything a server may answer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Instant;

use serde_json::{Value, json as value};
use support::{DEADLINE, Reply, Request, Stub, answer, client, json, neighbour, trace};
use time::Duration;
use time::macros::datetime;
use vcare_adapters_http::{HttpFhirGateway, encounter_resource};
use vcare_app::ports::{EncounterDraft, FhirError, FhirGateway, NeighbourFault, Period};
use vcare_domain::{ChartedEncounter, PatientId, TenantId};

const SYSTEM: &str = "urn:ghasi:virtual-care:session";
const VALUE: &str = "0192f00d-0000-7000-8000-000000000001";

fn draft() -> EncounterDraft {
    EncounterDraft {
        identifier_system: SYSTEM,
        identifier_value: VALUE.to_owned(),
        patient_id: PatientId::parse("pat-1").unwrap(),
        reason: None,
        appointment_id: None,
        node_id: None,
        kinds: Vec::new(),
        virtual_service: None,
        participants: Vec::new(),
        period: Period { start: datetime!(2026-11-23 10:00 UTC), end: datetime!(2026-11-23 10:20 UTC) },
        length_seconds: Some(1200),
    }
}

async fn create(replies: Vec<Reply>, deadline: Duration) -> (Result<ChartedEncounter, FhirError>, Vec<Request>) {
    let stub = Stub::replying(replies).await;
    let gateway = HttpFhirGateway::new(client(), neighbour(&format!("{}/fhir/R4", stub.url())));
    let tenant = TenantId::parse("kabul").unwrap();
    (gateway.create_encounter(&tenant, &draft(), deadline, &trace()).await, stub.requests())
}

fn encounter(id: &str) -> Value {
    value!({"resourceType": "Encounter", "id": id, "identifier": [{"system": SYSTEM, "value": VALUE}]})
}

fn since(id: &str, at: &str) -> Value {
    let mut encounter = encounter(id);
    encounter["meta"] = value!({ "lastUpdated": at });
    encounter
}

/// The patient's record: in use, or out of use and replaced by those.
fn patient(replaced_by: &[&str]) -> Reply {
    let link = |other: &&str| value!({"type": "replaced-by", "other": {"reference": other}});
    let mut patient = value!({"resourceType": "Patient", "id": "pat-1", "active": replaced_by.is_empty()});
    if !replaced_by.is_empty() {
        patient["link"] = replaced_by.iter().map(link).collect();
    }
    fhir("200 OK", &patient.to_string())
}

fn bundle(resources: &[Value]) -> Reply {
    let entries: Vec<Value> = resources.iter().map(|resource| value!({ "resource": resource })).collect();
    let body = value!({"resourceType": "Bundle", "type": "searchset", "entry": entries}).to_string();
    fhir("200 OK", &body)
}

fn fhir(head: &str, body: &str) -> Reply {
    answer(&format!("{head}\r\ncontent-type: application/fhir+json; charset=utf-8"), body)
}

fn location(status: &str) -> String {
    format!("{status}\r\nlocation: https://fhir.example/fhir/R4/Encounter/enc-1/_history/1")
}

/// Name, replies, and what comes of them: an id and how many requests it took, or a fault.
type Row = (&'static str, Vec<Reply>, Result<(&'static str, usize), FhirFault>);

#[derive(Debug, PartialEq)]
enum FhirFault {
    Invalid(u16),
    Merged,
    Unavailable(NeighbourFault),
}

fn table() -> Vec<Row> {
    use FhirFault::{Invalid, Merged, Unavailable};
    use NeighbourFault::{Malformed, Status, TimedOut, Unreachable};
    let good = encounter("enc-1").to_string();
    let ten_megabytes = "x".repeat(10 * 1024 * 1024);
    let half = |head: &str| {
        format!("HTTP/1.1 {head}\r\ncontent-type: application/fhir+json\r\ncontent-length: 500\r\n\r\n{{\"res")
    };
    let outcome = value!({"resourceType": "OperationOutcome", "id": "enc-9", "issue": []}).to_string();
    let refused = || fhir("422 Unprocessable Entity", &outcome);
    let other_patient = value!({
        "resourceType": "Patient", "id": "pat-9", "active": false,
        "link": [{"type": "replaced-by", "other": {"reference": "Patient/pat-2"}}],
    })
    .to_string();
    let none = || bundle(&[]);
    let found = || bundle(&[encounter("enc-1")]);
    vec![
        ("201 with the resource", vec![fhir("201 Created", &good)], Ok(("enc-1", 1))),
        ("200: it was there", vec![fhir("200 OK", &good)], Ok(("enc-1", 1))),
        ("201 as application/json", vec![json("201 Created", &good)], Ok(("enc-1", 1))),
        ("201 without a body", vec![answer(&location("201 Created"), "")], Ok(("enc-1", 1))),
        ("200 without a body", vec![answer(&location("200 OK"), "")], Ok(("enc-1", 1))),
        (
            "201 with a relative location",
            vec![answer("201 Created\r\nlocation: Encounter/enc-1", "")],
            Ok(("enc-1", 1)),
        ),
        ("201 with an outcome and a location", vec![fhir(&location("201 Created"), &outcome)], Ok(("enc-1", 1))),
        (
            "201 with HTML and a location",
            vec![answer(&format!("{}\r\ncontent-type: text/html", location("201 Created")), "<p>")],
            Ok(("enc-1", 1)),
        ),
        (
            "201 with half a body and a location",
            vec![Reply::Bytes(half(&location("201 Created")).into_bytes())],
            Ok(("enc-1", 1)),
        ),
        (
            "201 with a stalled body and a location",
            vec![Reply::Stall(half(&location("201 Created")).into_bytes())],
            Ok(("enc-1", 1)),
        ),
        ("201 with 10 MB and a location", vec![fhir(&location("201 Created"), &ten_megabytes)], Ok(("enc-1", 1))),
        ("201 without body and location", vec![answer("201 Created", ""), found()], Ok(("enc-1", 2))),
        ("200 without body and location", vec![answer("200 OK", ""), found()], Ok(("enc-1", 2))),
        ("201 with half a body", vec![Reply::Bytes(half("201 Created").into_bytes()), found()], Ok(("enc-1", 2))),
        ("201 with 10 MB", vec![fhir("201 Created", &ten_megabytes), found()], Ok(("enc-1", 2))),
        (
            "201 with a location of something else",
            vec![answer("201 Created\r\nlocation: /Patient/p-1", ""), found()],
            Ok(("enc-1", 2)),
        ),
        (
            "201 with an id that is none",
            vec![fhir("201 Created", &encounter("a b").to_string()), found()],
            Ok(("enc-1", 2)),
        ),
        ("201, and then not to be found", vec![answer("201 Created", ""), none()], Err(Unavailable(Malformed))),
        (
            "201, and then another's",
            vec![
                answer("201 Created", ""),
                bundle(&[
                    value!({"resourceType": "Encounter", "id": "enc-2", "identifier": [{"system": SYSTEM, "value": "other"}]}),
                ]),
            ],
            Err(Unavailable(Malformed)),
        ),
        (
            "201, and a search that fails",
            vec![answer("201 Created", ""), answer("500 Oops", "")],
            Err(Unavailable(Status(500))),
        ),
        (
            "201, and a search that is refused",
            vec![answer("201 Created", ""), answer("400 Bad Request", "")],
            Err(Unavailable(Status(400))),
        ),
        (
            "412, the oldest first by time",
            vec![
                answer("412 Precondition Failed", ""),
                bundle(&[
                    since("enc-0", "2026-11-23T10:30:00Z"),
                    since("enc-1", "2026-11-23T14:59:00+04:30"),
                    since("enc-2", "2026-11-23T10:31:00Z"),
                ]),
            ],
            Ok(("enc-1", 2)),
        ),
        (
            "412, then by id",
            vec![
                answer("412 Precondition Failed", ""),
                bundle(&[since("enc-2", "2026-11-23T10:30:00Z"), since("enc-1", "2026-11-23T10:30:00.000Z")]),
            ],
            Ok(("enc-1", 2)),
        ),
        (
            "412, the timeless last",
            vec![
                answer("412 Precondition Failed", ""),
                bundle(&[encounter("enc-0"), since("enc-1", "2026-11-23T10:30:00Z"), since("enc-00", "yesterday")]),
            ],
            Ok(("enc-1", 2)),
        ),
        (
            "412, among other things",
            vec![
                answer("412 Precondition Failed", ""),
                bundle(&[
                    value!({"resourceType": "OperationOutcome"}),
                    value!(7),
                    encounter("enc-1"),
                    value!({"resourceType": "Patient", "id": "enc-0", "identifier": [{"system": SYSTEM, "value": VALUE}]}),
                ]),
            ],
            Ok(("enc-1", 2)),
        ),
        (
            "412, and an id in capitals",
            vec![
                answer("412 Precondition Failed", ""),
                bundle(&[
                    value!({"resourceType": "Encounter", "id": "enc-1", "identifier": [{"system": SYSTEM, "value": VALUE.to_uppercase()}]}),
                ]),
            ],
            Ok(("enc-1", 2)),
        ),
        ("412, and none found", vec![answer("412 Precondition Failed", ""), none()], Err(Unavailable(Malformed))),
        (
            "412, and no bundle",
            vec![answer("412 Precondition Failed", ""), fhir("200 OK", &good)],
            Err(Unavailable(Malformed)),
        ),
        ("400", vec![fhir("400 Bad Request", &outcome)], Err(Invalid(400))),
        ("422 of a patient in use", vec![refused(), patient(&[])], Err(Invalid(422))),
        ("422 of a patient nobody knows", vec![refused(), answer("404 Not Found", "")], Err(Invalid(422))),
        ("422, and patients are not ours to read", vec![refused(), answer("403 Forbidden", "")], Err(Invalid(422))),
        ("422, and another patient", vec![refused(), fhir("200 OK", &other_patient)], Err(Invalid(422))),
        ("422, and no patient", vec![refused(), fhir("200 OK", &outcome)], Err(Invalid(422))),
        (
            "422, and HTML",
            vec![refused(), answer("200 OK\r\ncontent-type: text/html", "<p>")],
            Err(Unavailable(Malformed)),
        ),
        ("422, and nobody answers then", vec![refused(), answer("503 Oops", "")], Err(Unavailable(Status(503)))),
        ("422, and too often asked", vec![refused(), answer("429 Slowly", "")], Err(Unavailable(Status(429)))),
        ("422, and the line is cut", vec![refused(), Reply::Close], Err(Unavailable(Unreachable))),
        ("422, and no answer then", vec![refused(), Reply::Stall(Vec::new())], Err(Unavailable(TimedOut))),
        ("merged", vec![refused(), patient(&["Patient/pat-2"]), fhir("201 Created", &good)], Ok(("enc-1", 3))),
        (
            "merged, and not said which one it is then",
            vec![refused(), patient(&["Patient/pat-2"]), answer("201 Created", ""), found()],
            Ok(("enc-1", 4)),
        ),
        ("merged into nobody", vec![refused(), patient(&[""])], Err(Merged)),
        ("merged into itself", vec![refused(), patient(&["Patient/pat-1"])], Err(Merged)),
        ("merged into two", vec![refused(), patient(&["Patient/pat-2", "Patient/pat-3"])], Err(Merged)),
        ("merged once more", vec![refused(), patient(&["Patient/pat-2"]), refused()], Err(Merged)),
        (
            "merged, and nobody answers then",
            vec![refused(), patient(&["Patient/pat-2"]), answer("503 Oops", "")],
            Err(Unavailable(Status(503))),
        ),
        ("401", vec![answer("401 Unauthorized", "")], Err(Unavailable(Status(401)))),
        ("403", vec![answer("403 Forbidden", "")], Err(Unavailable(Status(403)))),
        ("404", vec![answer("404 Not Found", "")], Err(Unavailable(Status(404)))),
        ("409", vec![answer("409 Conflict", "")], Err(Unavailable(Status(409)))),
        ("500", vec![answer("500 Oops", "")], Err(Unavailable(Status(500)))),
        ("502", vec![answer("502 Bad Gateway\r\ncontent-type: text/html", "<html>")], Err(Unavailable(Status(502)))),
        ("204", vec![answer("204 No Content", "")], Err(Unavailable(Status(204)))),
        ("202", vec![fhir(&location("202 Accepted"), &good)], Err(Unavailable(Status(202)))),
        (
            "a redirect",
            vec![answer("307 Temporary Redirect\r\nlocation: /elsewhere", "")],
            Err(Unavailable(Status(307))),
        ),
        ("closed", vec![Reply::Close], Err(Unavailable(Unreachable))),
        ("no answer", vec![Reply::Stall(Vec::new())], Err(Unavailable(TimedOut))),
    ]
}

#[tokio::test]
async fn whatever_the_server_answers_becomes_an_id_or_the_right_fault() {
    for (name, replies, expected) in table() {
        let (result, requests) = create(replies, Duration::seconds(10)).await;
        let got = match &result {
            Ok(charted) => Ok((charted.id.as_str(), requests.len())),
            Err(FhirError::PatientMerged) => Err(FhirFault::Merged),
            Err(FhirError::Invalid { status }) => Err(FhirFault::Invalid(*status)),
            Err(FhirError::Unavailable(error)) => Err(FhirFault::Unavailable(error.fault)),
        };
        assert_eq!(got, expected, "{name}");
    }
}

#[tokio::test]
async fn an_encounter_is_created_under_the_condition_that_it_is_not_there() {
    let (_, requests) = create(vec![fhir("201 Created", &encounter("enc-1").to_string())], Duration::seconds(10)).await;
    let request = &requests[0];
    assert_eq!(request.line, "POST /fhir/R4/Encounter HTTP/1.1");
    assert_eq!(request.header("if-none-exist"), Some(format!("identifier={SYSTEM}|{VALUE}").as_str()));
    assert_eq!(request.header("content-type"), Some("application/fhir+json"));
    assert_eq!(request.header("accept"), Some("application/fhir+json"));
    assert_eq!(request.header("prefer"), Some("return=representation"));
    assert_eq!(request.header("authorization"), Some("Bearer service-token"));
    assert_eq!(request.header("x-tenant-id"), Some("kabul"));
    assert_eq!(request.header("x-request-id"), Some("req-1"));
    assert!(request.header("traceparent").is_some());
    assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), encounter_resource(&draft()));
}

#[tokio::test]
async fn the_encounter_of_a_merged_patient_is_created_for_the_record_that_stayed() {
    let replies = vec![
        fhir("422 Unprocessable Entity", "{}"),
        patient(&["Patient/pat-2"]),
        fhir("201 Created", &encounter("enc-1").to_string()),
    ];
    let (result, requests) = create(replies, Duration::seconds(10)).await;
    let survivor = PatientId::parse("pat-2").unwrap();
    assert_eq!(result.unwrap().patient, Some(survivor.clone()));
    assert_eq!(requests[1].line, "GET /fhir/R4/Patient/pat-1 HTTP/1.1");
    assert_eq!(requests[1].header("x-tenant-id"), Some("kabul"));
    assert_eq!(requests[2].line, "POST /fhir/R4/Encounter HTTP/1.1");
    // Under the same condition: nobody has two Encounters of one visit.
    assert_eq!(requests[2].header("if-none-exist"), requests[0].header("if-none-exist"));
    let expected = encounter_resource(&EncounterDraft { patient_id: survivor, ..draft() });
    assert_eq!(serde_json::from_str::<Value>(&requests[2].body).unwrap(), expected);
}

/// An attempt before this one may have written it for the record that stayed, and died before it was recorded.
#[tokio::test]
async fn whose_an_encounter_is_that_was_there_already_is_read_off_it() {
    for (subject, expected) in [
        (value!({"reference": "Patient/pat-2"}), Some("pat-2")),
        (value!({"reference": "Patient/pat-1"}), Some("pat-1")),
        (value!({"reference": "Group/pat-2"}), None),
        (value!({"display": "Ahmad"}), None),
        (Value::Null, None),
    ] {
        let mut there = encounter("enc-1");
        if !subject.is_null() {
            there["subject"] = subject.clone();
        }
        let (result, _) = create(vec![fhir("200 OK", &there.to_string())], Duration::seconds(10)).await;
        let patient = result.unwrap().patient;
        assert_eq!(patient.as_ref().map(PatientId::as_str), expected, "{subject}");
    }
    // Not of another visit's.
    let mut others = encounter("enc-1");
    others["identifier"][0]["value"] = value!("other");
    others["subject"] = value!({"reference": "Patient/pat-2"});
    let (result, _) = create(vec![fhir("200 OK", &others.to_string())], Duration::seconds(10)).await;
    assert_eq!(result.unwrap().patient, None);
}

#[tokio::test]
async fn a_search_is_by_the_same_identifier() {
    let replies = vec![answer("412 Precondition Failed", ""), bundle(&[encounter("enc-1")])];
    let (_, requests) = create(replies, Duration::seconds(10)).await;
    let expected =
        format!("GET /fhir/R4/Encounter?identifier=urn%3Aghasi%3Avirtual-care%3Asession%7C{VALUE}&_count=50 HTTP/1.1");
    assert_eq!(requests[1].line, expected);
    assert_eq!(requests[1].header("x-tenant-id"), Some("kabul"));
    assert_eq!(requests[1].header("if-none-exist"), None);
}

#[tokio::test]
async fn a_server_that_is_busy_says_when_to_come_again() {
    let date = "Mon, 23 Nov 2026 20:01:30 GMT";
    for (head, expected) in [
        ("429 Too Many Requests\r\nretry-after: 30", Duration::seconds(30)),
        (&format!("503 Service Unavailable\r\nretry-after: {date}"), Duration::seconds(90)),
    ] {
        let (result, _) = create(vec![answer(head, "")], Duration::seconds(10)).await;
        let Err(FhirError::Unavailable(error)) = result else { panic!("{head}") };
        assert_eq!(error.retry_after, Some(expected), "{head}");
    }
}

#[tokio::test]
async fn the_deadline_bounds_the_whole_call_and_not_each_request() {
    // A search that never answers, after a create that did.
    let replies = vec![answer("412 Precondition Failed", ""), Reply::Stall(Vec::new())];
    let began = Instant::now();
    let (result, _) = create(replies, Duration::milliseconds(200)).await;
    assert!(matches!(result, Err(FhirError::Unavailable(error)) if error.fault == NeighbourFault::TimedOut));
    assert!(began.elapsed() < DEADLINE.unsigned_abs(), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_a_time_out() {
    for deadline in [Duration::ZERO, Duration::seconds(-1)] {
        let (result, _) = create(vec![Reply::Stall(Vec::new())], deadline).await;
        assert!(matches!(result, Err(FhirError::Unavailable(error)) if error.fault == NeighbourFault::TimedOut));
    }
}

#[tokio::test]
async fn errors_hold_nothing_of_patient_or_answer() {
    let body = r#"{"resourceType":"OperationOutcome","issue":[{"diagnostics":"Ahmad pat-1"}]}"#;
    for status in ["422 Unprocessable Entity", "500 Oops"] {
        let replies = vec![fhir(status, body), patient(&["Patient/Ahmad"]), fhir(status, body)];
        let (result, _) = create(replies, Duration::seconds(10)).await;
        let error = result.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("Ahmad") && !shown.contains("pat-1"), "{shown}");
    }
}
