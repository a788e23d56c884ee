//! VCARE-US-004 and VCARE-US-009: a visit ends, its Encounter is written and it is charged: once.

use std::cell::Cell;

use serde_json::{Value, json};
use time::Duration;
use vcare_app::encounters::SESSION_IDENTIFIER_SYSTEM;
use vcare_app::jobs::WorkReport;
use vcare_domain::SessionId;
use vcare_testkit::{Mode, Name};

use crate::support::{CONSENTED, TestApp, Visit};

const ENDED: &str = "virtual_care.session.ended.v1";
const CHARGEABLE: &str = "virtual_care.billing.session_chargeable.v1";

/// A visit that ended after that long.
async fn ended_visit(app: &TestApp, length: Duration) -> (Visit, Value) {
    let (visit, _) = app.active_visit().await;
    app.clock.advance(length);
    let ended = app.end(&visit).await.expect(200).body;
    (visit, ended)
}

/// The visit's identifier in the chart.
fn identifier(visit: &Visit) -> Value {
    let id: SessionId = visit.id.parse().unwrap();
    json!({"system": SESSION_IDENTIFIER_SYSTEM, "value": id.as_uuid().hyphenated().to_string()})
}

#[tokio::test(flavor = "multi_thread")]
async fn us_004_an_active_session_ends_with_its_encounter() {
    let app = TestApp::start().await;
    let (visit, ended) = ended_visit(&app, Duration::seconds(754)).await;
    assert_eq!(ended["status"], "ended");
    assert_eq!((&ended["encounterStatus"], &ended["durationSeconds"]), (&json!("created"), &json!(754)));
    assert_eq!(ended["actualEnd"], app.minutes_ahead(0));
    let encounters = app.standins.encounters();
    assert_eq!(encounters.len(), 1);
    assert_eq!(ended["encounterId"], encounters[0]["id"]);
    assert_eq!(app.read(&visit).await, ended);
    // Nothing is left to do.
    app.clock.advance(Duration::hours(1));
    assert_eq!(app.write_encounters().await, WorkReport::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn us_004_the_encounter_is_virtual_and_names_patient_appointment_and_visit() {
    let app = TestApp::start().await;
    let began = app.minutes_ahead(0);
    let (visit, _) = ended_visit(&app, Duration::minutes(12)).await;
    let encounter = app.standins.encounters().remove(0);
    assert_eq!((&encounter["resourceType"], &encounter["status"]), (&json!("Encounter"), &json!("finished")));
    assert_eq!(encounter["class"]["code"], "VR");
    assert_eq!(encounter["subject"]["reference"], format!("Patient/{CONSENTED}"));
    assert_eq!(encounter["appointment"], json!([{"reference": "Appointment/appt-1"}]));
    assert_eq!(encounter["identifier"], json!([identifier(&visit)]));
    assert_eq!(encounter["period"], json!({"start": began, "end": app.minutes_ahead(0)}));
    assert_eq!(encounter["length"]["value"], 720);
    assert_eq!(encounter["participant"][0]["individual"]["reference"], "Practitioner/clinician-1");
    let asked = app.standins.requests(Name::Fhir);
    let condition = asked[0].header("if-none-exist").unwrap();
    assert!(condition.ends_with(identifier(&visit)["value"].as_str().unwrap()), "{condition}");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_004_the_charge_has_duration_patient_and_encounter() {
    let app = TestApp::start().await;
    let began = app.minutes_ahead(0);
    let (visit, ended) = ended_visit(&app, Duration::seconds(754) + Duration::milliseconds(900)).await;
    let charge = app.only_event(CHARGEABLE).await;
    assert_eq!(
        charge["data"],
        json!({
            "sessionId": visit.id, "encounterId": ended["encounterId"], "patientId": CONSENTED,
            "appointmentId": "appt-1", "providerId": "clinician-1",
            "providers": [{"id": "clinician-1", "seconds": 754}], "startedAt": began, "endedAt": ended["actualEnd"],
            "durationSeconds": 754, "secondsPerMode": {"video": 754, "audio": 0, "message": 0},
        })
    );
    let event = app.only_event(ENDED).await;
    assert_eq!(event["data"]["durationSeconds"], 754);
    // The charge comes after the end: billing never sees one without the other.
    let types = app.event_types().await;
    assert_eq!(types[types.len() - 2..], [ENDED, CHARGEABLE]);
    // And both name the request that ended the visit.
    assert_eq!(charge["correlationid"], event["correlationid"]);
}

/// While FHIR is away the visit ends all the same; when it is back, the Encounter follows within five minutes, whatever was
/// tried in between.
#[tokio::test(flavor = "multi_thread")]
async fn us_009_when_fhir_recovers_the_encounter_follows_within_five_minutes() {
    let app = TestApp::start().await;
    for mode in [Mode::DOWN, Mode::down_with(401), Mode::SLOW, Mode::WRONG] {
        app.standins.set_mode(Name::Fhir, mode);
        let (visit, ended) = ended_visit(&app, Duration::minutes(10)).await;
        assert_eq!((&ended["status"], &ended["encounterStatus"]), (&json!("ended"), &json!("pending")));
        assert_eq!(ended["encounterId"], Value::Null);
        app.standins.set_mode(Name::Fhir, Mode::DOWN);
        // A blackout of twenty minutes, with a worker that looks every ten seconds.
        for _ in 0..120 {
            app.clock.advance(Duration::seconds(10));
            let report = app.write_encounters().await;
            assert_eq!(report.done + report.parked + report.failed, 0, "{report:?}");
            // Whenever it recovers: no attempt is further away than that.
            let late = "SELECT count(*) FROM retry_job WHERE state = 'open' AND due_at > $1::text::timestamptz";
            let late = app.database.query_one(late, &[&app.minutes_ahead(5)]).await.unwrap();
            assert_eq!(late.get::<_, i64>(0), 0);
        }
        let charges = app.events_of(CHARGEABLE).await.len();
        app.standins.set_mode(Name::Fhir, Mode::UP);
        let recovered = app.now();
        while app.read(&visit).await["encounterStatus"] != "created" {
            app.clock.advance(Duration::seconds(5));
            assert!(app.now() - recovered <= Duration::minutes(5), "{mode:?}: five minutes are over");
            app.write_encounters().await;
        }
        let session = app.read(&visit).await;
        let encounter = app.standins.encounters().pop().unwrap();
        assert_eq!((&session["encounterId"], &session["durationSeconds"]), (&encounter["id"], &json!(600)));
        assert_eq!(encounter["identifier"], json!([identifier(&visit)]));
        let mut all = app.events_of(CHARGEABLE).await;
        assert_eq!(all.len(), charges + 1);
        assert_eq!(all.pop().unwrap()["data"]["encounterId"], encounter["id"]);
    }
    assert_eq!(app.standins.encounters().len(), 4);
    assert_eq!(app.events_of(ENDED).await.len(), 4);
}

/// The gateway wrote it, but we never heard: the next attempt finds it by the visit's identifier.
#[tokio::test(flavor = "multi_thread")]
async fn us_009_an_encounter_whose_answer_was_lost_is_found_again_and_not_written_twice() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let (visit, _) = ended_visit(&app, Duration::minutes(10)).await;
    let resource = app.standins.requests(Name::Fhir).remove(0).body;
    let id = app.standins.put_encounter(resource);
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.clock.advance(Duration::minutes(1));
    assert_eq!(app.write_encounters().await, WorkReport { done: 1, ..WorkReport::default() });
    assert_eq!(app.read(&visit).await["encounterId"], id);
    assert_eq!(app.standins.encounters().len(), 1);
    assert_eq!(app.only_event(CHARGEABLE).await["data"]["encounterId"], id);
}

/// The gateway says that the Encounter is wrong: trying again cannot help, so a person must look.
#[tokio::test(flavor = "multi_thread")]
async fn us_009_an_encounter_that_fhir_refuses_as_invalid_is_parked() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::down_with(422));
    let (visit, ended) = ended_visit(&app, Duration::minutes(10)).await;
    assert_eq!((&ended["encounterStatus"], &ended["encounterId"]), (&json!("parked"), &Value::Null));
    let parked = app.only_event("virtual_care.session.encounter.parked.v1").await;
    assert_eq!(parked["data"]["sessionId"], visit.id.as_str());
    // The job stays for that person to find, and nobody else takes it up.
    let jobs = app.database.query_one("SELECT state, last_error FROM retry_job", &[]).await.unwrap();
    assert_eq!((jobs.get::<_, &str>(0), jobs.get::<_, &str>(1)), ("parked", "invalid"));
    app.standins.clear_requests(Name::Fhir);
    app.clock.advance(Duration::hours(1));
    assert_eq!(app.write_encounters().await.taken(), 0);
    assert!(app.standins.requests(Name::Fhir).is_empty());
    assert!(app.events_of(CHARGEABLE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn us_004_ending_again_is_200_with_the_session_as_it_is() {
    let app = TestApp::start().await;
    let (visit, ended) = ended_visit(&app, Duration::minutes(10)).await;
    app.clock.advance(Duration::minutes(10));
    assert_eq!(app.end(&visit).await.expect(200).body, ended);
    // Also for somebody who saw an older version, and under another key.
    let clinician = app.token("clinician");
    let again = app.post_at(&clinician, &visit.path("/end"), &json!({}), 1).await.expect(200);
    assert_eq!(again.body, ended);
    let again = app.post_once(&clinician, &visit.path("/end"), &json!({}), "key-1").await.expect(200);
    assert_eq!(again.body, ended);
    app.only_event(ENDED).await;
    app.only_event(CHARGEABLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_004_a_session_that_nobody_was_admitted_to_ends_without_encounter_and_charge() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    app.clock.advance(Duration::minutes(30));
    let ended = app.end(&visit).await.expect(200).body;
    assert_eq!((&ended["status"], &ended["durationSeconds"]), (&json!("ended"), &json!(0)));
    assert_eq!((&ended["encounterStatus"], &ended["encounterId"]), (&json!("not_required"), &Value::Null));
    assert_eq!(ended["actualStart"], Value::Null);
    assert_eq!(app.only_event(ENDED).await["data"]["durationSeconds"], 0);
    app.clock.advance(Duration::hours(1));
    assert_eq!(app.write_encounters().await.taken(), 0);
    assert!(app.standins.requests(Name::Fhir).is_empty());
    assert!(app.events_of(CHARGEABLE).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn us_004_a_session_that_did_not_begin_or_was_cancelled_cannot_be_ended() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let answer = app.end(&visit).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(answer.body["currentStatus"], "scheduled");
    app.cancel(&visit, "snow").await.expect(200);
    let answer = app.end(&visit).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(answer.body["currentStatus"], "cancelled");
    assert!(app.events_of(ENDED).await.is_empty());
}

/// Impatient fingers, retrying phones, and a worker that looks at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn us_009_a_storm_of_ends_writes_one_encounter_one_charge_and_one_end() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::UP.after(std::time::Duration::from_millis(150)));
    let (visit, _) = app.active_visit().await;
    app.clock.advance(Duration::minutes(10));
    let answered = Cell::new(false);
    let ends = async {
        let answers = futures_util::future::join_all((0..20).map(|_| app.end(&visit))).await;
        answered.set(true);
        answers
    };
    let worker = async {
        while !answered.get() {
            app.write_encounters().await;
        }
    };
    let (answers, ()) = tokio::join!(ends, worker);
    for answer in answers {
        assert_eq!(answer.expect(200).body["status"], "ended");
    }
    assert_eq!(app.standins.encounters().len(), 1);
    let session = app.read(&visit).await;
    assert_eq!(session["encounterId"], app.standins.encounters()[0]["id"]);
    app.only_event(ENDED).await;
    app.only_event(CHARGEABLE).await;
    // The end and its Encounter: two changes, however often it was asked for.
    assert_eq!(session["version"], 6);
}
