//! A patient's rights: hold, restriction, erasure, and the proof that nothing opens what was erased.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use time::Duration;
use vcare_app::AppError;
use vcare_app::jobs::WorkReport;
use vcare_app::subjects::{ErasureOutcome, SubjectCommand};
use vcare_domain::{PatientId, SubjectRefusal};
use vcare_testkit::Consents;

use crate::support::{CONSENTED, OTHER_TENANT, TENANT, TestApp, Visit, draft, files_below, scope};
use crate::uploads::pictures::photo;

/// The patient who is not erased.
const OTHER: &str = "pat-zahra-amini";
/// So long clinical records are kept.
const TEN_YEARS: Duration = Duration::days(3650);

fn patient(id: &str) -> PatientId {
    PatientId::parse(id).unwrap()
}

/// What is written about a patient, in every field that takes a text.
struct Planted {
    patient: &'static str,
    mark: &'static str,
    session: Visit,
    cancelled: Visit,
    async_visit: String,
}

impl Planted {
    /// Plants a mark in all texts of a patient's visits, which are over then.
    async fn plant(app: &TestApp, patient: &'static str, mark: &'static str) -> Self {
        app.standins.set_consent(patient, Consents::ALL);
        let clinician = app.token("clinician");
        let wish = |n: i64| json!({"patientId": patient, "scheduledStart": app.minutes_ahead(30 + n)});
        let created = app.post(&clinician, "/sessions", &wish(0)).await.expect(201);
        let session = Visit::of(&created.body);
        let invited = json!({"role": "interpreter", "displayName": format!("{mark} interpreter")});
        let with_guest = app.invite(&session, &invited).await.expect(201);
        let guest =
            with_guest.body["participants"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
        app.remove(&session, &guest, &format!("{mark} removed")).await.expect(200);
        let token = app.join_token(&session).await;
        app.join(&token).await.expect(200);
        app.admit(&session).await.expect(200);
        app.clock.advance(Duration::minutes(2));
        app.post(&clinician, &session.path("/end"), &json!({"reason": format!("{mark} ended")})).await.expect(200);
        app.write_encounters().await;
        let created = app.post(&clinician, "/sessions", &wish(60)).await.expect(201);
        let cancelled = Visit::of(&created.body);
        let path = cancelled.path("/cancel");
        app.post_once(&clinician, &path, &json!({"reason": format!("{mark} cancelled")}), mark).await.expect(200);
        let async_visit = Self::plant_async(app, patient, mark).await;
        Self { patient, mark, session, cancelled, async_visit }
    }

    async fn plant_async(app: &TestApp, patient: &str, mark: &str) -> String {
        let mut draft = draft();
        draft["patientId"] = patient.into();
        draft["chiefComplaint"] = format!("{mark} complaint").into();
        draft["symptoms"] = json!([format!("{mark} symptom")]);
        draft["complaintCode"] =
            json!({"system": "http://hl7.org/fhir/sid/icd-10", "code": "R05", "display": format!("{mark} code")});
        let id = app.post(&app.token("clinician"), "/async-visits", &draft).await.expect(201).text("id");
        app.review(&id, "claim", &json!({})).await.expect(200);
        app.review(&id, "respond", &json!({"responseText": format!("{mark} answer"), "followUp": "none"}))
            .await
            .expect(200);
        app.review(&id, "addendum", &json!({"text": format!("{mark} addendum")})).await.expect(200);
        app.write_encounters().await;
        app.work(vcare_app::ports::JobKind::CreateAsyncEncounter).await;
        id
    }

    /// Every text of the patient's that the care team can read through the service.
    async fn readable(&self, app: &TestApp) -> String {
        let clinician = app.token("clinician");
        let mut all = String::new();
        for path in [self.session.path(""), self.cancelled.path(""), format!("/async-visits/{}", self.async_visit)] {
            all += &app.get(&clinician, &path).await.expect(200).body.to_string();
        }
        all
    }
}

/// What a scanner finds of a mark that opens nothing.
async fn in_plain(app: &TestApp, mark: &str) -> usize {
    let dump = app.database.dump().await.unwrap();
    let files = files_below(&app.storage_folder());
    let in_files = files.iter().filter(|file| holds(file, mark)).count();
    dump.matches(mark).count() + in_files
}

fn holds(file: &Path, mark: &str) -> bool {
    let bytes = std::fs::read(file).unwrap();
    bytes.windows(mark.len()).any(|window| window == mark.as_bytes())
}

async fn erase(app: &TestApp, id: &str) -> ErasureOutcome {
    app.app.erase_subject(&scope(TENANT), &patient(id)).await.unwrap()
}

/// The tables that a backup of the database holds, without the schema of the keys.
const BACKED_UP: [&str; 3] = ["virtual_session", "async_visit", "idempotency_key"];

async fn back_up(app: &TestApp) {
    app.database.execute("CREATE SCHEMA old", &[]).await.unwrap();
    for table in BACKED_UP {
        app.database.execute(&format!("CREATE TABLE old.{table} AS SELECT * FROM {table}"), &[]).await.unwrap();
    }
}

/// The old database beside today's keys.
async fn restore(app: &TestApp) {
    for table in ["idempotency_key", "async_visit", "virtual_session"] {
        app.database.execute(&format!("DELETE FROM {table}"), &[]).await.unwrap();
    }
    for table in BACKED_UP {
        app.database.execute(&format!("INSERT INTO {table} SELECT * FROM old.{table}"), &[]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_about_a_patient_stands_nowhere_in_plain_and_is_shown_to_the_care_team() {
    let app = TestApp::start().await;
    let planted = Planted::plant(&app, CONSENTED, "MARKP").await;
    let readable = planted.readable(&app).await;
    for text in ["complaint", "symptom", "code", "answer", "addendum", "interpreter", "removed", "ended", "cancelled"] {
        assert!(readable.contains(&format!("MARKP {text}")), "{text}: {readable}");
    }
    assert_eq!(in_plain(&app, "MARKP").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_patient_opens_nowhere_not_even_in_an_old_database_and_others_open_as_before() {
    let app = TestApp::start().await;
    let erased = Planted::plant(&app, CONSENTED, "MARKP").await;
    let other = Planted::plant(&app, OTHER, "MARKQ").await;
    let (before, kept) = (erased.readable(&app).await, other.readable(&app).await);
    assert!(before.contains("MARKP complaint") && kept.contains("MARKQ complaint"));
    back_up(&app).await;
    app.clock.advance(TEN_YEARS + Duration::DAY);

    let ErasureOutcome::Erased(receipt) = erase(&app, erased.patient).await else { panic!("kept") };
    assert_eq!((receipt.erased.sessions, receipt.erased.async_visits), (2, 1), "{receipt:?}");
    assert!(receipt.erased.keys >= 3 && receipt.erased.answers >= 1, "{receipt:?}");
    assert!(matches!(erase(&app, erased.patient).await, ErasureOutcome::AlreadyErased));
    let after = erased.readable(&app).await;
    assert!(!after.contains(erased.mark) && after.contains("[erased]") && after.contains("erasedAt"), "{after}");
    assert_eq!(other.readable(&app).await, kept);

    restore(&app).await;
    let after = erased.readable(&app).await;
    assert!(!after.contains(erased.mark), "{after}");
    assert_eq!(other.readable(&app).await, kept);

    let told: Vec<Value> = app.all_events().await;
    let events = serde_json::to_string(&told).unwrap();
    assert!(!events.contains("MARKP") && !events.contains("MARKQ"));
    assert_eq!(told.iter().filter(|event| event["type"] == "virtual_care.subject.erased.v1").count(), 1);
    let audited = told.iter().filter(|event| event["data"]["eventType"] == "SUBJECT_ERASED").count();
    assert_eq!(audited, 1, "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_attachments_are_encrypted_and_an_erased_patients_open_from_no_backup() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    app.uploaded("0", "original", &photo(64, 48)).await;
    app.look_after_uploads().await;
    let clinician = app.token("clinician");
    app.review(&visit, "claim", &json!({})).await.expect(200);
    let list = app.attachments(&clinician, &visit).await;
    let shown = app.open(&list[0], "url").await.expect(200);
    assert!(shown.bytes.starts_with(&[0xFF, 0xD8]), "a picture");
    let stored: Vec<(PathBuf, Vec<u8>)> =
        app.stored_files().into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap())).collect();
    assert!(!stored.is_empty() && stored.iter().all(|(_, bytes)| bytes.starts_with(b"vcareAE1")), "encrypted");

    app.review(&visit, "respond", &json!({"responseText": "rest", "followUp": "none"})).await.expect(200);
    app.work(vcare_app::ports::JobKind::CreateAsyncEncounter).await;
    app.clock.advance(TEN_YEARS + Duration::DAY);
    let list = app.attachments(&app.token("clinician"), &visit).await;
    let ErasureOutcome::Erased(receipt) = erase(&app, CONSENTED).await else { panic!("kept") };
    assert_eq!(receipt.uploads, 1);
    app.look_after_uploads().await;
    assert!(app.stored_files().is_empty(), "{:?}", app.stored_files());
    for (file, bytes) in &stored {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    let opened = app.open(&list[0], "url").await;
    assert!(opened.status >= 400 && !opened.bytes.starts_with(&[0xFF, 0xD8]), "{}", opened.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_is_written_about_an_erased_patient() {
    let app = TestApp::start().await;
    let planted = Planted::plant(&app, CONSENTED, "MARKP").await;
    app.clock.advance(TEN_YEARS + Duration::DAY);
    assert!(matches!(erase(&app, CONSENTED).await, ErasureOutcome::Erased(_)));
    let mut again = draft();
    again["patientId"] = CONSENTED.into();
    let clinician = app.token("clinician");
    app.post(&clinician, "/async-visits", &again).await.refused(410, "SUBJECT_ERASED");
    let addendum = json!({"text": "more"});
    app.review(&planted.async_visit, "addendum", &addendum).await.refused(410, "SUBJECT_ERASED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_stops_erasure_and_clinical_records_are_restricted_until_they_need_not_be_kept() {
    let app = TestApp::start().await;
    let planted = Planted::plant(&app, CONSENTED, "MARKP").await;
    let (ours, id) = (scope(TENANT), patient(CONSENTED));
    let ErasureOutcome::RestrictedUntil(until) = erase(&app, CONSENTED).await else { panic!("not restricted") };
    assert!(until > app.now() + TEN_YEARS - Duration::DAY, "{until}");
    app.clock.advance(TEN_YEARS + Duration::DAY);
    app.app.order_subject(&ours, &id, SubjectCommand::Hold).await.unwrap();
    let refused = app.app.erase_subject(&ours, &id).await.unwrap_err();
    assert!(matches!(refused, AppError::Subject(SubjectRefusal::Held { .. })), "{refused:?}");
    assert!(planted.readable(&app).await.contains("MARKP complaint"));
    let subject = app.app.order_subject(&ours, &id, SubjectCommand::Release).await.unwrap();
    assert_eq!((subject.held, subject.restricted), (None, None));
    assert!(matches!(erase(&app, CONSENTED).await, ErasureOutcome::Erased(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_whose_visits_are_not_over_is_not_erased_and_another_tenants_is_another_patient() {
    let app = TestApp::start().await;
    let (active, _) = app.active_visit().await;
    let refused = app.app.erase_subject(&scope(TENANT), &patient(CONSENTED)).await.unwrap_err();
    assert!(matches!(refused, AppError::Subject(SubjectRefusal::Unfinished { count: 1 })), "{refused:?}");
    let elsewhere = app.app.erase_subject(&scope(OTHER_TENANT), &patient(CONSENTED)).await.unwrap();
    assert!(matches!(elsewhere, ErasureOutcome::Erased(_)));
    app.end(&active).await.expect(200);
    let written: WorkReport = app.write_encounters().await;
    assert_eq!(written.failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_submission_and_an_erasure_at_the_same_moment_one_is_refused() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    for number in 0..8 {
        let id = format!("pat-race-{number}");
        app.standins.set_consent(&id, Consents::ALL);
        let mut wish = draft();
        wish["patientId"] = id.as_str().into();
        let (ours, subject) = (scope(TENANT), patient(&id));
        let (submitted, erased) =
            tokio::join!(app.post(&clinician, "/async-visits", &wish), app.app.erase_subject(&ours, &subject));
        match (submitted.status, erased) {
            (201, Err(AppError::Subject(SubjectRefusal::Unfinished { count: 1 }))) => {}
            (410, Ok(ErasureOutcome::Erased(_))) => {}
            (status, erased) => panic!("{status} and {erased:?}"),
        }
    }
}
