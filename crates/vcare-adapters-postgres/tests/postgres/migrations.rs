//! Bringing databases up to date.

use tokio::task::JoinSet;
use vcare_adapters_postgres::{LoginPurpose, MigrateError, PgConfig, allow_login, migrate, pending_migrations};
use vcare_app::{ActorRef, IdempotencyKey};
use vcare_domain::{TenantId, UserId};
use vcare_testkit::TestDatabase;
use vcare_testkit::postgres::SERVICE_ROLE;
use vcare_testkit::postgres::tokio_postgres::error::SqlState;

/// A database with nothing in it.
async fn empty() -> TestDatabase {
    let database = TestDatabase::create().await.unwrap();
    database
        .client()
        .await
        .unwrap()
        .batch_execute("DROP SCHEMA vcare_keys CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .await
        .unwrap();
    database
}

async fn tables(database: &TestDatabase) -> i64 {
    let count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    database.query_one(count, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn an_empty_database_lacks_all_migrations_and_none_after_them() {
    let database = empty().await;
    let url = database.admin_url();
    let pending = pending_migrations(&PgConfig::new(&url)).await.unwrap();
    assert!(!pending.is_empty());
    assert_eq!(migrate(&PgConfig::new(&url)).await.unwrap(), pending, "run in their order");
    assert!(pending_migrations(&PgConfig::new(&url)).await.unwrap().is_empty());
    assert!(migrate(&PgConfig::new(&url)).await.unwrap().is_empty(), "a second time there is nothing to do");
    assert!(tables(&database).await >= 6);
}

#[tokio::test]
async fn looking_at_what_is_pending_changes_nothing_of_ours() {
    let database = empty().await;
    pending_migrations(&PgConfig::new(database.admin_url())).await.unwrap();
    let ours = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_diesel%'";
    assert_eq!(database.query_one(ours, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn of_several_who_migrate_at_once_one_does_it() {
    let database = empty().await;
    let mut migrating = JoinSet::new();
    for _ in 0..6 {
        let url = database.admin_url();
        migrating.spawn(async move { migrate(&PgConfig::new(&url)).await });
    }
    let done: Vec<Vec<String>> = migrating.join_all().await.into_iter().map(Result::unwrap).collect();
    assert_eq!(done.iter().filter(|run| !run.is_empty()).count(), 1, "{done:?}");
    assert!(pending_migrations(&PgConfig::new(database.admin_url())).await.unwrap().is_empty());
}

#[tokio::test]
async fn databases_of_one_cluster_are_migrated_side_by_side() {
    let databases = [empty().await, empty().await, empty().await, empty().await];
    let mut migrating = JoinSet::new();
    for database in &databases {
        let url = database.admin_url();
        migrating.spawn(async move { migrate(&PgConfig::new(&url)).await });
    }
    for done in migrating.join_all().await {
        assert!(!done.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let database = empty().await;
    database.execute("CREATE TABLE retry_job (mine int)", &[]).await.unwrap();
    let url = database.admin_url();
    let failed = migrate(&PgConfig::new(&url)).await.unwrap_err();
    assert!(matches!(failed, MigrateError::Failed(_)), "{failed:?}");
    let ours = "SELECT to_regclass('virtual_session') IS NULL";
    assert!(database.query_one(ours, &[]).await.unwrap().get::<_, bool>(0));
    database.execute("DROP TABLE retry_job", &[]).await.unwrap();
    assert!(!migrate(&PgConfig::new(&url)).await.unwrap().is_empty(), "and it can be run again");
}

/// The database as it was before prefixes were one tenant's.
const BEFORE_PREFIXES: &str = "
    DROP INDEX tenant_config_prefix_once;
    ALTER TABLE tenant_config DROP COLUMN shared_room_slug_prefix;
    DELETE FROM __diesel_schema_migrations WHERE version = '00000000000013'";

#[tokio::test]
async fn tenants_who_have_one_prefix_together_keep_no_migration_from_running_and_nobody_joins_them_after_it() {
    let database = TestDatabase::create().await.unwrap();
    let client = database.client().await.unwrap();
    client.batch_execute(BEFORE_PREFIXES).await.unwrap();
    // As the version before writes it, which knows nothing of the new column.
    let settings = "INSERT INTO tenant_config (tenant_id, version, jitsi_server_url, jitsi_tenant, jitsi_xmpp_domain,
        jitsi_app_id, jitsi_audience, room_slug_prefix, max_participants, session_grace_minutes_before,
        session_grace_minutes_after, time_zone) VALUES ($1, 1, 'https://meet.example', $2, '', '', '', $3, 4, 15, 1, 'UTC')";
    let set = async |tenant: &str, path: Option<&str>, prefix: &str| {
        client.execute(settings, &[&tenant, &path, &prefix]).await.map_err(|error| error.code().cloned())
    };
    for (tenant, path, prefix) in
        [("a", None, "kabul"), ("b", None, "kabul"), ("c", None, "kabul"), ("d", Some("d"), "kabul"), ("e", None, "e")]
    {
        set(tenant, path, prefix).await.unwrap();
    }
    // Who has held visits under it had it first.
    let visit = "INSERT INTO virtual_session (tenant_id, id, version, patient_id, initiator_id, video_backend, room_name,
        room_url, status, scheduled_start, scheduled_end, time_zone, recording_enabled, participants, segments, created_at,
        updated_at) VALUES ('b', gen_random_uuid(), 1, '', '', 'jitsi', '', '', 'scheduled', now(),
        now() + interval '1 hour', 'UTC', false, '[]', '[]', now(), now())";
    client.execute(visit, &[]).await.unwrap();

    assert_eq!(migrate(&PgConfig::new(database.admin_url())).await.unwrap(), ["00000000000013_room_prefixes"]);
    let shared = "SELECT tenant_id FROM tenant_config WHERE shared_room_slug_prefix IS NOT NULL ORDER BY 1";
    let shared = client.query(shared, &[]).await.unwrap();
    assert_eq!(shared.iter().map(|row| row.get(0)).collect::<Vec<&str>>(), ["a", "c"]);
    for tenant in ["a", "b", "c", "d", "e"] {
        let again =
            "UPDATE tenant_config SET room_slug_prefix = room_slug_prefix, max_participants = 5 WHERE tenant_id = $1";
        assert_eq!(client.execute(again, &[&tenant]).await.unwrap(), 1, "{tenant}");
    }
    let taken = Some(SqlState::UNIQUE_VIOLATION);
    assert_eq!(set("f", None, "kabul").await, Err(taken.clone()));
    assert_eq!(set("f", None, "e").await, Err(taken));
    assert_eq!(set("f", Some("f"), "kabul").await, Ok(1), "its path segment says whose rooms these are");
}

/// The database as it was before keys were hashed.
const BEFORE_HASHES: &str = "
    DROP TRIGGER hash_idempotency_key ON idempotency_key;
    DROP FUNCTION hash_idempotency_key();
    DROP FUNCTION hash_of_idempotency_key(text, text, text);
    ALTER TABLE idempotency_key DROP COLUMN key_hash;
    DELETE FROM __diesel_schema_migrations WHERE version = '00000000000026'";

#[tokio::test]
async fn keys_that_were_kept_in_plain_get_the_hash_by_which_they_are_found() {
    let database = TestDatabase::create().await.unwrap();
    let client = database.client().await.unwrap();
    client.batch_execute(BEFORE_HASHES).await.unwrap();
    let keep = "INSERT INTO idempotency_key (tenant_id, actor, key, fingerprint, status, body, created_at)
        VALUES ('hosp-kabul', $1, $2, sha256(''), 201, '', now() + $3::int4 * interval '1 second')";
    // One key with quotes and without was two keys then: the first answer counts.
    let kept = [
        ("dr-amiri", "wish-1", 0),
        ("dr-amiri", "\"wish-1\"", 1),
        ("dr-amiri", "a\\b\"c'", 2),
        ("dr-noori", "wish-1", 3),
        ("dr-noori", r#""a\\b\"c""#, 4),
        ("dr-noori", r#""a\b""#, 5),
    ];
    for (actor, key, second) in &kept {
        client.execute(keep, &[actor, key, second]).await.unwrap();
    }
    assert_eq!(migrate(&PgConfig::new(database.admin_url())).await.unwrap(), ["00000000000026_hashed_keys"]);
    let rows = "SELECT actor, key, key_hash FROM idempotency_key ORDER BY created_at";
    let rows = client.query(rows, &[]).await.unwrap();
    let tenant = TenantId::parse("hosp-kabul").unwrap();
    for (row, meant) in rows.iter().zip([Some("wish-1"), None, Some("a\\b\"c'"), Some("wish-1"), Some("a\\b\"c"), None])
    {
        let (actor, key, hash) = (row.get::<_, &str>(0), row.get::<_, &str>(1), row.get::<_, Option<&[u8]>>(2));
        let Some(meant) = meant else {
            // The second of one key has none; what is no key of ours is found by nobody.
            assert_eq!(hash.is_none(), key == "\"wish-1\"", "{key}");
            continue;
        };
        let actor = ActorRef::User(UserId::parse(actor).unwrap());
        let expected = IdempotencyKey::parse(meant).unwrap().hash(&tenant, &actor);
        assert_eq!(hash, Some(&expected[..]), "{key}");
    }
}

#[tokio::test]
async fn a_login_is_allowed_by_its_name_whatever_that_is() {
    let database = empty().await;
    let url = database.admin_url();
    migrate(&PgConfig::new(&url)).await.unwrap();
    allow_login(&PgConfig::new(&url), SERVICE_ROLE, LoginPurpose::Service).await.unwrap();
    for nobody in ["nobody-here", "x\"; DROP TABLE outbox; --", ""] {
        let failed = allow_login(&PgConfig::new(&url), nobody, LoginPurpose::Service).await.unwrap_err();
        assert!(matches!(failed, MigrateError::Failed(_)), "{failed:?}");
    }
    assert!(tables(&database).await >= 6);
}

#[tokio::test]
async fn who_cannot_connect_is_not_told_the_address_again() {
    for url in ["postgres://vcare:hunter2@127.0.0.1:1/virtual_care", "hunter2", "postgres://:hunter2@"] {
        let config = PgConfig::new(url);
        for failed in [migrate(&config).await.unwrap_err(), pending_migrations(&config).await.unwrap_err()] {
            assert!(matches!(failed, MigrateError::Connect(_)), "{failed:?}");
            assert!(!format!("{failed} {failed:?}").contains("hunter2"));
        }
    }
}
