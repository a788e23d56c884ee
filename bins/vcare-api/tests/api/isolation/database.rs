//! In the database: row-level security, whatever the statement.

use vcare_testkit::TestDatabase;

use super::all_of;
use super::intruder::{Intruder, two_tenants};
use crate::support::{OTHER_TENANT, TENANT};

/// Every table of ours.
pub async fn tables(database: &TestDatabase) -> Vec<String> {
    let query = "SELECT CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END || relname
                 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                 WHERE relkind IN ('r', 'p') AND nspname IN ('public', 'vcare_keys') AND relname NOT LIKE '\\_\\_diesel%'
                 ORDER BY 1";
    database.rows(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// The tables that the role of requests may read; outbox rows it only writes.
const READ_BY_API: [&str; 19] = [
    "vcare_keys.subject",
    "vcare_keys.record_key",
    "tenant_config",
    "virtual_session",
    "async_visit",
    "async_upload",
    "idempotency_key",
    "retry_job",
    "presence",
    "link_state",
    "presence_lease",
    "short_link",
    "tenant_secret",
    "tenant_key",
    "tenant_logo",
    "ai_draft",
    "emergency_access",
    "consent_evidence",
    "ai_transcription",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_any_filter_sees_the_rows_of_one_tenant() {
    let app = two_tenants().await;
    for tenant in [TENANT, OTHER_TENANT] {
        let intruder = Intruder::api(&app.database, tenant).await;
        for table in READ_BY_API {
            assert_eq!(intruder.sees(table).await, [tenant], "{table}");
        }
        intruder.is_refused("SELECT * FROM outbox").await;
    }
    for nobody in ["", "nobody", "hosp-kabu", "HOSP-KABUL", "%", "hosp-kabul,hosp-herat"] {
        let intruder = Intruder::api(&app.database, nobody).await;
        for table in READ_BY_API {
            assert!(intruder.sees(table).await.is_empty(), "{table} as {nobody}");
        }
    }
    let unbound = Intruder::come(&app.database, "SET ROLE vcare_api").await;
    for table in READ_BY_API {
        assert!(unbound.sees(table).await.is_empty(), "{table}, bound to no tenant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_writes_for_another_tenant() {
    let app = two_tenants().await;
    let before = all_of(&app.database, TENANT).await;
    let (theirs, id) = (format!("tenant_id = '{TENANT}'"), "0198c0de-0000-7000-8000-000000000001");
    let bound = Intruder::api(&app.database, OTHER_TENANT).await;
    for table in READ_BY_API {
        bound.is_refused(&format!("UPDATE {table} SET {theirs}")).await;
    }
    // What was granted stays as it was granted, in one's own tenant, too.
    bound.is_refused("UPDATE emergency_access SET expires_at = now() + interval '1 day'").await;
    bound.is_refused("UPDATE consent_evidence SET consent_id = 'another'").await;
    bound.is_refused("UPDATE ai_transcription SET evidence = 1").await;
    // A copy of its own visit, under the other name.
    let copied = format!(
        r#"INSERT INTO virtual_session
           SELECT (jsonb_populate_record(s, '{{"tenant_id": "{TENANT}", "id": "{id}"}}')).* FROM virtual_session AS s"#
    );
    bound.is_refused(&copied).await;
    let unbound = Intruder::come(&app.database, "SET ROLE vcare_api").await;
    for intruder in [bound, unbound] {
        for update in [
            "tenant_config SET version = 9",
            "virtual_session SET version = 9",
            "async_visit SET version = 9",
            "retry_job SET attempts = 0",
            "presence_lease SET promised = true",
            "tenant_secret SET version = 9",
            "tenant_key SET current_version = 9",
            "tenant_logo SET source_url = 'x'",
            "ai_draft SET model = 'x'",
            "ai_transcription SET reported = 0",
        ] {
            assert_eq!(intruder.touches(&format!("UPDATE {update} WHERE {theirs}")).await, 0, "{update}");
        }
        for table in ["retry_job", "tenant_secret", "tenant_logo"] {
            assert_eq!(intruder.touches(&format!("DELETE FROM {table} WHERE {theirs}")).await, 0);
        }
        for table in [
            "tenant_config",
            "virtual_session",
            "async_visit",
            "idempotency_key",
            "outbox",
            "kept_event",
            "presence",
            "presence_lease",
            "short_link",
            "tenant_key",
            "ai_draft",
            "emergency_access",
            "consent_evidence",
            "ai_transcription",
            "vcare_keys.subject",
            "vcare_keys.record_key",
        ] {
            intruder.is_refused(&format!("DELETE FROM {table}")).await;
            intruder.is_refused(&format!("TRUNCATE {table}")).await;
        }
        for row in [
            format!(
                "outbox (tenant_id, event_id, subject, ordering_key, body) VALUES ('{TENANT}', '{id}', '', '', '')"
            ),
            format!("tenant_secret VALUES ('{TENANT}', 'zoomApiSecret', 1, 'local:1', 'x', now())"),
            format!("tenant_key VALUES ('{TENANT}', 'jitsiSecret', 2, 2, now())"),
            format!("tenant_logo VALUES ('{TENANT}', 'x', 'image/png', 'x', now())"),
            format!(
                "emergency_access VALUES ('{TENANT}', '{id}', 'u', 'p', 'no pulse on arrival', NULL, now(), now() + interval '1 h')"
            ),
            format!(
                "consent_evidence VALUES ('{TENANT}', DEFAULT, 'v', 'telehealth_consent', 'patient', 'p', NULL, NULL, NULL, now())"
            ),
            format!("ai_transcription VALUES ('{TENANT}', '{id}', 1, '', 1, 0, 0, 0, now(), now())"),
            format!("vcare_keys.subject VALUES ('{TENANT}', 'p', 1, decode(repeat('00', 60), 'hex'), now())"),
            format!("vcare_keys.record_key VALUES ('{TENANT}', '{id}', 'p', decode(repeat('00', 60), 'hex'), now())"),
            format!("presence VALUES ('{TENANT}', '{id}', 'phone', '{id}', now(), NULL)"),
            format!("presence_lease VALUES ('{TENANT}', '{id}', '{id}', NULL, now(), now(), false)"),
            format!("short_link VALUES ('{TENANT}', sha256(''), '{id}', '{id}', 1, now(), now())"),
            format!("idempotency_key VALUES ('{TENANT}', '', '', sha256(''), 200, '', now())"),
            format!(
                "retry_job VALUES ('{TENANT}', '{id}', 'create_encounter', '{id}', 'open', 0, now(), NULL, NULL, '', '', now())"
            ),
            format!(
                "tenant_config VALUES ('{TENANT}', 9, 'https://evil.example', NULL, '', '', '', '', 2, 0, 0, 'UTC')"
            ),
            format!(
                "tenant_config VALUES ('{TENANT}', 9, 'https://evil.example', NULL, '', '', '', '', 2, 0, 0, 'UTC')
                 ON CONFLICT (tenant_id) DO UPDATE SET jitsi_server_url = 'https://evil.example'"
            ),
        ] {
            intruder.is_refused(&format!("INSERT INTO {row}")).await;
        }
    }
    assert_eq!(all_of(&app.database, TENANT).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_background_work_sees_outbox_and_jobs_and_no_visit() {
    let app = two_tenants().await;
    let system = Intruder::come(&app.database, "SET ROLE vcare_system").await;
    for table in ["outbox", "retry_job"] {
        assert_eq!(system.sees(table).await, [OTHER_TENANT, TENANT], "{table}");
    }
    for table in ["virtual_session", "async_visit", "tenant_config"] {
        system.is_refused(&format!("UPDATE {table} SET version = 1")).await;
    }
    for table in ["virtual_session", "async_visit"] {
        system.is_refused(&format!("SELECT count(*) FROM {table}")).await;
    }
    // Whose accounts to look into for what a crash left there, and nothing else of the settings.
    assert_eq!(system.sees("tenant_config").await, [OTHER_TENANT, TENANT]);
    let columns = "SELECT column_name::text FROM information_schema.column_privileges
                   WHERE grantee = 'vcare_system' AND table_name = 'tenant_config' ORDER BY 1";
    let columns: Vec<String> = app.database.rows(columns, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(columns, ["tenant_id", "video_backend"]);
    system.is_refused("SELECT * FROM tenant_config").await;
    // Which drafts have expired, and nothing of what is in them.
    assert_eq!(system.sees("ai_draft").await, [OTHER_TENANT, TENANT]);
    let columns = "SELECT column_name::text FROM information_schema.column_privileges
                   WHERE grantee = 'vcare_system' AND table_name = 'ai_draft' ORDER BY 1";
    let columns: Vec<String> = app.database.rows(columns, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(columns, ["expires_at", "id", "status", "tenant_id"]);
    system.is_refused("UPDATE ai_draft SET status = 'expired'").await;
    for question in [
        "sealed FROM ai_draft",
        "count(*) FROM presence",
        "count(*) FROM emergency_access",
        "count(*) FROM consent_evidence",
        "count(*) FROM ai_transcription",
        "count(*) FROM tenant_secret",
        "count(*) FROM tenant_key",
        "count(*) FROM tenant_logo",
        "* FROM session_of_room(NULL, 'x')",
        "* FROM branding_of(NULL, 'x')",
        "* FROM short_link_of(sha256(''))",
        "device FROM presence_lease",
        "code_hash FROM short_link",
        "session_id FROM short_link",
    ] {
        system.is_refused(&format!("SELECT {question}")).await;
    }
    for column in ["tenant_id", "actor", "key", "body", "fingerprint"] {
        system.is_refused(&format!("SELECT {column} FROM idempotency_key")).await;
    }
    // It puts back what the stream has lost, and changes nothing of it.
    for statement in ["UPDATE outbox SET body = ''", "UPDATE kept_event SET body = ''", "DELETE FROM retry_job"] {
        system.is_refused(statement).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_forgot_to_take_a_role_sees_nothing() {
    let app = two_tenants().await;
    let login =
        Intruder::come(&app.database, &format!("SELECT set_config('vcare.tenant_id', '{TENANT}', false)")).await;
    for table in tables(&app.database).await {
        login.is_refused(&format!("SELECT count(*) FROM {table}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_has_row_level_security_and_no_role_passes_by_it() {
    let database = TestDatabase::create().await.unwrap();
    let tables = database
        .rows(
            "SELECT CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END || c.relname, c.relrowsecurity, pg_get_userbyid(c.relowner)::text,
                    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull),
                    ARRAY(SELECT p.polname || ' to ' || array_to_string(p.polroles::regrole[], '+') || ' using '
                                 || pg_get_expr(p.polqual, p.polrelid)
                          FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY 1)
             FROM pg_class c JOIN pg_namespace ON pg_namespace.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname IN ('public', 'vcare_keys')
               AND c.relname NOT LIKE '\\_\\_diesel%' ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    assert!(tables.len() >= 5);
    let own = "own_tenant to vcare_api using (tenant_id = current_setting('vcare.tenant_id'::text, true))";
    let erasing =
        "own_tenant_for_erasing to vcare_eraser using (tenant_id = current_setting('vcare.tenant_id'::text, true))";
    let every = "every_tenant to vcare_system using true";
    // To read only, and of a visit only what is not about people: a test below looks at the rights.
    let operators = "every_tenant_for_operators to vcare_operator using true";
    for row in &tables {
        let (table, secured, owner, named): (&str, bool, &str, bool) = (row.get(0), row.get(1), row.get(2), row.get(3));
        let policies: Vec<String> = row.get(4);
        assert!(secured && named, "{table} has row-level security and a tenant");
        assert!(!owner.starts_with("vcare"), "{table} belongs to {owner}, for whom row-level security does not hold");
        let expected: &[&str] = match table {
            "outbox" | "retry_job" => &[every, operators, own],
            "kept_event" => &[every],
            "async_upload" => &[every, own],
            "ai_draft" | "idempotency_key" | "presence_lease" | "short_link" => &[every, own, erasing],
            "tenant_config" => &[every, operators, own],
            "virtual_session" | "async_visit" | "emergency_access" => &[operators, own, erasing],
            "link_state" | "presence" | "vcare_keys.subject" | "vcare_keys.record_key" => &[own, erasing],
            _ => &[own],
        };
        assert_eq!(policies, expected, "{table}");
    }
    let roles = database
        .rows(
            "SELECT rolname::text, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
                    has_schema_privilege(oid, 'public', 'CREATE'), has_database_privilege(oid, current_database(), 'CREATE'),
                    EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)
             FROM pg_roles WHERE rolname LIKE 'vcare\\_%' ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    let names: Vec<&str> = roles.iter().map(|row| row.get(0)).collect();
    for name in ["vcare_api", "vcare_service", "vcare_system"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for row in &roles {
        let rights: Vec<bool> = (1..row.len()).map(|column| row.get(column)).collect();
        assert!(rights.iter().all(|right| !right), "{}: {rights:?}", row.get::<_, &str>(0));
    }
    let open = "SELECT table_name::text FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC' AND table_schema = 'public'";
    assert!(database.rows(open, &[]).await.unwrap().is_empty(), "everybody has a right to a table");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_read_of_a_visit_only_what_is_not_about_people_and_write_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let query =
        "SELECT privilege_type || ' ' || table_name || '.' || column_name FROM information_schema.column_privileges
                 WHERE grantee = 'vcare_operator' AND table_name <> 'retry_job' ORDER BY 1";
    let rights: Vec<String> = database.rows(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let outbox = ["created_at", "position", "subject", "tenant_id"].map(|column| format!("SELECT outbox.{column}"));
    // The Encounter's id leads to the patient only who may ask the chart.
    let visit = [
        "cancel_code",
        "cancelled_at",
        "charged_at",
        "created_at",
        "encounter_id",
        "encounter_status",
        "ended_at",
        "failed_at",
        "id",
        "no_show_at",
        "no_show_code",
        "scheduled_end",
        "scheduled_start",
        "started_at",
        "status",
        "tenant_id",
        "updated_at",
        "version",
    ];
    let visit = visit.map(|column| format!("SELECT virtual_session.{column}"));
    let tenant = ["room_slug_prefix", "tenant_id", "updated_at", "version", "video_backend"];
    let tenant = tenant.map(|column| format!("SELECT tenant_config.{column}"));
    let async_visit = [
        "charged_at",
        "claimed_at",
        "closed_at",
        "encounter_id",
        "encounter_status",
        "id",
        "responded_at",
        "status",
        "submitted_at",
        "tenant_id",
        "updated_at",
        "version",
    ];
    let async_visit = async_visit.map(|column| format!("SELECT async_visit.{column}"));
    // All of it: that somebody took emergency access is what they look for, and the patient's visits stay hidden.
    let emergency =
        ["expires_at", "granted_at", "id", "patient_id", "reason", "reason_code", "tenant_id", "user_id", "visit"];
    let emergency = emergency.map(|column| format!("SELECT emergency_access.{column}"));
    assert_eq!(
        rights,
        [async_visit.to_vec(), emergency.to_vec(), outbox.to_vec(), tenant.to_vec(), visit.to_vec()].concat()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_and_every_index_of_tenants_rows_begins_with_the_tenant() {
    let database = TestDatabase::create().await.unwrap();
    let query = "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid, 1, true)
                 FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '\\_\\_diesel%' ORDER BY 1";
    let indexes = database.rows(query, &[]).await.unwrap();
    // Read across tenants: by a role that sees no visit, or by one of the functions below.
    let across = [
        "ai_draft_by_expiry",
        "async_upload_due",
        "async_upload_unchecked",
        "idempotency_key_by_age",
        "kept_event_by_sequence",
        "kept_event_pkey",
        "outbox_pkey",
        "presence_lease_by_age",
        "presence_lease_promised",
        "retry_job_by_session",
        "retry_job_due",
        "short_link_by_age",
        "short_link_by_code",
        "tenant_config_by_path",
        "tenant_config_by_prefix",
        "tenant_config_prefix_once",
        "virtual_session_by_room",
    ];
    for row in indexes {
        let (index, first): (&str, &str) = (row.get(0), row.get(1));
        assert!(first == "tenant_id" || across.contains(&index), "{index} begins with {first}");
    }
}
