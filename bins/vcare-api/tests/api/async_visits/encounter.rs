//! An answered visit is documented and charged: once.

use std::cell::Cell;

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;
use vcare_app::async_visits::ASYNC_VISIT_IDENTIFIER_SYSTEM;
use vcare_app::jobs::WorkReport;
use vcare_app::ports::JobKind;
use vcare_domain::AsyncVisitId;
use vcare_testkit::{Mode, Name};

use crate::support::{CONSENTED, TestApp};

const CHARGEABLE: &str = "virtual_care.billing.async_visit_chargeable.v1";
const RESPONDED: &str = "virtual_care.async_visit.responded.v1";
const KIND: JobKind = JobKind::CreateAsyncEncounter;

/// A visit that was claimed, and answered after that long.
async fn answered(app: &TestApp, after: Duration) -> (String, Value) {
    let id = app.claimed().await;
    app.clock.advance(after);
    let body = app.respond(&id).await.expect(200).body;
    (id, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_when_the_response_is_saved_an_encounter_is_created_and_the_visit_is_responded() {
    let app = TestApp::start().await;
    let id = app.submitted().await;
    app.clock.advance(Duration::hours(40));
    let taken_up = app.minutes_ahead(0);
    app.review(&id, "claim", &json!({})).await.expect(200);
    app.clock.advance(Duration::seconds(430));
    let visit = app.respond(&id).await.expect(200).body;
    assert_eq!((&visit["status"], &visit["encounterStatus"]), (&json!("responded"), &json!("created")));
    let encounters = app.standins.encounters();
    assert_eq!(encounters.len(), 1);
    let encounter = &encounters[0];
    assert_eq!(visit["encounterId"], encounter["id"]);
    let uuid = id.parse::<AsyncVisitId>().unwrap().as_uuid().hyphenated().to_string();
    assert_eq!(encounter["identifier"], json!([{"system": ASYNC_VISIT_IDENTIFIER_SYSTEM, "value": uuid}]));
    assert_eq!((&encounter["class"]["code"], &encounter["status"]), (&json!("VR"), &json!("finished")));
    assert_eq!(encounter["subject"]["reference"], format!("Patient/{CONSENTED}"));
    // From the clinician's taking it up until the answer; the days on bad links are no care, and nobody measured the work.
    let period = json!({"start": taken_up, "end": visit["respondedAt"]});
    assert_eq!(encounter["period"], period);
    assert_eq!(encounter["participant"][0]["period"], period);
    assert_eq!(encounter["participant"][0]["individual"]["reference"], "Practitioner/clinician-1");
    for absent in ["appointment", "length"] {
        assert!(encounter.get(absent).is_none(), "{absent}");
    }
    assert_eq!(app.read_async(&id).await, visit);
    assert_eq!(app.count("retry_job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_the_charge_follows_the_encounter_and_has_duration_patient_and_encounter() {
    let app = TestApp::start().await;
    let taken_up = app.minutes_ahead(0);
    let (id, visit) = answered(&app, Duration::milliseconds(430_900)).await;
    let charge = app.only_event(CHARGEABLE).await;
    assert_eq!(
        charge["data"],
        json!({
            "asyncVisitId": id, "encounterId": visit["encounterId"], "patientId": CONSENTED,
            "providerId": "clinician-1", "startedAt": taken_up, "endedAt": visit["respondedAt"],
            "durationSeconds": 430,
        })
    );
    let types = app.event_types().await;
    assert_eq!(types[types.len() - 2..], [RESPONDED, CHARGEABLE]);
    let responded = app.only_event(RESPONDED).await;
    assert_eq!(charge["correlationid"], responded["correlationid"]);
    let charged = "SELECT charged_at IS NOT NULL FROM async_visit";
    assert!(app.database.query_one(charged, &[]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_an_appointment_that_was_given_is_in_the_encounter() {
    let app = TestApp::start().await;
    let mut draft = crate::support::draft();
    draft["appointmentId"] = json!("appt-7");
    let id = app.submit(&draft).await.expect(201).text("id");
    app.review(&id, "claim", &json!({})).await.expect(200);
    app.respond(&id).await.expect(200);
    assert_eq!(app.standins.encounters()[0]["appointment"], json!([{"reference": "Appointment/appt-7"}]));
    assert_eq!(app.only_event(CHARGEABLE).await["data"]["appointmentId"], "appt-7");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_the_complaints_code_is_the_encounters_reason_and_stands_nowhere_else() {
    let app = TestApp::start().await;
    let code = json!({"system": "http://hl7.org/fhir/sid/icd-10", "code": "R05-7731", "display": "Coughing hard"});
    let mut draft = crate::support::draft();
    draft["complaintCode"] = code.clone();
    let sent = app.submit(&draft).await.expect(201);
    assert_eq!(sent.body["complaintCode"], code);
    let id = sent.text("id");
    app.review(&id, "claim", &json!({})).await.expect(200);
    app.respond(&id).await.expect(200);
    assert_eq!(app.read_async(&id).await["complaintCode"], code);
    assert_eq!(app.standins.encounters()[0]["reasonCode"], json!([{"coding": [code]}]));
    for event in app.all_events().await {
        let text = event.to_string();
        assert!(!text.contains("R05-7731") && !text.contains("Coughing"), "{text}");
    }
    // Who only may claim it sees that it exists, but not what it is about.
    let other = json!({
        "clientMutationId": "7f4df2a6-3c7e-4c4a-9d0b-ffffffffff01", "patientId": CONSENTED, "chiefComplaint": "x",
        "complaintCode": {"system": "urn:oid:2.16.840.1.113883.6.90", "code": "R05"},
    });
    let other = app.submit(&other).await.expect(201).text("id");
    let queued = app.get(&app.other_clinician(), &format!("/async-visits/{other}")).await.expect(200).body;
    assert_eq!((&queued["audience"], queued.get("complaintCode")), (&json!("queue"), None));
    // What has no code has no reason.
    let plain = app.claimed().await;
    app.respond(&plain).await.expect(200);
    assert!(app.standins.encounters()[1].get("reasonCode").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_while_fhir_is_away_the_answer_stands_and_its_encounter_follows_within_five_minutes() {
    let app = TestApp::start().await;
    for mode in [Mode::DOWN, Mode::down_with(401), Mode::SLOW, Mode::WRONG] {
        app.standins.set_mode(Name::Fhir, mode);
        let (id, visit) = answered(&app, Duration::minutes(3)).await;
        assert_eq!((&visit["status"], &visit["encounterStatus"]), (&json!("responded"), &json!("pending")));
        assert_eq!(visit["encounterId"], Value::Null);
        app.standins.set_mode(Name::Fhir, Mode::DOWN);
        // The patient closes nothing by waiting, and neither does the clinician by closing.
        app.review(&id, "close", &json!({})).await.expect(200);
        for _ in 0..60 {
            app.clock.advance(Duration::seconds(20));
            let report = app.work(KIND).await;
            assert_eq!(report.done + report.parked + report.failed, 0, "{report:?}");
        }
        let charges = app.events_of(CHARGEABLE).await.len();
        app.standins.set_mode(Name::Fhir, Mode::UP);
        let recovered = app.now();
        while app.read_async(&id).await["encounterStatus"] != "created" {
            app.clock.advance(Duration::seconds(5));
            assert!(app.now() - recovered <= Duration::minutes(5), "{mode:?}: five minutes are over");
            app.work(KIND).await;
        }
        assert_eq!(app.read_async(&id).await["status"], "closed");
        assert_eq!(app.events_of(CHARGEABLE).await.len(), charges + 1);
    }
    assert_eq!(app.standins.encounters().len(), 4);
    assert_eq!(app.count("retry_job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_an_encounter_that_fhir_refuses_as_invalid_is_parked_and_shown_to_those_who_watch() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::down_with(422));
    let (id, visit) = answered(&app, Duration::minutes(3)).await;
    assert_eq!((&visit["encounterStatus"], &visit["encounterId"]), (&json!("parked"), &Value::Null));
    let parked = app.only_event("virtual_care.async_visit.encounter.parked.v1").await;
    assert_eq!(parked["data"]["asyncVisitId"], id.as_str());
    let told = app.get(&app.token("admin"), "/reconciliation").await.expect(200).body;
    assert_eq!(told["complete"], false);
    let lacking = &told["visitsWithoutEncounter"];
    assert_eq!((&lacking["count"], &lacking["items"][0]["visitId"]), (&json!(1), &json!(id)));
    assert_eq!(lacking["items"][0]["encounterStatus"], "parked");
    let job = &told["jobsParked"]["items"][0];
    assert_eq!((&job["kind"], &job["visitId"]), (&json!("create_async_encounter"), &json!(id)));
    app.clock.advance(Duration::hours(1));
    assert_eq!(app.work(KIND).await.taken(), 0);
    // A person mends it, and has it tried again.
    app.standins.set_mode(Name::Fhir, Mode::UP);
    let uuid = vcare_domain::SessionId::from_uuid(*id.parse::<AsyncVisitId>().unwrap().as_uuid());
    let scope = crate::support::scope(crate::support::TENANT);
    assert!(app.app.requeue_job(&scope, uuid, KIND, None).await.unwrap());
    assert_eq!(app.work(KIND).await, WorkReport { done: 1, ..WorkReport::default() });
    assert_eq!(app.read_async(&id).await["encounterStatus"], "created");
    let audit = app.only_event("virtual_care.audit.recorded.v1").await;
    assert_eq!((&audit["data"]["resourceId"], &audit["data"]["eventType"]), (&json!(id), &json!("JOB_REQUEUED")));
    let told = app.get(&app.token("admin"), "/reconciliation").await.expect(200).body;
    assert_eq!(told["visitsWithoutEncounter"]["count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_parks_the_job_of_a_visit_that_waits_for_its_encounter() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let (id, _) = answered(&app, Duration::minutes(3)).await;
    let uuid = vcare_domain::SessionId::from_uuid(*id.parse::<AsyncVisitId>().unwrap().as_uuid());
    let scope = crate::support::scope(crate::support::TENANT);
    assert!(app.app.park_job(&scope, uuid, KIND).await.unwrap());
    assert_eq!(app.read_async(&id).await["encounterStatus"], "parked");
    app.only_event("virtual_care.async_visit.encounter.parked.v1").await;
}

/// The gateway wrote it, but we never heard: the next attempt finds it by the visit's identifier.
#[tokio::test(flavor = "multi_thread")]
async fn an_encounter_whose_answer_was_lost_is_found_again_and_not_written_twice() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let (id, _) = answered(&app, Duration::minutes(3)).await;
    let resource = app.standins.requests(Name::Fhir).remove(0).body;
    let written = app.standins.put_encounter(resource);
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.clock.advance(Duration::minutes(1));
    assert_eq!(app.work(KIND).await, WorkReport { done: 1, ..WorkReport::default() });
    assert_eq!(app.read_async(&id).await["encounterId"], written);
    assert_eq!((app.standins.encounters().len(), app.events_of(CHARGEABLE).await.len()), (1, 1));
}

/// Impatient fingers, retrying phones, and a worker that looks at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn us_013_a_storm_of_answers_writes_one_encounter_one_charge_and_one_answer() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::UP.after(std::time::Duration::from_millis(150)));
    let id = app.claimed().await;
    app.clock.advance(Duration::minutes(3));
    let over = Cell::new(false);
    let answers = async {
        let answers = join_all((0..20).map(|_| app.respond(&id))).await;
        over.set(true);
        answers
    };
    let worker = async {
        while !over.get() {
            app.work(KIND).await;
        }
    };
    let (answers, ()) = tokio::join!(answers, worker);
    for answer in answers {
        assert_eq!(answer.expect(200).body["status"], "responded");
    }
    assert_eq!(app.standins.encounters().len(), 1);
    app.only_event(RESPONDED).await;
    app.only_event(CHARGEABLE).await;
    assert_eq!(app.read_async(&id).await["version"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_with_the_same_job_charge_once() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let (id, _) = answered(&app, Duration::minutes(3)).await;
    app.standins.set_mode(Name::Fhir, Mode::UP.after(std::time::Duration::from_secs(1)));
    app.clock.advance(Duration::minutes(2));
    let (first, second) = (app.app.clone(), app.app.clone());
    let stop = tokio_util::sync::CancellationToken::new();
    let stopped = stop.clone();
    let one = tokio::spawn(async move { first.work_due(KIND, 9, &stopped).await.unwrap() });
    // The first one's lease is lost while it asks, and the second takes the job.
    app.database
        .until("SELECT lease_token IS NOT NULL FROM retry_job", std::time::Duration::from_secs(20))
        .await
        .unwrap();
    app.clock.advance(Duration::minutes(2));
    let two = tokio::spawn(async move { second.work_due(KIND, 9, &stop).await.unwrap() });
    assert_eq!(one.await.unwrap().done + two.await.unwrap().done, 2);
    assert_eq!((app.standins.encounters().len(), app.events_of(CHARGEABLE).await.len()), (1, 1));
    assert_eq!(app.count("retry_job").await, 0);
    assert_eq!(app.read_async(&id).await["version"], 4);
}
