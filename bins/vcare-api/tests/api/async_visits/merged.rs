//! The patient's record was merged into another one before the Encounter was written: of visits of either kind.

use serde_json::{Value, json};
use time::Duration;
use vcare_app::ports::JobKind;
use vcare_domain::{PatientId, VisitId};
use vcare_testkit::{Mode, Name};

use crate::support::{CONSENTED, TENANT, TestApp, scope};

const LIVE: &str = "virtual_care.billing.session_chargeable.v1";
const ASYNC: &str = "virtual_care.billing.async_visit_chargeable.v1";

/// Ends a live visit and answers an async one; their ids, and what was answered.
async fn both_done(app: &TestApp) -> [(String, Value); 2] {
    let (visit, _) = app.active_visit().await;
    app.clock.advance(Duration::MINUTE);
    let ended = app.end(&visit).await.expect(200).body;
    let id = app.claimed().await;
    let answered = app.respond(&id).await.expect(200).body;
    [(visit.id, ended), (id, answered)]
}

async fn both_worked(app: &TestApp) {
    for kind in [JobKind::CreateEncounter, JobKind::CreateAsyncEncounter] {
        app.work(kind).await;
    }
}

fn subjects(app: &TestApp) -> Vec<Value> {
    app.standins.encounters().iter().map(|one| one["subject"]["reference"].clone()).collect()
}

async fn charged(app: &TestApp) -> Vec<Value> {
    let mut patients = Vec::new();
    for kind in [LIVE, ASYNC] {
        patients.extend(app.events_of(kind).await.iter().map(|event| event["data"]["patientId"].clone()));
    }
    patients
}

#[tokio::test(flavor = "multi_thread")]
async fn encounter_and_charge_are_of_the_record_that_stayed() {
    let app = TestApp::start().await;
    app.standins.merge_patient(CONSENTED, Some("Patient/pat-stayed"));
    for (_, done) in both_done(&app).await {
        assert_eq!(done["encounterStatus"], "created");
        assert_eq!(done["patientId"], CONSENTED, "whose visit it was stays");
    }
    assert_eq!(subjects(&app), [json!("Patient/pat-stayed"), json!("Patient/pat-stayed")]);
    assert_eq!(charged(&app).await, [json!("pat-stayed"), json!("pat-stayed")]);
    assert_eq!(app.count("retry_job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_cannot_be_followed_is_parked_until_a_person_says_where_to() {
    for into in [None, Some(format!("Patient/{CONSENTED}")), Some("Patient/pat-between".to_owned())] {
        let app = TestApp::start().await;
        app.standins.merge_patient(CONSENTED, into.as_deref());
        app.standins.merge_patient("pat-between", Some("Patient/pat-stayed"));
        let both = both_done(&app).await;
        for (_, done) in &both {
            assert_eq!(done["encounterStatus"], "parked", "{into:?}");
        }
        // Without a reference to another record it is refused as any other; with one, the merge is named.
        let errors = "SELECT DISTINCT last_error FROM retry_job WHERE state = 'parked'";
        let error: String = app.database.query_one(errors, &[]).await.unwrap().get(0);
        assert_eq!(error, if into.is_some() { "patient_merged" } else { "invalid" });
        let stayed = PatientId::parse("pat-stayed").unwrap();
        for (id, _) in &both {
            let visit: VisitId = id.parse().unwrap();
            assert!(app.app.repoint_visit(&scope(TENANT), visit, &stayed).await.unwrap());
            // Twice is once.
            assert!(app.app.repoint_visit(&scope(TENANT), visit, &stayed).await.unwrap());
        }
        both_worked(&app).await;
        assert_eq!(subjects(&app), [json!("Patient/pat-stayed"), json!("Patient/pat-stayed")]);
        assert_eq!(charged(&app).await, [json!("pat-stayed"), json!("pat-stayed")]);
        let audit = app.events_of("virtual_care.audit.recorded.v1").await;
        let repointed: Vec<_> =
            audit.iter().filter(|event| event["data"]["eventType"] == "ENCOUNTER_REPOINTED").collect();
        assert_eq!(repointed.len(), 4);
        assert_eq!(repointed[0]["data"]["resourceId"], both[0].0.as_str());
        assert_eq!(repointed[0]["data"]["metadata"]["patientId"], "pat-stayed");
        // What is in the chart is not repointed any more; another tenant's visit is not there.
        let visit: VisitId = both[0].0.parse().unwrap();
        assert!(app.app.repoint_visit(&scope(TENANT), visit, &stayed).await.is_err());
        assert!(app.app.repoint_visit(&scope("hosp-herat"), visit, &stayed).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_away_while_a_merge_is_followed_is_asked_again() {
    let app = TestApp::start().await;
    app.standins.merge_patient(CONSENTED, Some("Patient/pat-stayed"));
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    for (_, done) in both_done(&app).await {
        assert_eq!(done["encounterStatus"], "pending");
    }
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.clock.advance(Duration::minutes(5));
    both_worked(&app).await;
    both_worked(&app).await;
    assert_eq!(subjects(&app), [json!("Patient/pat-stayed"), json!("Patient/pat-stayed")]);
    assert_eq!(charged(&app).await, [json!("pat-stayed"), json!("pat-stayed")]);
}

/// An attempt wrote the Encounter for the record that stayed, and died before it could say so.
#[tokio::test(flavor = "multi_thread")]
async fn an_encounter_of_an_attempt_that_died_is_charged_to_whom_it_is_of() {
    let app = TestApp::start().await;
    app.standins.merge_patient(CONSENTED, Some("Patient/pat-stayed"));
    both_done(&app).await;
    let before = app.standins.encounters();
    let undo = "
        UPDATE virtual_session SET encounter_status = 'pending', encounter_id = NULL, encounter_patient_id = NULL,
               charged_at = NULL WHERE status = 'ended';
        UPDATE async_visit SET encounter_status = 'pending', encounter_id = NULL, encounter_patient_id = NULL,
               charged_at = NULL;
        DELETE FROM outbox;
        INSERT INTO retry_job (tenant_id, session_id, kind, id, state, attempts, due_at, correlation_id, traceparent, created_at)
        SELECT tenant_id, id, 'create_encounter', id, 'open', 1, updated_at, 'req-1',
               '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', updated_at FROM virtual_session
        UNION ALL
        SELECT tenant_id, id, 'create_async_encounter', id, 'open', 1, updated_at, 'req-1',
               '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', updated_at FROM async_visit";
    app.database.client().await.unwrap().batch_execute(undo).await.unwrap();
    app.clock.advance(Duration::MINUTE);
    both_worked(&app).await;
    assert_eq!(app.standins.encounters(), before, "nothing was written twice");
    assert_eq!(charged(&app).await, [json!("pat-stayed"), json!("pat-stayed")]);
}
