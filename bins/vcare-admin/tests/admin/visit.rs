//! An operator takes a visit in hand.

use vcare_testkit::TestDatabase;

use crate::{SESSION, TENANT, forget_login, operators_settings, stuck_visit};

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
