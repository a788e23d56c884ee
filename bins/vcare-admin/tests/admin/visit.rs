//! An operator takes a visit in hand.

use vcare_testkit::TestDatabase;

use crate::{JOB, SESSION, TENANT, forget_login, operators_settings, stuck_visit};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_has_an_encounter_written_for_another_record_of_the_patient() {
    let database = TestDatabase::create().await.unwrap();
    let login = format!("repointer_{}", database.name());
    let settings = operators_settings(&database, &login).await;
    settings.run(&[&TENANT[..], &["kabul"]].concat());
    stuck_visit(&database).await;
    database.execute("UPDATE retry_job SET state = 'parked', last_error = 'patient_merged'", &[]).await.unwrap();
    database.execute("UPDATE virtual_session SET encounter_status = 'parked'", &[]).await.unwrap();

    let run = settings.run(&["visit", "repoint", SESSION, "--patient", "pat-2"]);
    assert!(run.code == 0 && run.out.contains("is due now"), "{run:?}");
    let seen = "SELECT encounter_patient_id = 'pat-2' AND patient_id = 'pat-1' AND state = 'open' AND due_at <= now()
                  FROM virtual_session JOIN retry_job USING (tenant_id)";
    assert!(database.query_one(seen, &[]).await.unwrap().get::<_, bool>(0));
    let audit = "SELECT convert_from(body, 'UTF8') FROM outbox WHERE subject = 'virtual_care.audit.recorded.v1'
                  ORDER BY position DESC LIMIT 1";
    let entry: String = database.query_one(audit, &[]).await.unwrap().get(0);
    for expected in ["ENCOUNTER_REPOINTED", SESSION, "pat-2", "operator:"] {
        assert!(entry.contains(expected), "{expected}: {entry}");
    }

    let run = settings.run(&["visit", "repoint", SESSION, "--patient", "a/b"]);
    assert!(run.code == 1 && run.err.contains("--patient"), "{run:?}");
    for (visit, code) in [("vsn_01JBR0T000E008000000000009", 1), ("avs_01JBR0T000E008000000000001", 1), ("pat-1", 2)] {
        assert_eq!(settings.run(&["visit", "repoint", visit, "--patient", "pat-2"]).code, code, "{visit}");
    }
    forget_login(&database, &login).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_shown_by_ids_and_states_and_nothing_of_its_people() {
    let database = TestDatabase::create().await.unwrap();
    let login = format!("looker_{}", database.name());
    let settings = operators_settings(&database, &login).await;
    settings.run(&[&TENANT[..], &["kabul"]].concat());
    database.execute("DELETE FROM outbox", &[]).await.unwrap();
    stuck_visit(&database).await;
    database.execute("UPDATE outbox SET ordering_key = $1", &[&SESSION]).await.unwrap();
    let kept =
        "INSERT INTO kept_event SELECT position + 100, tenant_id, gen_random_uuid(), subject, ordering_key, body,
                    created_at, 7, now() FROM outbox";
    database.execute(kept, &[]).await.unwrap();
    let show = |id: &str| settings.run(&["visit", "show", id, "--output", "json"]);
    let run = show(SESSION);
    let seen: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
    assert_eq!((&seen["visit"], &seen["tenant"]), (&SESSION.into(), &"hosp-kabul".into()), "{seen}");
    assert_eq!((&seen["status"], &seen["version"]), (&"ended".into(), &7.into()));
    assert_eq!((&seen["encounter"], &seen["charge"]), (&"pending".into(), &"waits for the Encounter".into()));
    assert!(seen["times"]["ended_at"].is_string() && seen["times"]["cancelled_at"].is_null(), "{seen}");
    assert_eq!((&seen["jobs"][0]["id"], &seen["jobs"][0]["kind"]), (&JOB.into(), &"create_encounter".into()));
    let states = [0, 1].map(|event: usize| seen["events"][event]["state"].as_str().unwrap());
    assert_eq!(states, ["waits", "acknowledged, and kept for a while"]);
    assert_eq!(seen["events"][0]["id"], "evt_01JBR0T000E008000000000003");

    let written = "UPDATE virtual_session SET encounter_status = 'created', encounter_id = 'enc-1', charged_at = now()";
    database.execute(written, &[]).await.unwrap();
    let table = settings.run(&["visit", "show", "0192f00d-0000-7000-8000-000000000001"]);
    for word in [SESSION, "enc-1", "emitted", "ended_at", JOB, "virtual_care.session.ended.v1"] {
        assert!(table.out.contains(word), "{word}: {table:?}");
    }
    for person in ["pat-1", "dr-1", "kabul-abcdefgh"] {
        assert!(!run.out.contains(person) && !table.out.contains(person), "{person}");
    }

    for (set, code) in [
        ("cancel_code = 'duplicate', cancel_reason = 'brother Habib came'", "duplicate"),
        ("cancel_code = NULL", "other"),
        ("no_show_at = now(), no_show_code = 'unreachable'", "unreachable"),
    ] {
        let called_off = format!(
            "UPDATE virtual_session SET status = 'cancelled', cancelled_at = now(), ended_at = NULL, encounter_status = NULL,
                encounter_id = NULL, charged_at = NULL, {set}"
        );
        database.execute(&called_off, &[]).await.unwrap();
        let run = show(SESSION);
        let seen: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
        assert_eq!((&seen["status"], &seen["reason_code"]), (&"cancelled".into(), &code.into()), "{seen}");
        assert!(!run.out.contains("Habib"), "{run:?}");
    }

    let async_visit = "
        INSERT INTO async_visit (tenant_id, id, client_mutation_id, content_hash, original_body, patient_id, submitted_by,
            chief_complaint, symptoms, attachments_expected, authored_at, submitted_at, status, version, updated_at)
        VALUES ('hosp-kabul', '0192f00d-0000-7000-8000-000000000001', gen_random_uuid(), sha256(''), '', 'pat-1', 'user-1',
            'headache', '{}', 0, now(), now(), 'submitted', 1, now())";
    database.execute(async_visit, &[]).await.unwrap();
    let run = show("avs_01JBR0T000E008000000000001");
    let seen: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
    assert_eq!((&seen["status"], &seen["charge"]), (&"submitted".into(), &"none".into()), "{seen}");
    assert!(!run.out.contains("headache") && !run.out.contains("pat-1"), "{run:?}");
    for (visit, code) in [("vsn_01JBR0T000E008000000000009", 1), ("0192f00d-0000-7000-8000-000000000009", 1), ("x", 2)]
    {
        assert_eq!(show(visit).code, code, "{visit}");
    }
    forget_login(&database, &login).await;
}
