//! Licence, consent and relations: whatever goes wrong, nobody is let through.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{Reply, Request, Stub, answer, client, json, neighbour, trace};
use time::Duration;
use vcare_adapters_http::{HttpAccessPolicy, HttpConsentCheck, HttpLicenceCheck};
use vcare_app::ports::{
    AccessPolicy, AskedRelation, ConsentCheck, ConsentDecision, ConsentSubject, LicenceCheck, LicenceStatus,
    NeighbourError, NeighbourFault, RelationAnswer, RelationQuestion,
};
use vcare_app::{ConsentRecord, Gate};
use vcare_domain::{NodeId, PatientId, RelatedPersonId, TenantId, UserId};

const GOOD_LICENCE: &str = r#"{"module":"TELEMED-VC","tenantId":"kabul","status":"active"}"#;
const GOOD_CONSENT: &str = r#"{"decisions":[{"gate":"telehealth_consent","granted":true,"consentId":"c-1"},{"gate":"recording_consent","granted":false}]}"#;
const GOOD_ASSIGNED: &str = r#"{"decision":"allow","reasons":["care_team"],"tenantId":"kabul"}"#;
const GOOD_PROXY: &str = r#"{"decision":"allow","reasons":["proxy"],"relatedPersonId":"rp-7","tenantId":"kabul"}"#;
const GATES: [Gate; 2] = [Gate::TelehealthConsent, Gate::RecordingConsent];

/// What can be wrong with any answer, and what it must be taken for. `good` is a body that would open the gate.
fn broken(good: &str) -> Vec<(&'static str, Reply, NeighbourFault)> {
    use NeighbourFault::{Malformed, Status, TimedOut, Unreachable};
    let length = good.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    let ten_megabytes = "x".repeat(10 * 1024 * 1024);
    vec![
        ("closed without an answer", Reply::Close, Unreachable),
        ("not HTTP", Reply::Bytes(b"220 mail.example ESMTP\r\n".to_vec()), Unreachable),
        ("no answer", Reply::Stall(Vec::new()), TimedOut),
        ("half a head", Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()), TimedOut),
        ("half a body, then nothing", Reply::Stall(format!("{head}{}", &good[..20]).into_bytes()), TimedOut),
        ("half a body, then closed", Reply::Bytes(format!("{head}{}", &good[..20]).into_bytes()), Malformed),
        ("no body", json("200 OK", ""), Malformed),
        ("204", answer("204 No Content", ""), Status(204)),
        ("202 with a good body", json("202 Accepted", good), Status(202)),
        ("a redirect", answer("302 Found\r\nlocation: http://127.0.0.1/", ""), Status(302)),
        ("a redirect with a good body", json("307 Temporary Redirect\r\nlocation: /", good), Status(307)),
        ("401", json("401 Unauthorized", good), Status(401)),
        ("403", json("403 Forbidden", good), Status(403)),
        ("429", json("429 Too Many Requests", good), Status(429)),
        ("500 with a good body", json("500 Internal Server Error", good), Status(500)),
        ("503", answer("503 Service Unavailable", ""), Status(503)),
        ("HTML", answer("200 OK\r\ncontent-type: text/html", "<html>welcome</html>"), Malformed),
        ("a good body said to be HTML", answer("200 OK\r\ncontent-type: text/html", good), Malformed),
        ("a good body said to be nothing", answer("200 OK", good), Malformed),
        ("HTML said to be JSON", json("200 OK", "<html>welcome</html>"), Malformed),
        ("JSON cut short", json("200 OK", &good[..good.len() - 1]), Malformed),
        ("two JSON texts", json("200 OK", &format!("{good}{good}")), Malformed),
        ("null", json("200 OK", "null"), Malformed),
        ("an empty object", json("200 OK", "{}"), Malformed),
        ("a list", json("200 OK", "[]"), Malformed),
        ("10 MB announced", json("200 OK", &ten_megabytes), Malformed),
        (
            "10 MB without a length",
            Reply::Bytes(
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{good}{ten_megabytes}").into_bytes(),
            ),
            Malformed,
        ),
    ]
}

fn tenant() -> TenantId {
    TenantId::parse("kabul").unwrap()
}

async fn licence(reply: Reply) -> (Result<LicenceStatus, NeighbourError>, Vec<Request>) {
    let stub = Stub::replying(vec![reply]).await;
    let check = HttpLicenceCheck::new(client(), neighbour(&stub.url()));
    (check.check(&tenant(), None, &trace()).await, stub.requests())
}

async fn consent(reply: Reply) -> (Result<Vec<ConsentDecision>, NeighbourError>, Vec<Request>) {
    let stub = Stub::replying(vec![reply]).await;
    let check = HttpConsentCheck::new(client(), neighbour(&stub.url()));
    let patient = PatientId::parse("pat-1").unwrap();
    (check.check(&tenant(), ConsentSubject::Patient(&patient), &GATES, &trace()).await, stub.requests())
}

async fn relation(relation: AskedRelation, reply: Reply) -> (Result<RelationAnswer, NeighbourError>, Vec<Request>) {
    let stub = Stub::replying(vec![reply]).await;
    let policy = HttpAccessPolicy::new(client(), neighbour(&stub.url()));
    let (user, patient) = (UserId::parse("dr-9").unwrap(), PatientId::parse("pat-1").unwrap());
    let question = RelationQuestion { user: &user, patient: &patient, relation };
    (policy.evaluate(&tenant(), &question, &trace()).await, stub.requests())
}

#[tokio::test]
async fn a_licence_answer_that_is_not_as_agreed_is_a_fault() {
    for (name, reply, expected) in broken(GOOD_LICENCE) {
        let (result, requests) = licence(reply).await;
        let Err(error) = result else { panic!("{name}: passed") };
        assert_eq!((error.neighbour, error.fault), ("licence", expected), "{name}");
        assert_eq!(requests.len(), 1, "{name}: asked once, and no redirect followed");
    }
}

#[tokio::test]
async fn a_consent_answer_that_is_not_as_agreed_is_a_fault() {
    for (name, reply, expected) in broken(GOOD_CONSENT) {
        let (result, requests) = consent(reply).await;
        let Err(error) = result else { panic!("{name}: passed") };
        assert_eq!((error.neighbour, error.fault), ("consent", expected), "{name}");
        assert_eq!(requests.len(), 1, "{name}: asked once, and no redirect followed");
    }
}

#[tokio::test]
async fn only_an_active_licence_of_this_tenant_and_module_opens() {
    let body = |module: &str, tenant: &str, status: &str| {
        json("200 OK", &format!(r#"{{"module":"{module}","tenantId":"{tenant}","status":"{status}","seats":5}}"#))
    };
    let table = [
        (body("TELEMED-VC", "kabul", "active"), Ok(LicenceStatus::Active)),
        (body("TELEMED-VC", "kabul", "suspended"), Ok(LicenceStatus::Inactive)),
        (body("TELEMED-VC", "kabul", "expired"), Ok(LicenceStatus::Inactive)),
        (json("404 Not Found", "{}"), Ok(LicenceStatus::Inactive)),
        (answer("404 Not Found", ""), Ok(LicenceStatus::Inactive)),
        (body("TELEMED-VC", "kabul", "Active"), Err(NeighbourFault::Malformed)),
        (body("TELEMED-VC", "kabul", "trial"), Err(NeighbourFault::Malformed)),
        (body("TELEMED-VC", "herat", "active"), Err(NeighbourFault::Malformed)),
        (body("PHARMACY", "kabul", "active"), Err(NeighbourFault::Malformed)),
        (json("200 OK", r#"{"module":"TELEMED-VC","tenantId":"kabul"}"#), Err(NeighbourFault::Malformed)),
        (
            json("200 OK", r#"{"module":"TELEMED-VC","tenantId":"kabul","status":"expired","status":"active"}"#),
            Err(NeighbourFault::Malformed),
        ),
    ];
    for (reply, expected) in table {
        let shown = format!("{reply:?}");
        assert_eq!(licence(reply).await.0.map_err(|error| error.fault), expected, "{shown}");
    }
}

#[tokio::test]
async fn a_licence_is_asked_for_with_tenant_node_token_and_trace() {
    let stub =
        Stub::replying(vec![answer("200 OK\r\ncontent-type: application/json; charset=utf-8", GOOD_LICENCE)]).await;
    let check = HttpLicenceCheck::new(client(), neighbour(&format!("{}/identity/", stub.url())));
    let node = NodeId::parse("node_1.a").unwrap();
    assert_eq!(check.check(&tenant(), Some(&node), &trace()).await, Ok(LicenceStatus::Active));
    let request = &stub.requests()[0];
    assert_eq!(
        request.line,
        "GET /identity/internal/identity/tenants/kabul/modules/TELEMED-VC?nodeId=node_1.a HTTP/1.1"
    );
    assert_eq!(request.header("authorization"), Some("Bearer service-token"));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("x-request-id"), Some("req-1"));
    assert_eq!(
        request.header("traceparent"),
        Some("00-0af7651916cd43dd8448eb211c80319c-1111111111111111-01"),
        "our own span in the caller's trace"
    );
    assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("vcare/")));
    assert_eq!(request.header("cookie"), None);
}

#[tokio::test]
async fn every_gate_must_be_decided_exactly_once() {
    let granted = |gate, granted| ConsentDecision { gate, granted, record: ConsentRecord::default() };
    let table = [
        (
            r#"{"decisions":[{"gate":"telehealth_consent","granted":true},{"gate":"recording_consent","granted":false}]}"#,
            Ok(vec![granted(GATES[0], true), granted(GATES[1], false)]),
        ),
        (
            r#"{"decisions":[{"gate":"recording_consent","granted":true},{"gate":"other","granted":false},{"gate":"telehealth_consent","granted":true}]}"#,
            Ok(vec![granted(GATES[0], true), granted(GATES[1], true)]),
        ),
        (r#"{"decisions":[]}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decisions":[{"gate":"telehealth_consent","granted":true}]}"#, Err(NeighbourFault::Malformed)),
        (
            r#"{"decisions":[{"gate":"telehealth_consent","granted":true},{"gate":"recording_consent","granted":false},{"gate":"recording_consent","granted":true}]}"#,
            Err(NeighbourFault::Malformed),
        ),
        (
            r#"{"decisions":[{"gate":"telehealth_consent","granted":"true"},{"gate":"recording_consent","granted":true}]}"#,
            Err(NeighbourFault::Malformed),
        ),
        (
            r#"{"decisions":[{"gate":"telehealth_consent"},{"gate":"recording_consent","granted":true}]}"#,
            Err(NeighbourFault::Malformed),
        ),
        (
            r#"{"decisions":[{"gate":"Telehealth_Consent","granted":true},{"gate":"recording_consent","granted":true}]}"#,
            Err(NeighbourFault::Malformed),
        ),
    ];
    for (body, expected) in table {
        assert_eq!(consent(json("200 OK", body)).await.0.map_err(|error| error.fault), expected, "{body}");
    }
}

/// Evidence is not what opens a gate: care does not wait for it.
#[tokio::test]
async fn evidence_of_a_consent_that_cannot_be_read_is_left_out_and_the_decision_counts() {
    let table = [
        (r#""consentId":"c-1","version":"2","givenAt":"2026-01-15T11:30:00+03:30""#, (Some("c-1"), Some("2"), true)),
        (r#""consentId":"c-1","version":7"#, (Some("c-1"), Some("7"), false)),
        (r#""consentId":7,"version":-1,"givenAt":"yesterday""#, (None, None, false)),
        (r#""consentId":"Ahmad Rahimi","version":"v 1","givenAt":1768464000"#, (None, None, false)),
        (r#""consentId":null,"version":{},"givenAt":[]"#, (None, None, false)),
    ];
    for (evidence, (id, version, given)) in table {
        let body = format!(
            r#"{{"decisions":[{{"gate":"telehealth_consent","granted":true,{evidence}}},{{"gate":"recording_consent","granted":false}}]}}"#
        );
        let decisions = consent(json("200 OK", &body)).await.0.unwrap();
        assert!(decisions[0].granted, "{evidence}");
        let record = &decisions[0].record;
        let found = (record.id.as_ref().map(|id| id.as_str()), record.version.as_ref().map(|version| version.as_str()));
        assert_eq!((found, record.given_at.is_some()), ((id, version), given), "{evidence}");
        if let Some(at) = record.given_at {
            assert_eq!(at, time::macros::datetime!(2026-01-15 08:00 UTC));
        }
    }
}

#[tokio::test]
async fn consents_are_asked_for_in_one_request() {
    let (_, requests) = consent(json("200 OK", GOOD_CONSENT)).await;
    assert_eq!(requests[0].line, "POST /internal/access/consents/evaluate HTTP/1.1");
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].header("authorization"), Some("Bearer service-token"));
    let body: serde_json::Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "tenantId": "kabul", "patientId": "pat-1", "gates": ["telehealth_consent", "recording_consent"],
        })
    );
}

#[tokio::test]
async fn an_error_says_when_to_come_again_and_nothing_of_what_was_said() {
    let (result, _) = consent(json("503 Service Unavailable\r\nretry-after: 17", r#"{"patient":"Ahmad"}"#)).await;
    let error = result.unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::seconds(17)));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("Ahmad") && !shown.contains("127.0.0.1") && !shown.contains("pat-1"), "{shown}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let check = HttpLicenceCheck::new(client(), neighbour(&format!("http://127.0.0.1:{port}")));
    let error = check.check(&tenant(), None, &trace()).await.unwrap_err();
    assert_eq!(error.fault, NeighbourFault::Unreachable);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let check = HttpLicenceCheck::new(client(), neighbour("http://no-such-host.invalid"));
    let error = check.check(&tenant(), None, &trace()).await.unwrap_err();
    assert!(matches!(error.fault, NeighbourFault::Unreachable | NeighbourFault::TimedOut), "{error}");
}

#[tokio::test]
async fn an_answer_about_a_relation_that_is_not_as_agreed_is_a_fault() {
    for (asked, good) in [(AskedRelation::Assigned, GOOD_ASSIGNED), (AskedRelation::Proxy, GOOD_PROXY)] {
        assert!(relation(asked, json("200 OK", good)).await.0.is_ok());
        for (name, reply, expected) in broken(good) {
            let (result, requests) = relation(asked, reply).await;
            let Err(error) = result else { panic!("{asked:?}, {name}: passed") };
            assert_eq!((error.neighbour, error.fault), ("access", expected), "{asked:?}, {name}");
            assert_eq!(requests.len(), 1, "{asked:?}, {name}: asked once, and no redirect followed");
        }
    }
}

#[tokio::test]
async fn a_patient_is_in_somebodys_care_only_when_access_policy_says_so_of_this_tenant() {
    let table = [
        (GOOD_ASSIGNED, Ok(RelationAnswer::Assigned)),
        (r#"{"decision":"allow","reasons":[]}"#, Ok(RelationAnswer::Assigned)),
        (r#"{"decision":"allow","reasons":["proxy"],"relatedPersonId":"rp-7"}"#, Ok(RelationAnswer::Assigned)),
        (r#"{"decision":"deny","reasons":["no_relation"],"tenantId":"kabul"}"#, Ok(RelationAnswer::Denied)),
        (r#"{"decision":"allow","reasons":["care_team"],"tenantId":"herat"}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow","reasons":["care_team"],"tenantId":""}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"deny","reasons":[],"tenantId":"herat"}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"Allow","reasons":["care_team"]}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"permit","reasons":["care_team"]}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":true,"reasons":["care_team"]}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"deny","decision":"allow","reasons":["care_team"]}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow"}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow","reasons":"care_team"}"#, Err(NeighbourFault::Malformed)),
    ];
    for (body, expected) in table {
        let answer = relation(AskedRelation::Assigned, json("200 OK", body)).await.0;
        assert_eq!(answer.map_err(|error| error.fault), expected, "{body}");
    }
}

#[tokio::test]
async fn nobody_acts_for_a_patient_without_the_reason_and_the_person_in_the_chart() {
    let proxy = RelationAnswer::Proxy { related_person: RelatedPersonId::parse("rp-7").unwrap() };
    let table = [
        (GOOD_PROXY, Ok(proxy.clone())),
        (r#"{"decision":"allow","reasons":["minor","proxy"],"relatedPersonId":"rp-7"}"#, Ok(proxy)),
        (r#"{"decision":"deny","reasons":["proxy"],"relatedPersonId":"rp-7"}"#, Ok(RelationAnswer::Denied)),
        (r#"{"decision":"allow","reasons":[],"relatedPersonId":"rp-7"}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow","reasons":["Proxy"],"relatedPersonId":"rp-7"}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow","reasons":["care_team"],"relatedPersonId":"rp-7"}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow","reasons":["proxy"]}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow","reasons":["proxy"],"relatedPersonId":null}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow","reasons":["proxy"],"relatedPersonId":""}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow","reasons":["proxy"],"relatedPersonId":"../7"}"#, Err(NeighbourFault::Malformed)),
        (r#"{"decision":"allow","reasons":["proxy"],"relatedPersonId":7}"#, Err(NeighbourFault::Malformed)),
        (
            r#"{"decision":"allow","reasons":["proxy"],"relatedPersonId":"rp-7","tenantId":"herat"}"#,
            Err(NeighbourFault::Malformed),
        ),
    ];
    for (body, expected) in table {
        let answer = relation(AskedRelation::Proxy, json("200 OK", body)).await.0;
        assert_eq!(answer.map_err(|error| error.fault), expected, "{body}");
    }
}

#[tokio::test]
async fn a_relation_is_asked_for_with_tenant_token_and_nothing_but_ids() {
    let actions = [
        (AskedRelation::Assigned, "virtual_care:patient:assigned"),
        (AskedRelation::Proxy, "virtual_care:patient:proxy"),
    ];
    for (asked, action) in actions {
        let (_, requests) = relation(asked, json("200 OK", GOOD_PROXY)).await;
        assert_eq!(requests[0].line, "POST /internal/access/evaluate HTTP/1.1");
        assert_eq!(requests[0].header("authorization"), Some("Bearer service-token"));
        assert_eq!(requests[0].header("x-request-id"), Some("req-1"));
        let body: serde_json::Value = serde_json::from_str(&requests[0].body).unwrap();
        let expected = serde_json::json!({
            "tenantId": "kabul", "subject": {"type": "User", "id": "dr-9"}, "action": action,
            "resource": {"type": "Patient", "id": "pat-1"},
        });
        assert_eq!(body, expected);
    }
}
