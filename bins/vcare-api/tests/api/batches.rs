//! Many Encounters are written and recorded together, and none is anybody else's trouble.

use std::collections::HashSet;
use std::time::Duration as Patience;

use serde_json::{Value, json};
use time::Duration;
use tokio_util::sync::CancellationToken;
use vcare_app::jobs::WorkReport;
use vcare_app::ports::JobKind;
use vcare_domain::SessionId;
use vcare_testkit::{Mode, Name, until};

use crate::support::{OTHER_TENANT, TestApp, Visit};

const ENCOUNTERS: JobKind = JobKind::CreateEncounter;
const CHARGEABLE: &str = "virtual_care.billing.session_chargeable.v1";
const ENDED: &str = "virtual_care.session.ended.v1";

/// So many ended visits whose Encounter is still to be written; their jobs are due, and the gateway is up. It was never
/// taken for dead: 404 is an answer.
async fn left_to_do(app: &TestApp, count: usize) -> Vec<Visit> {
    app.standins.set_mode(Name::Fhir, Mode::down_with(404));
    let mut visits = Vec::new();
    for _ in 0..count {
        visits.push(app.active_visit().await.0);
    }
    app.clock.advance(Duration::minutes(10));
    for visit in &visits {
        assert_eq!(app.end(visit).await.expect(200).body["encounterStatus"], "pending");
    }
    app.clock.advance(Duration::minutes(2));
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.standins.clear_requests(Name::Fhir);
    visits
}

fn uuid_of(visit: &Visit) -> uuid::Uuid {
    *visit.id.parse::<SessionId>().unwrap().as_uuid()
}

/// Changes a visit's row by hand.
async fn spoil(app: &TestApp, visit: &Visit, change: &str) {
    let statement = format!("UPDATE virtual_session SET {change} WHERE id = $1");
    assert_eq!(app.database.execute(&statement, &[&uuid_of(visit)]).await.unwrap(), 1);
}

/// Until the gateway was asked for so many.
async fn until_asked(app: &TestApp, count: usize) {
    until("the gateway is asked so often", async || app.standins.requests(Name::Fhir).len() >= count).await;
}

/// Each visit has one Encounter and one charge, and no job is left.
async fn all_are_done_once(app: &TestApp, count: usize) {
    assert_eq!(app.standins.encounters().len(), count);
    let charges = app.events_of(CHARGEABLE).await;
    assert_eq!(charges.len(), count);
    let charged: HashSet<String> = charges.iter().map(|charge| charge["data"]["encounterId"].to_string()).collect();
    let written: HashSet<String> = app.standins.encounters().iter().map(|one| one["id"].to_string()).collect();
    assert_eq!(charged, written);
    assert_eq!(app.count("retry_job").await, 0);
    let done = "SELECT count(*) FROM virtual_session WHERE encounter_status = 'created' AND charged_at IS NOT NULL";
    let row = app.database.query_one(done, &[]).await.unwrap();
    assert_eq!(usize::try_from(row.get::<_, i64>(0)).unwrap(), count);
}

const fn created(created: u32) -> WorkReport {
    WorkReport { done: created, parked: 0, later: 0, failed: 0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_recorded_and_each_charge_names_the_request_that_ended_its_visit() {
    let app = TestApp::start().await;
    let visits = left_to_do(&app, 12).await;
    assert_eq!(app.write_encounters().await, created(12));
    all_are_done_once(&app, 12).await;
    let of = |events: Vec<Value>| {
        let pair = |event: Value| (event["data"]["sessionId"].to_string(), event["correlationid"].to_string());
        events.into_iter().map(pair).collect::<HashSet<_>>()
    };
    let ends = of(app.events_of(ENDED).await);
    assert_eq!(of(app.events_of(CHARGEABLE).await), ends);
    assert_eq!(ends.iter().map(|(_, request)| request).collect::<HashSet<_>>().len(), visits.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_gateway_refuses_is_parked_while_the_others_of_its_batch_are_written() {
    let app = TestApp::start().await;
    let visits = left_to_do(&app, 5).await;
    // To a FHIR server, a reference to such an id is invalid.
    spoil(&app, &visits[2], "patient_id = 'pat_odd'").await;
    let report = app.write_encounters().await;
    assert_eq!(report, WorkReport { done: 4, parked: 1, ..WorkReport::default() });
    assert_eq!(app.read(&visits[2]).await["encounterStatus"], "parked");
    assert_eq!(app.events_of("virtual_care.session.encounter.parked.v1").await.len(), 1);
    let job = app.database.query_one("SELECT state, last_error, session_id FROM retry_job", &[]).await.unwrap();
    assert_eq!((job.get::<_, &str>(0), job.get::<_, &str>(1)), ("parked", "invalid"));
    assert_eq!(job.get::<_, uuid::Uuid>(2), uuid_of(&visits[2]));
    assert_eq!(app.events_of(CHARGEABLE).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_make_no_sense_spoil_no_other_of_their_batch() {
    let app = TestApp::start().await;
    let visits = left_to_do(&app, 6).await;
    spoil(&app, &visits[1], "participants = '[{}]'").await;
    // It ended before it began: no gateway can help, a person must look.
    spoil(&app, &visits[4], "segments = jsonb_set(segments, '{0,to}', '\"2001-01-01T00:00:00Z\"')").await;
    let report = app.write_encounters().await;
    assert_eq!(report, WorkReport { done: 4, parked: 1, failed: 1, ..WorkReport::default() });
    assert_eq!(app.standins.requests(Name::Fhir).len(), 4);
    assert_eq!(app.read(&visits[4]).await["encounterStatus"], "parked");
    let left = "SELECT count(*) FROM retry_job WHERE state = 'open' AND lease_token IS NOT NULL AND session_id = $1";
    let left = app.database.query_one(left, &[&uuid_of(&visits[1])]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 1, "it is left to its lease");
}

/// It is only found out while the batch is being recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_recorded_spoils_no_other_of_its_batch() {
    let app = TestApp::start().await;
    let visits = left_to_do(&app, 6).await;
    app.standins.set_mode(Name::Fhir, Mode::UP.after(Patience::from_millis(400)));
    let worker = app.app.clone();
    let work = tokio::spawn(async move { worker.work_due(ENCOUNTERS, 32, &CancellationToken::new()).await.unwrap() });
    until_asked(&app, 6).await;
    spoil(&app, &visits[3], "participants = '[{}]'").await;
    let report = work.await.unwrap();
    assert_eq!(report, WorkReport { done: 5, failed: 1, ..WorkReport::default() });
    assert_eq!((app.events_of(CHARGEABLE).await.len(), app.count("retry_job").await), (5, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_while_it_records_loses_nothing_and_doubles_nothing() {
    let app = TestApp::start().await;
    let visits = left_to_do(&app, 8).await;
    // Somebody holds one of the rows, so that the worker is caught between begin and commit.
    let holder = app.database.client().await.unwrap();
    holder.batch_execute("BEGIN").await.unwrap();
    holder.execute("SELECT FROM virtual_session WHERE id = $1 FOR UPDATE", &[&uuid_of(&visits[5])]).await.unwrap();
    let worker = app.app.clone();
    let work = tokio::spawn(async move { worker.work_due(ENCOUNTERS, 32, &CancellationToken::new()).await });
    until_asked(&app, 8).await;
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
                                 WHERE datname = current_database() AND wait_event_type = 'Lock')";
    until("the worker records", async || holder.query_one(waits, &[]).await.unwrap().get(0)).await;
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    holder.batch_execute("ROLLBACK").await.unwrap();

    app.clock.advance(Duration::minutes(1));
    let report = app.write_encounters().await;
    assert_eq!((report.parked, report.later, report.failed), (0, 0, 0), "{report:?}");
    all_are_done_once(&app, 8).await;
}

/// The first worker's lease runs out while it waits for the gateway, and a second one takes up the very same jobs.
#[tokio::test(flavor = "multi_thread")]
async fn two_workers_with_the_same_batch_write_each_encounter_once() {
    let app = TestApp::start().await;
    left_to_do(&app, 10).await;
    app.standins.set_mode(Name::Fhir, Mode::UP.after(Patience::from_millis(300)));
    let workers = [app.app.clone(), app.app.clone()];
    let mut work = tokio::task::JoinSet::new();
    for (number, worker) in workers.into_iter().enumerate() {
        work.spawn(async move { worker.work_due(ENCOUNTERS, 32, &CancellationToken::new()).await.unwrap() });
        until_asked(&app, 10 * (number + 1)).await;
        app.clock.advance(Duration::minutes(1));
    }
    assert_eq!(work.join_all().await, [created(10); 2]);
    all_are_done_once(&app, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_was_lost_before_recording_leaves_the_job_to_its_new_holder() {
    let app = TestApp::start().await;
    for mode in [Mode::UP, Mode::down_with(404)] {
        left_to_do(&app, 3).await;
        app.standins.set_mode(Name::Fhir, mode.after(Patience::from_millis(300)));
        let worker = app.app.clone();
        let work =
            tokio::spawn(async move { worker.work_due(ENCOUNTERS, 32, &CancellationToken::new()).await.unwrap() });
        until_asked(&app, 3).await;
        app.database.execute("UPDATE retry_job SET lease_token = gen_random_uuid()", &[]).await.unwrap();
        let jobs = async || {
            let rows = "SELECT row_to_json(retry_job)::text FROM retry_job ORDER BY id";
            let rows = app.database.rows(rows, &[]).await.unwrap();
            rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>()
        };
        let before = jobs().await;
        assert_eq!(work.await.unwrap().taken(), 3);
        assert_eq!(jobs().await, before, "{mode:?}");
        // Whoever holds them finds what is done done.
        app.standins.set_mode(Name::Fhir, Mode::UP);
        app.clock.advance(Duration::minutes(2));
        assert_eq!(app.write_encounters().await, created(3));
    }
    all_are_done_once(&app, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_several_tenants_are_taken_together_and_recorded_each_in_its_own() {
    let app = TestApp::start().await;
    let visits = left_to_do(&app, 7).await;
    for visit in &visits[..3] {
        spoil(&app, visit, &format!("tenant_id = '{OTHER_TENANT}'")).await;
        let job = format!("UPDATE retry_job SET tenant_id = '{OTHER_TENANT}' WHERE session_id = $1");
        app.database.execute(&job, &[&uuid_of(visit)]).await.unwrap();
    }
    assert_eq!(app.write_encounters().await, created(7));
    all_are_done_once(&app, 7).await;
    let charges = app.events_of(CHARGEABLE).await;
    let theirs: HashSet<&str> = charges
        .iter()
        .filter(|charge| charge["tenantid"] == OTHER_TENANT)
        .filter_map(|charge| charge["data"]["sessionId"].as_str())
        .collect();
    assert_eq!(theirs, visits[..3].iter().map(|visit| visit.id.as_str()).collect());
    let asked = app.standins.requests(Name::Fhir);
    assert_eq!(asked.iter().filter(|request| request.header("x-tenant-id") == Some(OTHER_TENANT)).count(), 3);
}

/// A worker died between the record and the end of its job, say by an older version that did not do both at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_is_not_asked_about_a_visit_that_has_its_encounter_or_needs_none() {
    let app = TestApp::start().await;
    left_to_do(&app, 4).await;
    app.database.execute("CREATE TABLE kept AS SELECT * FROM retry_job", &[]).await.unwrap();
    assert_eq!(app.write_encounters().await, created(4));
    let (waiting, _) = app.waiting_visit().await;
    assert_eq!(app.end(&waiting).await.expect(200).body["encounterStatus"], json!("not_required"));
    app.database.execute("INSERT INTO retry_job SELECT * FROM kept", &[]).await.unwrap();
    let needless = "INSERT INTO retry_job SELECT tenant_id, $1, kind, gen_random_uuid(), state, attempts, due_at, \
                    lease_token, last_error, correlation_id, traceparent, created_at FROM kept LIMIT 1";
    app.database.execute(needless, &[&uuid_of(&waiting)]).await.unwrap();
    app.standins.clear_requests(Name::Fhir);
    assert_eq!(app.write_encounters().await, created(5));
    assert!(app.standins.requests(Name::Fhir).is_empty());
    all_are_done_once(&app, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_gateway_dies_in_the_middle_of_a_batch_the_rest_is_given_back_unbegun() {
    let app = TestApp::start_with("worker.concurrency = 1").await;
    left_to_do(&app, 9).await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let report = app.write_encounters().await;
    assert_eq!(report, WorkReport { later: 9, ..WorkReport::default() });
    assert_eq!(app.standins.requests(Name::Fhir).len(), 5, "then it is left alone");
    let state = "SELECT count(*) FILTER (WHERE attempts = 2 AND last_error = 'status' AND lease_token IS NULL),
                        count(*) FILTER (WHERE attempts = 1 AND last_error = 'status' AND lease_token IS NULL)
                   FROM retry_job";
    let row = app.database.query_one(state, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (5, 4));
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.clock.advance(Duration::minutes(2));
    assert_eq!(app.write_encounters().await, created(9));
    all_are_done_once(&app, 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stopped_finishes_what_is_under_way_and_gives_back_the_rest() {
    let app = TestApp::start_with("worker.concurrency = 2").await;
    left_to_do(&app, 6).await;
    app.standins.set_mode(Name::Fhir, Mode::UP.after(Patience::from_millis(300)));
    let (worker, stop) = (app.app.clone(), CancellationToken::new());
    let stopped = stop.clone();
    let work = tokio::spawn(async move { worker.work_due(ENCOUNTERS, 32, &stopped).await.unwrap() });
    until_asked(&app, 2).await;
    stop.cancel();
    assert_eq!(work.await.unwrap(), WorkReport { done: 2, later: 4, ..WorkReport::default() });
    assert_eq!(app.events_of(CHARGEABLE).await.len(), 2);
    // Another one has them at once.
    assert_eq!(app.write_encounters().await, created(4));
    all_are_done_once(&app, 6).await;
}
