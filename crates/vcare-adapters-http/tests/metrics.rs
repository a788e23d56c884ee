//! What an operator sees of the calls to neighbours.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use metrics_exporter_prometheus::PrometheusBuilder;
use support::{Reply, Stub, answer, client, json, neighbour, trace};
use time::Duration;
use time::macros::datetime;
use vcare_adapters_http::{HttpFhirGateway, HttpLicenceCheck};
use vcare_app::ports::{EncounterDraft, FhirGateway, LicenceCheck, Period};
use vcare_domain::{PatientId, TenantId};

/// The test's runtime has one thread: its recorder sees all that happens in it.
#[tokio::test]
async fn every_call_is_counted_by_neighbour_and_outcome_and_timed() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let table = [
        (json("200 OK", r#"{"module":"TELEMED-VC","tenantId":"kabul","status":"active"}"#), "ok"),
        (answer("404 Not Found", ""), "ok"),
        (answer("302 Found\r\nlocation: /", ""), "status_3xx"),
        (answer("401 Unauthorized", ""), "status_4xx"),
        (answer("503 Service Unavailable", ""), "status_5xx"),
        (json("200 OK", "{}"), "malformed"),
        (Reply::Close, "unreachable"),
        (Reply::Stall(Vec::new()), "timed_out"),
    ];
    for (reply, _) in &table {
        let stub = Stub::replying(vec![reply.clone()]).await;
        let check = HttpLicenceCheck::new(client(), neighbour(&stub.url()));
        let _ = check.check(&TenantId::parse("kabul").unwrap(), None, &trace()).await;
    }
    let _ = HttpLicenceCheck::new(client(), neighbour("http://169.254.169.254"))
        .check(&TenantId::parse("kabul").unwrap(), None, &trace())
        .await;

    let seen = recorder.handle().render();
    let mut expected: Vec<&str> = table.iter().map(|(_, outcome)| *outcome).collect();
    expected.push("forbidden_address");
    for outcome in &expected {
        let count = expected.iter().filter(|other| *other == outcome).count();
        let line = format!(r#"vcare_neighbour_requests_total{{neighbour="licence",outcome="{outcome}"}} {count}"#);
        assert!(seen.contains(&line), "{line} in\n{seen}");
    }
    let timed = format!(r#"vcare_neighbour_request_duration_seconds_count{{neighbour="licence"}} {}"#, expected.len());
    assert!(seen.contains(&timed), "{timed} in\n{seen}");
}

#[tokio::test]
async fn encounters_that_are_there_twice_raise_their_own_metric() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let stub = Stub::replying(vec![answer("412 Precondition Failed", "")]).await;
    let at = datetime!(2026-11-23 10:00 UTC);
    let draft = EncounterDraft {
        identifier_system: "urn:ghasi:virtual-care:session",
        identifier_value: "0192f00d-0000-7000-8000-000000000001".to_owned(),
        patient_id: PatientId::parse("pat-1").unwrap(),
        reason: None,
        appointment_id: None,
        node_id: None,
        kinds: Vec::new(),
        virtual_service: None,
        participants: Vec::new(),
        period: Period { start: at, end: at },
        length_seconds: Some(0),
    };
    let gateway = HttpFhirGateway::new(client(), neighbour(&stub.url()));
    let tenant = TenantId::parse("kabul").unwrap();
    let _ = gateway.create_encounter(&tenant, &draft, Duration::seconds(5), &trace()).await;
    assert!(recorder.handle().render().contains("vcare_fhir_duplicate_encounters_total 1"));
}
