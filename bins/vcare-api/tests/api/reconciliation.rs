//! Proof of completeness, and a dead gateway that is left alone.

use serde_json::{Value, json};
use time::Duration;
use vcare_app::ports::JobKind;
use vcare_app::{AppError, Resource};
use vcare_domain::SessionId;
use vcare_testkit::{Mode, Name};

use crate::support::{OTHER_TENANT, TENANT, TestApp, Visit, scope};

async fn reconciliation(app: &TestApp) -> Value {
    app.get(&app.token("admin"), "/reconciliation").await.expect(200).body
}

async fn ended_visit(app: &TestApp) -> Visit {
    let (visit, _) = app.active_visit().await;
    app.clock.advance(Duration::minutes(10));
    app.end(&visit).await.expect(200);
    visit
}

/// What the outbox relay does; the events of other tests stay in theirs.
async fn acknowledge_all(app: &TestApp) {
    app.database.execute("CREATE TABLE acknowledged AS SELECT body FROM outbox", &[]).await.unwrap();
    app.database.execute("DELETE FROM outbox", &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn us_009_an_ended_visit_without_encounter_is_listed_with_its_age_until_it_has_one() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let visit = ended_visit(&app).await;
    app.clock.advance(Duration::minutes(31));
    let found = reconciliation(&app).await;
    assert_eq!(found["complete"], false);
    let missing = &found["visitsWithoutEncounter"];
    assert_eq!((&missing["count"], &missing["oldestAgeSeconds"]), (&json!(1), &json!(31 * 60)));
    let item = &missing["items"][0];
    assert_eq!((&item["visitId"], &item["encounterStatus"]), (&json!(visit.id), &json!("pending")));
    assert_eq!(found["encountersWithoutCharge"]["count"], 0);

    app.standins.set_mode(Name::Fhir, Mode::UP);
    assert_eq!(app.write_encounters().await.done, 1);
    let found = reconciliation(&app).await;
    assert_eq!(found["visitsWithoutEncounter"], json!({"count": 0, "items": []}));
    assert_eq!(found["complete"], false, "its events are not acknowledged");
    assert_ne!(found["eventsNotAcknowledged"]["count"], 0);
    acknowledge_all(&app).await;
    let found = reconciliation(&app).await;
    assert_eq!(found["complete"], true, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_encounter_is_listed_and_an_operator_can_let_it_be_tried_again() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::down_with(422));
    let visit = ended_visit(&app).await;
    assert_eq!(app.read(&visit).await["encounterStatus"], "parked");
    let parked = reconciliation(&app).await["jobsParked"].clone();
    assert_eq!(parked["count"], 1);
    assert_eq!(
        (&parked["items"][0]["visitId"], &parked["items"][0]["lastError"]),
        (&json!(visit.id), &json!("invalid"))
    );

    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.clock.advance(Duration::hours(1));
    assert_eq!(app.write_encounters().await.taken(), 0, "it waits for a person");
    let session: SessionId = visit.id.parse().unwrap();
    let other = app.app.requeue_job(&scope(OTHER_TENANT), session, JobKind::CreateEncounter, None).await.unwrap();
    assert!(!other, "not theirs");
    assert!(app.app.requeue_job(&scope(TENANT), session, JobKind::CreateEncounter, None).await.unwrap());
    assert_eq!(app.write_encounters().await.done, 1);
    assert_eq!(app.read(&visit).await["encounterStatus"], "created");
    assert_eq!(app.events_of("virtual_care.billing.session_chargeable.v1").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_set_a_job_aside_and_its_visit_says_so() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let visit = ended_visit(&app).await;
    let session: SessionId = visit.id.parse().unwrap();
    let other = app.app.park_job(&scope(OTHER_TENANT), session, JobKind::CreateEncounter).await;
    assert!(matches!(other, Err(AppError::NotFound(Resource::Session))), "not theirs");
    assert_eq!(app.read(&visit).await["encounterStatus"], "pending");
    assert!(app.app.park_job(&scope(TENANT), session, JobKind::CreateEncounter).await.unwrap());
    assert_eq!(app.read(&visit).await["encounterStatus"], "parked");
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.clock.advance(Duration::hours(1));
    assert_eq!(app.write_encounters().await.taken(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_its_own_backlog_only() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    ended_visit(&app).await;
    let theirs = app.token_of(OTHER_TENANT, "admin-9", "admin");
    let found = app.get(&theirs, "/reconciliation").await.expect(200).body;
    assert_eq!(found["complete"], true, "{found}");
    assert_eq!(found["visitsWithoutEncounter"]["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_gateway_is_asked_by_a_probe_and_not_by_every_visit_that_ends() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let mut visits = Vec::new();
    for _ in 0..8 {
        let (visit, _) = app.active_visit().await;
        visits.push(visit);
    }
    app.clock.advance(Duration::minutes(10));
    for visit in &visits {
        assert_eq!(app.end(visit).await.expect(200).body["encounterStatus"], "pending");
    }
    let asked = || app.standins.requests(Name::Fhir).len();
    assert_eq!(asked(), 5, "the rest did not ask");
    // All jobs are due; one asks.
    app.clock.advance(Duration::minutes(2));
    let report = app.write_encounters().await;
    assert_eq!((report.later, report.taken(), asked()), (1, 1, 6));
    assert_eq!(app.write_encounters().await.taken(), 0, "not before the rest is over");
    // It is back: the probe goes through, and all others at once behind it.
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.clock.advance(Duration::minutes(2));
    assert_eq!(app.write_encounters().await.done, 8);
}

/// Both or neither: were the job gone, a visit that says `parked` would wait for a person for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_visit_whose_job_is_gone_is_not_said_to_be_parked() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let visit = ended_visit(&app).await;
    app.database.execute("DELETE FROM retry_job", &[]).await.unwrap();
    let session: SessionId = visit.id.parse().unwrap();
    assert!(!app.app.park_job(&scope(TENANT), session, JobKind::CreateEncounter).await.unwrap());
    assert_eq!(app.read(&visit).await["encounterStatus"], "pending");
    assert_eq!(app.events_of("virtual_care.session.encounter.parked.v1").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_fails_on_our_side_does_not_keep_the_others_away() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let mut visits = Vec::new();
    for _ in 0..5 {
        visits.push(app.active_visit().await.0);
    }
    app.clock.advance(Duration::minutes(10));
    for visit in &visits {
        app.end(visit).await.expect(200);
    }
    // The job that is due first is for a visit that is not there: it fails before the gateway is asked.
    let orphan = "INSERT INTO retry_job SELECT tenant_id, gen_random_uuid(), kind, gen_random_uuid(), state, attempts, \
                  due_at - interval '1 hour', lease_token, last_error, correlation_id, traceparent, created_at \
                  FROM retry_job LIMIT 1";
    app.database.execute(orphan, &[]).await.unwrap();
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.clock.advance(Duration::minutes(2));
    let report = app.write_encounters().await;
    assert_eq!((report.failed, report.taken()), (1, 1));
    assert_eq!(app.write_encounters().await.done, 5, "without waiting for the lost probe");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_visit_is_on_the_reconciliation_with_its_age_until_it_is_ended() {
    let app = TestApp::start().await;
    let (visit, _) = app.lost_visit().await;
    app.give_up().await;
    app.clock.advance(Duration::hours(2));
    let found = reconciliation(&app).await;
    let failed = &found["visitsFailed"];
    assert_eq!((&failed["count"], &failed["oldestAgeSeconds"]), (&json!(1), &json!(7200)));
    assert_eq!((&failed["items"][0]["sessionId"], &found["complete"]), (&json!(visit.id), &json!(false)));
    assert_eq!(app.app.failed_visits().await.unwrap().0, 1);
    app.end(&visit).await.expect(200);
    let found = reconciliation(&app).await;
    assert_eq!(found["visitsFailed"], json!({"count": 0, "items": []}));
    assert_eq!(app.app.failed_visits().await.unwrap(), (0, None));
}
