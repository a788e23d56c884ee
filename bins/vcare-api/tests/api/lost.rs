//! A patient whose connection is lost is waited for, and then the visit is given up: once, whoever does it and when.

use serde_json::{Value, json};
use time::Duration;
use tokio_util::sync::CancellationToken;
use vcare_app::jobs::WorkReport;
use vcare_app::ports::{ClosedJob, JobEnd, JobKind};

use crate::rooms::settings;
use crate::support::{TENANT, TestApp, Visit, scope};

const LOST: JobKind = JobKind::FailLostVisit;
const FAILED: &str = "virtual_care.session.failed.v1";
const CHARGEABLE: &str = "virtual_care.billing.session_chargeable.v1";

const DONE: WorkReport = WorkReport { done: 1, parked: 0, later: 0, failed: 0 };
const NOTHING: WorkReport = WorkReport { done: 0, parked: 0, later: 0, failed: 0 };

/// A visit that has gone on for ten minutes when its patient's connection is lost.
async fn lost(app: &TestApp) -> (Visit, String) {
    let (visit, token) = app.active_visit().await;
    let room = room(app, &visit).await;
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    app.clock.advance(Duration::minutes(10));
    app.seen_to_leave(&room, &visit.patient, "phone").await.expect(204);
    (visit, token)
}

/// How many jobs there are that give up a visit.
async fn open(app: &TestApp) -> i64 {
    let query = "SELECT count(*) FROM retry_job WHERE kind = 'fail_lost_visit'";
    app.database.query_one(query, &[]).await.unwrap().get(0)
}

async fn room(app: &TestApp, visit: &Visit) -> String {
    app.read(visit).await["roomName"].as_str().unwrap().to_owned()
}

async fn status(app: &TestApp, visit: &Visit) -> String {
    app.read(visit).await["status"].as_str().unwrap().to_owned()
}

/// How many seconds the visit's segments come to.
fn seconds(visit: &Value) -> i64 {
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;
    let at = |segment: &Value, field: &str| OffsetDateTime::parse(segment[field].as_str().unwrap(), &Rfc3339).unwrap();
    let segments = visit["segments"].as_array().unwrap();
    segments.iter().map(|segment| (at(segment, "end") - at(segment, "start")).whole_seconds()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_visit_fails_when_its_patient_is_gone_for_longer_than_the_window() {
    let app = TestApp::start().await;
    let (visit, token) = lost(&app).await;
    app.clock.advance(Duration::seconds(59));
    assert_eq!(app.work(LOST).await, NOTHING, "the window runs");
    assert_eq!(status(&app, &visit).await, "active");
    app.clock.advance(Duration::SECOND);
    assert_eq!(app.work(LOST).await, DONE);
    let read = app.read(&visit).await;
    assert_eq!((&read["status"], seconds(&read)), (&json!("failed"), 600), "the minute of waiting was no visit");
    let event = app.only_event(FAILED).await;
    assert_eq!((&event["data"]["sessionId"], &event["actorid"]), (&json!(visit.id), &json!("system:reconnect_window")));
    assert_eq!(open(&app).await, 0);
    // As long as it can be resumed, a link brings it back: see below.
    app.clock.advance(Duration::minutes(30));
    let late = app.join(&token).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(late.body["currentStatus"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_back_in_time_was_never_lost() {
    let app = TestApp::start().await;
    let (visit, token) = lost(&app).await;
    app.clock.advance(Duration::seconds(59));
    assert_eq!(app.join(&token).await.expect(200).body["destination"], "direct_join");
    app.clock.advance(Duration::SECOND);
    assert_eq!(app.work(LOST).await, DONE, "there is nothing to do, and the job is over");
    assert_eq!((status(&app, &visit).await, open(&app).await), ("active".to_owned(), 0));
    assert!(app.events_of(FAILED).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_loss_moves_the_end_of_the_window() {
    let app = TestApp::start().await;
    let (visit, token) = lost(&app).await;
    app.clock.advance(Duration::seconds(50));
    app.join(&token).await.expect(200);
    let room = room(&app, &visit).await;
    app.seen_to_join(&room, &visit.patient, "phone again").await.expect(204);
    app.seen_to_leave(&room, &visit.patient, "phone again").await.expect(204);
    let due =
        "SELECT count(*) FROM retry_job WHERE due_at = $1::text::timestamptz AND created_at = due_at AND attempts = 0";
    let at = (app.now() + Duration::MINUTE).to_string();
    assert_eq!(app.database.query_one(due, &[&at]).await.unwrap().get::<_, i64>(0), 1);
    app.clock.advance(Duration::seconds(59));
    assert_eq!(app.work(LOST).await, NOTHING);
    app.clock.advance(Duration::SECOND);
    assert_eq!(app.work(LOST).await, DONE);
    assert_eq!(seconds(&app.read(&visit).await), 600, "nobody was together meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_holds_the_job_while_the_patient_is_lost_again_gives_nothing_up() {
    let app = TestApp::start().await;
    let (visit, token) = lost(&app).await;
    app.clock.advance(Duration::MINUTE);
    let held = app.app.jobs.lease(LOST, app.now(), Duration::MINUTE, 9).await.unwrap();
    app.join(&token).await.expect(200);
    let room = room(&app, &visit).await;
    app.seen_to_join(&room, &visit.patient, "phone again").await.expect(204);
    app.seen_to_leave(&room, &visit.patient, "phone again").await.expect(204);
    let done = ClosedJob { session_id: held[0].session_id, kind: LOST, lease: held[0].lease, end: JobEnd::Done };
    let mut tx = app.app.store.begin("test", &scope(TENANT)).await.unwrap();
    tx.jobs().close(&[done]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((open(&app).await, status(&app, &visit).await), (1, "active".to_owned()));
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.work(LOST).await, DONE);
    assert_eq!(status(&app, &visit).await, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_was_made_longer_meanwhile_counts() {
    let app = TestApp::start().await;
    let (visit, _) = lost(&app).await;
    settings(&app, TENANT, |draft| draft.session_grace_minutes_after = 5).await;
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.work(LOST).await, WorkReport { later: 1, ..NOTHING });
    assert_eq!(app.work(LOST).await, NOTHING);
    app.clock.advance(Duration::minutes(4));
    assert_eq!(app.work(LOST).await, DONE);
    assert_eq!(status(&app, &visit).await, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_workers_down_for_an_hour_the_visit_fails_all_the_same_and_counts_what_was_real() {
    let app = TestApp::start().await;
    let (visit, _) = lost(&app).await;
    app.clock.advance(Duration::HOUR);
    assert_eq!(app.work(LOST).await, DONE);
    let read = app.read(&visit).await;
    assert_eq!((&read["status"], seconds(&read)), (&json!("failed"), 600));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_fail_many_visits_once_each() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        lost(&app).await;
    }
    app.clock.advance(Duration::HOUR);
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let app = app.app.clone();
            tokio::spawn(async move { app.work_due(LOST, 3, &CancellationToken::new()).await.unwrap() })
        })
        .collect();
    let mut done = 0;
    for worker in workers {
        let report = worker.await.unwrap();
        assert_eq!((report.later, report.failed), (0, 0));
        done += report.done;
    }
    assert_eq!((done, app.events_of(FAILED).await.len()), (20, 20));
    assert_eq!(open(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_hold_the_same_job_fail_its_visit_once() {
    let app = TestApp::start().await;
    let (visit, _) = lost(&app).await;
    app.clock.advance(Duration::MINUTE);
    let kept = "CREATE TABLE kept AS SELECT * FROM retry_job";
    app.database.execute(kept, &[]).await.unwrap();
    assert_eq!(app.work(LOST).await, DONE);
    // A worker died after its commit, as if its job had not gone with it.
    app.database.execute("INSERT INTO retry_job SELECT * FROM kept", &[]).await.unwrap();
    assert_eq!(app.work(LOST).await, DONE);
    assert_eq!((status(&app, &visit).await.as_str(), app.events_of(FAILED).await.len()), ("failed", 1));
    assert_eq!(open(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_database_changes_nothing_and_the_next_one_finishes() {
    let app = TestApp::start().await;
    let (visit, _) = lost(&app).await;
    app.clock.advance(Duration::MINUTE);
    // Leased by somebody who died before it was recorded.
    let tenant = scope(TENANT).tenant_id;
    let leased = app.app.jobs.lease(LOST, app.now(), Duration::MINUTE, 9).await.unwrap();
    assert_eq!((leased.len(), &leased[0].tenant_id), (1, &tenant));
    assert_eq!(app.work(LOST).await, NOTHING, "its lease runs");
    app.lose_the_database().await;
    assert!(app.app.work_due(LOST, 9, &CancellationToken::new()).await.is_err());
    app.find_the_database().await;
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.work_on(LOST).await, DONE);
    assert_eq!(status(&app, &visit).await, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_was_ended_meanwhile_stays_ended() {
    let app = TestApp::start().await;
    let (visit, _) = lost(&app).await;
    app.clock.advance(Duration::seconds(30));
    app.end(&visit).await.expect(200);
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.work(LOST).await, DONE);
    assert_eq!((status(&app, &visit).await.as_str(), app.events_of(FAILED).await.len()), ("ended", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_failed_visit_is_ended_documented_and_charged_for_the_time_that_was_real() {
    let app = TestApp::start().await;
    let (visit, _) = lost(&app).await;
    app.clock.advance(Duration::minutes(3));
    app.work(LOST).await;
    app.clock.advance(Duration::HOUR);
    let ended = app.end(&visit).await.expect(200);
    assert_eq!((&ended.body["status"], &ended.body["encounterStatus"]), (&json!("ended"), &json!("created")));
    let charge = app.only_event(CHARGEABLE).await;
    assert_eq!(charge["data"]["durationSeconds"], 600);
    let encounter = app.standins.encounters().remove(0);
    assert_eq!(encounter["length"]["value"], 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_visit_that_its_tenant_does_not_have_is_left_to_its_lease() {
    let app = TestApp::start().await;
    let (visit, _) = lost(&app).await;
    app.database.execute("UPDATE retry_job SET tenant_id = 'hosp-herat'", &[]).await.unwrap();
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.work(LOST).await, WorkReport { failed: 1, ..NOTHING });
    assert_eq!(status(&app, &visit).await, "active");
}
