//! Rows that make no sense: they are told by table and column, and nothing is made of them.

use time::Duration;
use vcare_app::ports::{JobKind, JobQueue, Reads, StoreError};
use vcare_app::{ActorRef, Answer, IdempotencyKey};
use vcare_domain::{SessionStatus, TenantConfig, TenantConfigDraft, Version};

use crate::support::{Bench, KABUL, PATIENT, PROVIDER, tenant, told, user};

/// Without the database's own checks: they would keep most of it out.
async fn without_checks(bench: &Bench) {
    let drop = "DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
                 WHERE contype = 'c' AND connamespace = 'public'::regnamespace
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP;
        FOR c IN SELECT attrelid::regclass AS t, attname AS conname FROM pg_attribute
                 JOIN pg_class ON pg_class.oid = attrelid
                 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND attnotnull
                   AND NOT attisdropped AND relname = 'virtual_session' AND attname NOT IN ('tenant_id', 'id')
        LOOP EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', c.t, c.conname); END LOOP;
    END $$";
    bench.database.client().await.unwrap().batch_execute(drop).await.unwrap();
}

fn is_corrupt<T>(result: Result<T, StoreError>, table: &str, column: &str, what: &str) {
    match result {
        Err(StoreError::Corrupt { table: found, column: at }) => assert_eq!((found, at), (table, column), "{what}"),
        Err(other) => panic!("{what}: {}", told(&other)),
        Ok(_) => panic!("{what} was believed"),
    }
}

#[tokio::test]
async fn a_visit_that_makes_no_sense_names_its_column() {
    use SessionStatus::{Active, Cancelled, Ended, Failed, Waiting};
    let bench = Bench::start().await;
    without_checks(&bench).await;
    let cases = [
        (Waiting, "status", "'lost'"),
        (Waiting, "status", "'Waiting'"),
        (Waiting, "node_id", "'ward 3'"),
        (Waiting, "patient_id", "''"),
        (Waiting, "patient_id", "repeat('x', 65)"),
        (Waiting, "appointment_id", "'a/b'"),
        (Waiting, "encounter_patient_id", "'a/b'"),
        (Waiting, "provider_id", "' '"),
        (Waiting, "initiator_id", "''"),
        (Waiting, "video_backend", "'teams'"),
        (Waiting, "recording_ref", "'a b'"),
        (Waiting, "recording_ref", "''"),
        (Waiting, "room_name", "'Kabul 1'"),
        (Waiting, "room_url", "'http://meet.example/x'"),
        (Waiting, "room_url", "'https://user:secret@meet.example/x'"),
        (Waiting, "time_zone", "''"),
        (Waiting, "version", "-1"),
        (Active, "started_at", "NULL"),
        (Failed, "started_at", "NULL"),
        (Failed, "failed_at", "NULL"),
        (Ended, "ended_at", "NULL"),
        (Ended, "encounter_status", "NULL"),
        (Ended, "encounter_status", "'perhaps'"),
        (Ended, "encounter_id", "NULL"),
        (Ended, "encounter_id", "'a b'"),
        (Cancelled, "cancelled_at", "NULL"),
        (Cancelled, "cancel_reason", "E'a\\x1b[31m'"),
        (Waiting, "participants", "'{}'"),
        (Waiting, "participants", "'[1]'"),
        (Waiting, "participants", "'[{}]'"),
        (Waiting, "participants", "jsonb_set(participants, '{0,role}', '\"doctor\"')"),
        (Waiting, "participants", "jsonb_set(participants, '{0,status}', '\"gone\"')"),
        (Waiting, "participants", "jsonb_set(participants, '{0,since}', 'null')"),
        (Waiting, "participants", "jsonb_set(participants, '{0,token_version}', '-1')"),
        (Waiting, "participants", "jsonb_set(participants, '{0,name}', '\"Ahmad\"')"),
        (Waiting, "participants", "jsonb_set(participants, '{0,user_id}', '\"a b\"')"),
        (Active, "participants", "jsonb_set(participants, '{3,reason}', '\"\"')"),
        (Active, "segments", "'{}'"),
        (Active, "segments", "jsonb_set(segments, '{0,mode}', '\"smell\"')"),
        (Active, "segments", "jsonb_set(segments, '{0,cause}', '\"none\"')"),
        (Active, "segments", "jsonb_set(segments, '{0,from}', '\"noon\"')"),
    ];
    for (status, column, value) in cases {
        let visit = bench.saved(KABUL, status).await;
        let id = crate::support::uuid_of(&visit);
        if column == "encounter_id" {
            bench.run("UPDATE virtual_session SET encounter_status = 'created' WHERE id = $1", &[&id]).await;
        }
        bench.run(&format!("UPDATE virtual_session SET {column} = {value} WHERE id = $1"), &[&id]).await;
        let what = format!("{column} = {value}");
        is_corrupt(bench.read(&visit).await, "virtual_session", column, &what);
        let mut tx = bench.begin(KABUL).await;
        is_corrupt(tx.sessions().find(visit.parts().id).await, "virtual_session", column, &what);
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn settings_that_make_no_sense_name_their_table() {
    let bench = Bench::start().await;
    without_checks(&bench).await;
    let good = TenantConfigDraft::new("https://meet.example", "kabul");
    let good = TenantConfig::check(tenant(KABUL), Version::FIRST, good).unwrap();
    let cases = [
        ("version", "-1", "version"),
        ("max_participants", "-1", "max_participants"),
        ("session_grace_minutes_before", "-1", "session_grace_minutes_before"),
        ("session_grace_minutes_after", "-1", "session_grace_minutes_after"),
        ("auto_end_minutes", "-1", "auto_end_minutes"),
        ("resume_minutes", "-1", "resume_minutes"),
        ("no_show_minutes", "-1", "no_show_minutes"),
        ("jitsi_server_url", "'http://meet.example'", "*"),
        ("room_slug_prefix", "'Kabul Central'", "*"),
        ("max_participants", "1000", "*"),
        ("time_zone", "''", "*"),
        ("video_backend", "'teams'", "video_backend"),
        ("locale", "'de'", "locale"),
        ("recording_policy", "'always'", "recording_policy"),
        ("recording_retention_days", "-1", "recording_retention_days"),
        ("link_max_rtt_ms", "-1", "link_max_rtt_ms"),
        ("branding_primary_color", "'red'", "*"),
    ];
    for (column, value, named) in cases {
        bench.run("DELETE FROM tenant_config", &[]).await;
        let mut tx = bench.begin(KABUL).await;
        tx.tenant_configs().put(&good, &["jitsiServerUrl"]).await.unwrap();
        tx.commit().await.unwrap();
        bench.run(&format!("UPDATE tenant_config SET {column} = {value}"), &[]).await;
        is_corrupt(bench.store.tenant_config(&tenant(KABUL)).await, "tenant_config", named, column);
    }
}

#[tokio::test]
async fn a_kept_answer_that_makes_no_sense_names_its_column() {
    let bench = Bench::start().await;
    without_checks(&bench).await;
    let key = IdempotencyKey::parse("once").unwrap();
    let mut tx = bench.begin(KABUL).await;
    let visit = vcare_domain::SessionId::from_uuid(uuid::Uuid::from_u128(7));
    tx.answers().keep(&key, [7; 32], &Answer { status: 201, body: vec![] }, visit, bench.now()).await.unwrap();
    tx.commit().await.unwrap();
    for (column, value) in [("status", "-1::int2"), ("fingerprint", "'\\x00'::bytea")] {
        bench.run("UPDATE idempotency_key SET status = 201, fingerprint = sha256('')", &[]).await;
        bench.run(&format!("UPDATE idempotency_key SET {column} = {value}"), &[]).await;
        let mut tx = bench.begin(KABUL).await;
        is_corrupt(tx.answers().find(&key).await, "idempotency_key", column, column);
        tx.rollback().await.unwrap();
    }
    let nobody = bench.store.config_and_answer(&tenant(KABUL), &ActorRef::User(user(PROVIDER)), &key).await.unwrap();
    assert!(nobody.is_none(), "a tenant without settings has answered nothing");
}

#[tokio::test]
async fn a_job_that_nobody_understands_keeps_no_other_from_being_done() {
    let bench = Bench::start().await;
    without_checks(&bench).await;
    for _ in 0..3 {
        bench.saved(KABUL, SessionStatus::Ended).await;
    }
    bench
        .run("UPDATE retry_job SET tenant_id = '' WHERE session_id = (SELECT min(session_id::text)::uuid FROM retry_job)", &[])
        .await;
    let now = bench.now() + Duration::MINUTE;
    let leased = bench.jobs().lease(JobKind::CreateEncounter, now, Duration::MINUTE, 10).await.unwrap();
    assert_eq!(leased.len(), 2);
}

#[tokio::test]
async fn no_error_says_what_was_in_a_row() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Ended).await;
    let secrets = [PATIENT, PROVIDER, KABUL, visit.parts().room.name.as_str(), "req-1", "vcare_service"];
    let mut errors = Vec::new();

    // The database's own checks.
    let mut parts = bench.visit(KABUL, SessionStatus::Ended).parts().clone();
    parts.participants.push(parts.participants[0].clone());
    let mut two_patients = vcare_domain::VirtualSession::restore(parts);
    bench
        .run(
            "UPDATE virtual_session SET id = $1, version = $2",
            &[two_patients.parts().id.as_uuid(), &i32::try_from(two_patients.version().get()).unwrap()],
        )
        .await;
    let mut tx = bench.begin(KABUL).await;
    errors.push(tx.sessions().save(&mut two_patients).await.unwrap_err());
    tx.rollback().await.unwrap();
    // Row-level security.
    let mut theirs = bench.visit("hosp-herat", SessionStatus::Scheduled);
    let mut tx = bench.begin(KABUL).await;
    errors.push(tx.sessions().save(&mut theirs).await.unwrap_err());
    tx.rollback().await.unwrap();
    // A database that says all it knows, as its own messages do where row-level security does not keep them from it.
    let talk = "CREATE FUNCTION talk() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'no %', NEW USING DETAIL = NEW::text, HINT = NEW::text; END $$;
                CREATE TRIGGER talk BEFORE INSERT ON virtual_session FOR EACH ROW EXECUTE FUNCTION talk()";
    bench.database.client().await.unwrap().batch_execute(talk).await.unwrap();
    let mut tx = bench.begin(KABUL).await;
    errors.push(tx.sessions().save(&mut bench.visit(KABUL, SessionStatus::Active)).await.unwrap_err());
    tx.rollback().await.unwrap();
    bench.run("DROP TRIGGER talk ON virtual_session", &[]).await;
    // A column that went away, one of another type, a right that was taken, a table that is gone.
    for change in [
        "ALTER TABLE virtual_session ALTER COLUMN patient_id TYPE varchar(3) USING left(patient_id, 3)",
        "ALTER TABLE virtual_session ALTER COLUMN time_zone TYPE bytea USING convert_to(time_zone, 'UTF8')",
        "REVOKE ALL ON virtual_session FROM vcare_api",
        "ALTER TABLE virtual_session RENAME TO gone",
    ] {
        bench.run(change, &[]).await;
        let mut new = bench.visit(KABUL, SessionStatus::Active);
        let mut tx = bench.begin(KABUL).await;
        errors.push(tx.sessions().save(&mut new).await.unwrap_err());
        tx.rollback().await.unwrap();
        if let Err(error) = bench.read(&visit).await {
            errors.push(error);
        }
    }
    assert!(errors.len() >= 8, "{}", errors.len());
    for error in &errors {
        let told = told(error);
        for secret in secrets {
            assert!(!told.contains(secret), "{told}");
        }
    }
}
