//! `vcare-admin jobs`: many at once, and all that is known of one.

use serde_json::Value;
use vcare_testkit::TestDatabase;

use crate::{JOB, Run, SESSION, Settings, TENANT, forget_login, operators_settings, stuck_visit};

fn rows(run: &Run) -> Vec<Value> {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

/// The reasons and kinds of all audit entries about jobs.
async fn audited(database: &TestDatabase) -> Vec<(String, String)> {
    let entries = "SELECT convert_from(body, 'UTF8') FROM outbox WHERE subject = 'virtual_care.audit.recorded.v1'
                    ORDER BY position";
    let entries = database.rows(entries, &[]).await.unwrap();
    let entries = entries.iter().map(|row| serde_json::from_str::<Value>(row.get(0)).unwrap());
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let ours = entries.filter(|entry| entry["data"]["resourceType"] == "Job");
    ours.map(|entry| (word(&entry["data"]["eventType"]), word(&entry["data"]["metadata"]["reason"]))).collect()
}

/// Four more jobs: parked ones of both tenants and of two kinds, and an open one.
async fn more_jobs(database: &TestDatabase) {
    let statements = "
        INSERT INTO retry_job (tenant_id, session_id, kind, id, state, attempts, due_at, last_error, correlation_id,
            traceparent, created_at)
        SELECT tenant, gen_random_uuid(), kind, gen_random_uuid(), state, 1, now() + interval '1 hour', 'invalid', 'c', 't', now()
          FROM (VALUES ('hosp-kabul', 'create_encounter', 'parked'), ('hosp-kabul', 'create_thread', 'parked'),
                       ('hosp-herat', 'create_encounter', 'parked'), ('hosp-herat', 'create_encounter', 'open'))
            AS more (tenant, kind, state);";
    database.client().await.unwrap().batch_execute(statements).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_jobs_that_match_are_requeued_with_a_reason_that_is_on_record() {
    let database = TestDatabase::create().await.unwrap();
    let login = format!("requeuer_{}", database.name());
    let settings = operators_settings(&database, &login).await;
    stuck_visit(&database).await;
    more_jobs(&database).await;
    let list = |more: &[&str]| rows(&settings.run(&[&["jobs", "list", "--output", "json"], more].concat())).len();
    assert_eq!((list(&[]), list(&["--kind", "create_encounter"]), list(&["--kind", "create_thread"])), (5, 4, 1));
    assert_eq!(list(&["--kind", "create_encounter", "--state", "parked", "--tenant", "hosp-kabul"]), 1);
    assert_eq!(list(&["--kind", "push_summary"]), 0);

    let requeue = |more: &[&str]| settings.run(&[&["jobs", "requeue"], more].concat());
    for wrong in [
        &[][..],
        &["--state", "parked"],
        &["--reason", "the gateway is back"],
        &["--kind", "create_encounter", "--reason", "the gateway is back"],
        &[JOB, "--state", "parked", "--reason", "the gateway is back"],
        &[JOB, "--tenant", "hosp-kabul"],
        &["--state", "parked", "--reason", "x"],
        &["--state", "parked", "--kind", "make_tea", "--reason", "the gateway is back"],
    ] {
        assert_eq!(requeue(wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(list(&["--state", "parked"]), 3);
    let encounters = ["--state", "parked", "--kind", "create_encounter", "--reason", "the gateway is back"];
    let run = requeue(&[&encounters[..], &["--tenant", "hosp-herat"]].concat());
    assert_eq!((run.code, run.out.trim()), (0, "1 job due now"), "{run:?}");
    let run = requeue(&encounters);
    assert_eq!((run.code, run.out.trim()), (0, "1 job due now"), "{run:?}");
    assert_eq!((list(&["--state", "parked"]), list(&["--kind", "create_thread", "--state", "parked"])), (1, 1));
    let run = requeue(&encounters);
    assert_eq!((run.code, run.out.trim()), (0, "0 jobs due now"), "{run:?}");
    assert_eq!(requeue(&[JOB]).code, 0, "one alone needs no reason");
    assert_eq!(requeue(&[JOB, "--reason", "asked by the clinic"]).code, 0);
    let reasons = ["the gateway is back", "the gateway is back", "-", "asked by the clinic"];
    let expected = reasons.map(|reason| ("JOB_REQUEUED".to_owned(), reason.to_owned()));
    assert_eq!(audited(&database).await, expected);
    // The command reckons the database's time, to some milliseconds.
    let due = "SELECT count(*) FILTER (WHERE due_at <= now() + interval '1 minute') FROM retry_job";
    assert_eq!(database.query_one(due, &[]).await.unwrap().get::<_, i64>(0), 3);
    forget_login(&database, &login).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_shown_with_who_took_it_in_hand_and_is_named_in_both_forms() {
    let database = TestDatabase::create().await.unwrap();
    let login = format!("reader_{}", database.name());
    let settings = operators_settings(&database, &login).await;
    assert_eq!(settings.run(&[&TENANT[..], &["kabul"]].concat()).code, 0);
    stuck_visit(&database).await;
    let stored = "0192f00d-0000-7000-8000-000000000002";
    let show = |id: &str| rows(&settings.run(&["jobs", "show", id, "--output", "json"])).remove(0);
    let shown = show(JOB);
    assert_eq!((&shown["id"], &shown["uuid"]), (&JOB.into(), &stored.into()), "{shown}");
    assert_eq!(shown["session"], SESSION);
    assert_eq!(shown["session_uuid"], "0192f00d-0000-7000-8000-000000000001");
    assert_eq!((&shown["attempts"], &shown["last_error"]), (&9.into(), &"timed_out".into()));
    for unknown in ["parked_at", "parked_by", "requeued_at", "requeued_by"] {
        assert!(shown[unknown].is_null(), "{unknown}: {shown}");
    }
    assert_eq!(settings.run(&["jobs", "park", stored]).code, 0);
    assert_eq!(settings.run(&["jobs", "requeue", stored]).code, 0);
    let shown = show(stored);
    for by in ["parked_by", "requeued_by"] {
        assert!(shown[by].as_str().unwrap().starts_with("operator:"), "{by}: {shown}");
    }
    assert!(shown["parked_at"].as_str() <= shown["requeued_at"].as_str(), "{shown}");
    assert_eq!((&shown["state"], &shown["last_error"]), (&"open".into(), &"operator".into()));
    let table = settings.run(&["jobs", "show", JOB]);
    for word in ["requeued_by", "operator:", stored, JOB, "correlation_id"] {
        assert!(table.out.contains(word), "{word}: {table:?}");
    }
    assert_eq!(settings.run(&["jobs", "show", "no-job"]).code, 2);
    forget_login(&database, &login).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_own_login_requeues_nothing() {
    let database = TestDatabase::create().await.unwrap();
    stuck_visit(&database).await;
    let run = Settings::of(&database).run(&["jobs", "requeue", "--state", "open", "--reason", "the gateway is back"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
}
