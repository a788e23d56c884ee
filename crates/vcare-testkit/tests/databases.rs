//! A database for each test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use tokio_postgres::{Client, NoTls};
use vcare_adapters_postgres::PgConfig;
use vcare_testkit::TestDatabase;

async fn as_service(database: &TestDatabase) -> Client {
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn configure(database: &TestDatabase, tenant: &str) {
    let row = "INSERT INTO tenant_config (tenant_id, version, jitsi_server_url, jitsi_xmpp_domain, jitsi_app_id,
        jitsi_audience, room_slug_prefix, max_participants, session_grace_minutes_before, session_grace_minutes_after,
        time_zone) VALUES ($1, 1, 'https://meet.example', 'meet.jitsi', 'vcare', 'vcare', $1, 4, 15, 1, 'Asia/Kabul')";
    assert_eq!(database.execute(row, &[&tenant]).await.unwrap(), 1);
}

async fn tenants(database: &TestDatabase) -> i64 {
    database.query_one("SELECT count(*) FROM tenant_config", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (one, other) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    let (one, other) = (one.unwrap(), other.unwrap());
    configure(&one, "tenant-a").await;
    assert_eq!((tenants(&one).await, tenants(&other).await), (1, 0));
    let name = one.name().to_owned();
    drop(one);
    let left = other.rows("SELECT datname FROM pg_database WHERE datname = $1", &[&name]).await.unwrap();
    assert!(left.is_empty(), "{name} is still there");
}

#[tokio::test]
async fn a_database_is_up_to_date() {
    let database = TestDatabase::create().await.unwrap();
    let pending = vcare_adapters_postgres::pending_migrations(&PgConfig::new(database.admin_url())).await.unwrap();
    assert_eq!(pending, Vec::<String>::new());
}

#[tokio::test]
async fn the_services_login_sees_the_rows_of_the_tenant_it_names_and_no_others() {
    let database = TestDatabase::create().await.unwrap();
    configure(&database, "tenant-a").await;
    configure(&database, "tenant-b").await;
    let service = as_service(&database).await;
    let all = "SELECT tenant_id FROM tenant_config";
    assert!(service.query(all, &[]).await.is_err(), "without a role it has no right");
    service.batch_execute("SET ROLE vcare_api").await.unwrap();
    assert!(service.query(all, &[]).await.unwrap().is_empty());
    service.batch_execute("SET vcare.tenant_id = 'tenant-b'").await.unwrap();
    let rows = service.query(all, &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<&str>>(), ["tenant-b"]);
    service.batch_execute("SET ROLE vcare_system; SELECT FROM outbox").await.unwrap();
}

#[tokio::test]
async fn the_services_login_can_neither_pass_by_the_policies_nor_own_a_table() {
    let database = TestDatabase::create().await.unwrap();
    let role = "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = $1";
    assert!(!database.query_one(role, &[&"vcare_service"]).await.unwrap().get::<_, bool>(0));
    let owned = "SELECT count(*) FROM pg_tables WHERE tableowner LIKE 'vcare%'";
    assert_eq!(database.query_one(owned, &[]).await.unwrap().get::<_, i64>(0), 0);
}

/// As other test processes do when `VCARE_TEST_POSTGRES` names a shared cluster: none starts its own.
#[tokio::test]
async fn many_tests_at_once_get_their_databases() {
    let making = (0..8).map(|_| tokio::spawn(TestDatabase::create()));
    let mut names = Vec::new();
    for made in making.collect::<Vec<_>>() {
        names.push(made.await.unwrap().unwrap().name().to_owned());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 8);
}
