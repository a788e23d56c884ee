//! The stand-ins as the service's own clients see them, and their control.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::{ask, client, get, neighbour, put, standins, trace};
use vcare_adapters_http::{HttpConsentCheck, HttpLicenceCheck, JwksConfig, JwksLocation, JwksSource};
use vcare_app::Gate;
use vcare_app::ports::{ConsentCheck, ConsentSubject, LicenceCheck, LicenceStatus, NeighbourFault};
use vcare_domain::{NodeId, PatientId, TenantId};
use vcare_testkit::{Consents, Licence, Mode, Name, Standins, StandinsConfig, TokenSpec};

async fn licensed(standins: &Standins) -> Result<LicenceStatus, NeighbourFault> {
    let tenant = TenantId::parse("tenant-a").unwrap();
    let node = NodeId::parse("node-1").unwrap();
    let check = HttpLicenceCheck::new(client(&[]), neighbour(standins.base_url()));
    check.check(&tenant, Some(&node), &trace()).await.map_err(|error| error.fault)
}

async fn consented(standins: &Standins) -> Result<Vec<bool>, NeighbourFault> {
    let (tenant, patient) = (TenantId::parse("tenant-a").unwrap(), PatientId::parse("pat-1").unwrap());
    let check = HttpConsentCheck::new(client(&[]), neighbour(standins.base_url()));
    let gates = [Gate::TelehealthConsent, Gate::RecordingConsent];
    let decisions =
        check.check(&tenant, ConsentSubject::Patient(&patient), &gates, &trace()).await.map_err(|error| error.fault)?;
    Ok(decisions.iter().map(|decision| decision.granted).collect())
}

#[tokio::test]
async fn every_tenant_is_licensed_until_something_else_is_said() {
    let standins = standins().await;
    assert_eq!(licensed(&standins).await, Ok(LicenceStatus::Active));
    for licence in [Licence::Suspended, Licence::Expired, Licence::None] {
        standins.set_licence("tenant-a", licence);
        assert_eq!(licensed(&standins).await, Ok(LicenceStatus::Inactive), "{licence:?}");
    }
    let other = get(&format!("{}/internal/identity/tenants/t-2/modules/TELEMED-VC", standins.base_url())).await;
    assert_eq!(other.json(), json!({"module": "TELEMED-VC", "tenantId": "t-2", "status": "active"}));
    let url = format!("{}/_control/licence/tenants/tenant-a", standins.base_url());
    assert_eq!(put(&url, r#"{"status":"active"}"#).await.json()["status"], "active");
    assert_eq!(licensed(&standins).await, Ok(LicenceStatus::Active));
}

#[tokio::test]
async fn no_patient_has_consented_until_it_is_said() {
    let standins = standins().await;
    assert_eq!(consented(&standins).await, Ok(vec![false, false]));
    standins.set_consent("pat-1", Consents::TELEHEALTH);
    assert_eq!(consented(&standins).await, Ok(vec![true, false]));
    let url = format!("{}/_control/consent/patients/pat-1", standins.base_url());
    let set = put(&url, r#"{"recording":true}"#).await;
    assert_eq!(set.status, 200);
    assert_eq!(
        set.json(),
        json!({"patientId": "pat-1", "telehealth": false, "recording": true, "aiTranscription": false})
    );
    assert_eq!(consented(&standins).await, Ok(vec![false, true]));
}

#[tokio::test]
async fn a_neighbour_is_down_slow_or_wrong_as_it_was_told() {
    let standins = standins().await;
    standins.set_consent("pat-1", Consents::ALL);
    let table = [
        (Mode::DOWN, Err(NeighbourFault::Status(503))),
        (Mode::down_with(500), Err(NeighbourFault::Status(500))),
        (Mode::SLOW, Err(NeighbourFault::TimedOut)),
        (Mode::WRONG, Err(NeighbourFault::Malformed)),
        (Mode::UP.after(Duration::from_millis(50)), Ok(vec![true, true])),
        (Mode::UP, Ok(vec![true, true])),
    ];
    for (mode, expected) in table {
        standins.set_mode(Name::Consent, mode);
        assert_eq!(consented(&standins).await, expected, "{mode:?}");
        assert_eq!(licensed(&standins).await, Ok(LicenceStatus::Active), "only one was told: {mode:?}");
    }
    standins.set_mode(Name::Licence, Mode::WRONG);
    assert_eq!(licensed(&standins).await, Err(NeighbourFault::Malformed));
}

#[tokio::test]
async fn a_slow_neighbour_answers_well_in_the_end() {
    let standins = standins().await;
    let url = format!("{}/_control/fhir", standins.base_url());
    let set = put(&url, r#"{"mode":"slow","latencyMs":300}"#).await;
    assert_eq!(set.json(), json!({"name": "fhir", "mode": "slow", "status": 503, "latencyMs": 300, "requests": 0}));
    let asked = Instant::now();
    assert_eq!(get(&format!("{}/metadata", standins.fhir_url())).await.status, 200);
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_control_call_that_is_wrong_names_the_field_and_changes_nothing() {
    let standins = standins().await;
    let table = [
        ("fhir", "nonsense", ""),
        ("fhir", "[]", ""),
        ("fhir", "{}", "mode"),
        ("fhir", r#"{"mode":"sideways"}"#, "mode"),
        ("fhir", r#"{"mode":"down","status":200}"#, "status"),
        ("fhir", r#"{"mode":"down","status":"503"}"#, "status"),
        ("fhir", r#"{"mode":"slow","latencyMs":-1}"#, "latencyMs"),
        ("fhir", r#"{"mode":"slow","latencyMs":99999999}"#, "latencyMs"),
        ("fhir", r#"{"mode":"down","staus":500}"#, ""),
        ("licence/tenants/t", r#"{"status":"good"}"#, "status"),
        ("consent/patients/p", r#"{"telehealth":"yes"}"#, "telehealth"),
    ];
    for (path, body, field) in table {
        let answer = put(&format!("{}/_control/{path}", standins.base_url()), body).await;
        assert_eq!((answer.status, answer.json()["field"].as_str()), (400, Some(field)), "{body}: {}", answer.body);
    }
    assert_eq!(standins.mode(Name::Fhir), Mode::UP);
    let unknown = put(&format!("{}/_control/fihr", standins.base_url()), r#"{"mode":"down"}"#).await;
    assert_eq!(unknown.status, 404);
    let method = ask("POST", &format!("{}/_control/fhir", standins.base_url()), &[], "{}").await;
    assert_eq!((method.status, method.header("allow")), (405, Some("GET, PUT")));
}

#[tokio::test]
async fn what_was_asked_can_be_read_and_forgotten() {
    let standins = standins().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k-1")];
    let threads = format!("{}/v1/communication/threads?a=b", standins.base_url());
    ask("POST", &threads, &headers, r#"{"participantIds":["usr_1"],"subject":"Visit"}"#).await;
    ask("POST", &threads, &[("content-type", "text/plain")], "سلام").await;
    let control = format!("{}/_control/communication/requests", standins.base_url());
    let seen = get(&control).await.json();
    assert_eq!(seen.as_array().unwrap().len(), 2);
    assert_eq!(seen[0]["method"], "POST");
    assert_eq!(seen[0]["path"], "/v1/communication/threads?a=b");
    assert_eq!(seen[0]["headers"]["idempotency-key"], "k-1");
    assert_eq!(seen[0]["body"]["subject"], "Visit");
    assert_eq!(seen[1]["body"], "سلام");
    assert!(
        time::OffsetDateTime::parse(seen[0]["at"].as_str().unwrap(), &time::format_description::well_known::Rfc3339)
            .is_ok()
    );
    assert_eq!(standins.requests(Name::Communication)[0].header("idempotency-key"), Some("k-1"));
    assert_eq!(ask("DELETE", &control, &[], "").await.status, 204);
    assert!(standins.requests(Name::Communication).is_empty());
}

#[tokio::test]
async fn only_the_last_thousand_requests_are_kept() {
    let standins = standins().await;
    for number in 0..1003 {
        get(&format!("{}/realms/ghasi/{number}", standins.base_url())).await;
    }
    let kept = standins.requests(Name::Identity);
    assert_eq!((kept.len(), kept[0].path.as_str()), (1000, "/realms/ghasi/3"));
}

#[tokio::test]
async fn browsers_may_use_the_control_from_anywhere() {
    let standins = standins().await;
    let url = format!("{}/_control/fhir", standins.base_url());
    let preflight = ask("OPTIONS", &url, &[("origin", "http://localhost:5173")], "").await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-methods").unwrap().contains("PUT"));
    let all = get(&format!("{}/_control", standins.base_url())).await;
    assert_eq!(all.header("access-control-allow-origin"), Some("*"));
    let names: Vec<String> = all.json().as_array().unwrap().iter().map(|one| one["name"].to_string()).collect();
    assert_eq!(names.len(), Name::ALL.len());
}

#[tokio::test]
async fn the_front_page_explains_itself_with_addresses_that_work() {
    let standins = standins().await;
    let page = get(standins.base_url()).await;
    assert_eq!(page.status, 200);
    for part in [standins.base_url(), standins.jitsi_url(), "curl -X PUT", "latencyMs"] {
        assert!(page.body.contains(part), "{part}");
    }
    assert!(!page.body.contains("{base}"));
}

#[tokio::test]
async fn the_issuers_keys_are_found_by_discovery() {
    let standins = standins().await;
    let config = JwksConfig::new(standins.issuer().url(), JwksLocation::Discovery);
    let keys = JwksSource::new(client(&[]), config).key_set().await.unwrap();
    let token = standins.issuer().token(&TokenSpec::new("dr-9", "tenant-a", &["clinician"]));
    let claims: serde_json::Value = vcare_jose::rs256::verify(&token, &keys).unwrap();
    assert_eq!(claims["iss"], format!("{}/realms/ghasi", standins.base_url()));
}

#[tokio::test]
async fn a_thread_is_made_once_for_each_key() {
    let standins = standins().await;
    let url = format!("{}/v1/communication/threads", standins.base_url());
    let body = r#"{"participantIds":["usr_1","usr_2"],"patientId":"pat-1","subject":"Visit"}"#;
    let post = |key: &'static str, body: &'static str| {
        let url = url.clone();
        async move { ask("POST", &url, &[("idempotency-key", key)], body).await }
    };
    let [one, other] = ["0198c0de-0000-5000-8000-000000000001", "0198c0de-0000-5000-8000-000000000002"];
    let (first, again) = (post(one, body).await, post(one, body).await);
    assert_eq!((first.status, &first.body), (201, &again.body));
    assert!(first.json()["threadId"].as_str().unwrap().starts_with("thr_"));
    assert_eq!(post(one, r#"{"participantIds":["usr_3"],"subject":"Visit"}"#).await.status, 409);
    assert_eq!(post(other, r#"{"participantIds":[],"subject":"Visit"}"#).await.status, 400);
    for no_key in ["", "k-1"] {
        assert_eq!(post(no_key, body).await.json()["error"]["code"], "VALIDATION_ERROR");
    }
    standins.refuse_threads(Some((403, "MODULE_NOT_LICENSED")));
    let refused = post(other, body).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (403, &json!("MODULE_NOT_LICENSED")));
    assert_eq!(post(one, body).await.body, first.body, "what was answered is answered");
    standins.refuse_threads(None);
    assert_eq!(standins.threads().len(), 1);
}

#[tokio::test]
async fn a_note_takes_a_machines_text_only_with_its_provenance() {
    let standins = standins().await;
    let url = format!("{}/v1/clinical-notes", standins.base_url());
    let key = |key: &'static str| [("idempotency-key", key)];
    let note = ask("POST", &url, &key("k-1"), r#"{"patientId":"pat-1"}"#).await;
    assert_eq!(note.status, 201);
    let url = format!("{url}/{}/ai-accepted", note.json()["data"]["noteId"].as_str().unwrap());
    let hash = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let accepted = json!({
        "sectionKey": "plan", "feature": "vcare-session-summary-v1", "modelVersion": "m-1", "content": "test",
        "contentHash": hash,
    });
    let mut anonymous = accepted.clone();
    anonymous.as_object_mut().unwrap().remove("modelVersion");
    let mut altered = accepted.clone();
    altered["content"] = json!("tset");
    for wrong in [anonymous, altered] {
        assert_eq!(ask("POST", &url, &key("k-2"), &wrong.to_string()).await.status, 400, "{wrong}");
    }
    assert_eq!(ask("POST", &url, &key("k-2"), &accepted.to_string()).await.status, 200);
    assert_eq!(ask("POST", &url, &key("k-2"), &accepted.to_string()).await.status, 200);
    assert_eq!(standins.notes()[0]["sections"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_ai_gateway_hears_silence_and_drafts_for_review() {
    let standins = standins().await;
    let url = format!("{}/api/v1/ai/audio/transcriptions", standins.base_url());
    let speech = ask("POST", &url, &[("content-type", "audio/webm")], "sound").await.json();
    assert_eq!((speech["noSpeech"].as_bool(), speech["segments"].as_array().unwrap().len()), (Some(false), 2));
    let silence = ask("POST", &url, &[("content-type", "audio/wav")], &"\0".repeat(100)).await.json();
    assert_eq!((silence["noSpeech"].as_bool(), silence["text"].as_str()), (Some(true), Some("")));
    assert_eq!(ask("POST", &url, &[("content-type", "audio/wav")], "").await.status, 400);
    assert_eq!(ask("POST", &url, &[("content-type", "text/plain")], "sound").await.status, 415);
    let url = format!("{}/api/v1/ai/completions", standins.base_url());
    let body = r#"{"templateId":"vcare-session-summary-v1","inputs":{"transcript":"…"}}"#;
    let draft = ask("POST", &url, &[("content-type", "application/json")], body).await.json();
    assert_eq!((draft["isDraft"].as_bool(), draft["hitlRequired"].as_bool()), (Some(true), Some(true)));
}

#[tokio::test]
async fn stand_ins_stop_and_come_back_at_the_same_ports() {
    let first = standins().await;
    let base = first.base_url().to_owned();
    let port = Some(base.rsplit_once(':').unwrap().1.parse().unwrap());
    let jitsi_port = Some(first.jitsi_url().rsplit_once(':').unwrap().1.parse().unwrap());
    first.stop().await;
    assert!(tokio::net::TcpStream::connect(base.strip_prefix("http://").unwrap()).await.is_err());
    let config = StandinsConfig { port, jitsi_port, ..Default::default() };
    let second = Standins::start(config).await.unwrap();
    assert_eq!(get(second.base_url()).await.status, 200);
    let config = StandinsConfig { port, ..Default::default() };
    assert!(Standins::start(config).await.is_err(), "the port is taken");
}
