//! How much of a visit was transcribed is on record, whatever becomes of the visit, and never what was said.

use std::time::Duration;

use serde_json::{Value, json};
use vcare_app::ports::JobKind;
use vcare_testkit::{Consents, Mode, Name};

use super::upload::{arrived, body};
use crate::by_itself::left_by_everybody;
use crate::support::{CONSENTED, Program, TestApp, Visit, audio};

const PATIENCE: Duration = Duration::from_secs(40);

/// The audit entries of transcriptions so far.
async fn entries(app: &TestApp) -> Vec<Value> {
    let all = app.all_events().await;
    all.into_iter().map(|event| event["data"].clone()).filter(|data| data["eventType"] == "AI_TRANSCRIPTION").collect()
}

/// Of those that rely on the patient's consent: its version, how many pieces, how many seconds, and whether the visit is over.
async fn of_patient(app: &TestApp) -> Vec<[String; 4]> {
    let entries = entries(app).await;
    let of_patient = entries.iter().map(|entry| &entry["metadata"]).filter(|of| of["holder"] == "patient");
    let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_owned();
    let names = ["consentVersion", "transcriptions", "audioSeconds", "visitOver"];
    of_patient.map(|of| names.map(|name| text(of, name))).collect()
}

fn row(version: &str, transcriptions: &str, seconds: &str, over: bool) -> [String; 4] {
    [version.to_owned(), transcriptions.to_owned(), seconds.to_owned(), over.to_string()]
}

async fn piece(app: &TestApp, visit: &Visit) {
    app.transcribe(&app.token("clinician"), visit, audio(500)).await.expect(200);
}

async fn report(app: &TestApp) -> u32 {
    app.app.report_transcriptions(10).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_piece_on_a_consent_is_audited_at_once_and_the_totals_when_the_visit_is_over() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    for _ in 0..3 {
        piece(&app, &visit).await;
    }
    let first = entries(&app).await;
    assert_eq!(first.len(), 2, "on the patient's consent and the provider's");
    assert_eq!(
        first[0],
        json!({
            "eventType": "AI_TRANSCRIPTION", "actorId": "clinician-1", "actorType": "USER",
            "resourceType": "VirtualSession", "resourceId": visit.id, "action": "CREATE", "outcome": "SUCCESS",
            "metadata": {
                "purpose": "clinical_documentation", "holder": "patient",
                "consentId": format!("ai_transcription_consent-{CONSENTED}"), "consentVersion": "1",
                "model": first[0]["metadata"]["model"], "transcriptions": "1", "audioSeconds": "5", "visitOver": "false",
            },
        })
    );
    assert!(first[0]["metadata"]["model"].is_string());
    assert_eq!(report(&app).await, 0, "the visit goes on");

    app.end(&visit).await.expect(200);
    let (one, other) = tokio::join!(report(&app), report(&app));
    assert_eq!(one + other, 1, "of two workers one reports it");
    assert_eq!(of_patient(&app).await, [row("1", "1", "5", false), row("1", "3", "15", true)]);
    let last = entries(&app).await.pop().unwrap();
    assert_eq!((&last["actorType"], &last["action"]), (&json!("SYSTEM"), &json!("UPDATE")));
    assert_eq!(report(&app).await, 0, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pieces_at_once_are_counted_both_and_are_one_first_entry() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    for _ in 0..4 {
        tokio::join!(piece(&app, &visit), piece(&app, &visit));
    }
    assert_eq!(entries(&app).await.len(), 2);
    app.end(&visit).await.expect(200);
    assert_eq!(report(&app).await, 1);
    assert_eq!(of_patient(&app).await[1], row("1", "8", "40", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_of_a_consent_has_its_own_totals() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    piece(&app, &visit).await;
    app.standins.set_consent(CONSENTED, Consents::ALL);
    piece(&app, &visit).await;
    piece(&app, &visit).await;
    app.end(&visit).await.expect(200);
    assert_eq!(report(&app).await, 1);
    let expected =
        [row("1", "1", "5", false), row("2", "1", "5", false), row("1", "1", "5", true), row("2", "2", "10", true)];
    assert_eq!(of_patient(&app).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_that_is_answered_after_the_visit_ended_is_followed_by_an_entry_with_the_new_totals() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    piece(&app, &visit).await;
    let ((pieces, body), clinician) = (body(), app.token("clinician"));
    let late = app.transcribe(&clinician, &visit, body);
    let end = async {
        pieces.send(audio(40_000)).unwrap();
        arrived(&app, 40_000).await;
        app.end(&visit).await.expect(200);
        assert_eq!(report(&app).await, 1);
        drop(pieces);
    };
    tokio::join!(late, end).0.expect(200);
    assert_eq!(report(&app).await, 1);
    let expected = [row("1", "1", "5", false), row("1", "1", "5", true), row("1", "2", "10", true)];
    assert_eq!(of_patient(&app).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_ended_by_itself_is_reported_as_any_other() {
    let app = TestApp::start().await;
    let visit = left_by_everybody(&app).await;
    piece(&app, &visit).await;
    app.clock.advance(time::Duration::minutes(10));
    app.work(JobKind::EndByItself).await;
    assert_eq!(app.read(&visit).await["status"], "ended");
    assert_eq!(report(&app).await, 1);
    assert_eq!(of_patient(&app).await.len(), 2);
}

/// The version before knows neither the table nor the entry, and only changes the visit.
#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_the_version_before_ended_is_reported_as_any_other() {
    let app = TestApp::start().await;
    let (counted, _) = app.active_visit().await;
    piece(&app, &counted).await;
    // This one was transcribed by the version before as well: there is evidence of its consents, and there are no totals.
    let (uncounted, _) = app.active_visit().await;
    piece(&app, &uncounted).await;
    let theirs = "DELETE FROM ai_transcription WHERE evidence IN (SELECT id FROM consent_evidence WHERE visit = $1)";
    app.database.execute(theirs, &[&uncounted.id]).await.unwrap();
    let end = "UPDATE virtual_session SET status = 'ended', ended_at = now(), encounter_status = 'not_required'";
    app.database.execute(end, &[]).await.unwrap();
    assert_eq!(report(&app).await, 1);
    let over = entries(&app).await.into_iter().filter(|entry| entry["metadata"]["visitOver"] == "true");
    assert!(over.map(|entry| entry["resourceId"].clone()).all(|id| id == counted.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcription_that_cannot_be_recorded_is_not_shown() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.database.execute("REVOKE INSERT ON ai_transcription FROM vcare_api", &[]).await.unwrap();
    let answer = app.transcribe(&app.token("clinician"), &visit, audio(500)).await;
    assert!(answer.status >= 500 && answer.body.get("transcript").is_none(), "{answer:?}");
    assert!(entries(&app).await.is_empty());
    app.database.execute("GRANT INSERT ON ai_transcription TO vcare_api", &[]).await.unwrap();
    piece(&app, &visit).await;
    assert_eq!(of_patient(&app).await, [row("1", "1", "5", false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_did_not_answer_is_not_counted() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.set_mode(Name::Ai, Mode::DOWN);
    app.transcribe(&app.token("clinician"), &visit, audio(500)).await.refused(503, "AI_UNAVAILABLE");
    assert!(entries(&app).await.is_empty());
    assert_eq!(app.count("ai_transcription").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_api_recorded_before_it_was_killed_is_reported_once_by_the_workers() {
    let mut program = Program::start("").await;
    let (visit, _) = program.active_visit().await;
    piece(&program, &visit).await;
    piece(&program, &visit).await;
    program.long_enough().await;
    program.end(&visit).await.expect(200);
    program.process.kill();
    let rows = "SELECT count(*) = 2 AND bool_and(transcriptions = 2 AND reported = 0) FROM ai_transcription";
    program.database.until(rows, PATIENCE).await.unwrap();
    let _workers = [program.worker().await, program.worker().await];
    program.database.until("SELECT bool_and(reported = 2) FROM ai_transcription", PATIENCE).await.unwrap();
    program.database.until("SELECT NOT EXISTS (SELECT FROM outbox)", PATIENCE).await.unwrap();
    let stream = vcare_testkit::StreamReader::connect(&program.nats.url()).await.unwrap().all().await.unwrap();
    let entries = stream.iter().map(|message| message.json()["data"].clone());
    let entries: Vec<Value> = entries.filter(|data| data["eventType"] == "AI_TRANSCRIPTION").collect();
    let over = entries.iter().filter(|entry| entry["metadata"]["visitOver"] == "true").count();
    assert_eq!((entries.len(), over), (4, 2), "{entries:#?}");
}
