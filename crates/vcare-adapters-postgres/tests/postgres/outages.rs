//! A database that is slow, full, away, or comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vcare_adapters_postgres::{
    LoginPurpose, PgConfig, PgJobQueue, PgOutbox, PgSealedSecrets, PgStore, allow_login, migrate,
};
use vcare_app::ports::{Clock, JobKind, JobQueue, Outbox, OutboxWake, Reads, Store, StoreError};
use vcare_domain::{SessionId, SessionStatus};
use vcare_testkit::postgres::tokio_postgres::{NoTls, connect};
use vcare_testkit::{HandClock, PrivatePostgres, SeededIds, TestDatabase, TestRecordKeys};

use crate::support::{Bench, KABUL, scope, tenant, told};

/// Far more than the configured waits, far less than nobody's patience.
const SOON: Duration = Duration::from_secs(4);

#[track_caller]
fn is_unavailable<T>(result: Result<T, StoreError>, began: Instant, what: &str) {
    match result {
        Err(error @ StoreError::Unavailable(_)) => {
            let told = told(&error);
            assert!(!told.contains("hunter2"), "{what}: {told}");
        }
        Err(other) => panic!("{what}: {}", told(&other)),
        Ok(_) => panic!("{what}: it answered"),
    }
    assert!(began.elapsed() < SOON, "{what} took {:?}", began.elapsed());
}

fn store(config: &PgConfig) -> PgStore {
    let (secrets, keys) = (PgSealedSecrets::new(config), Arc::new(TestRecordKeys));
    PgStore::new(config, secrets, keys, HandClock::new(), Arc::new(SeededIds::new(99)), OutboxWake::default())
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable_soon_and_its_address_is_not_told() {
    let mut config = PgConfig::new("postgres://vcare:hunter2@127.0.0.1:1/virtual_care");
    config.connection_timeout = Duration::from_millis(300);
    assert!(!format!("{config:?}").contains("hunter2"));
    let (store, outbox) = (store(&config), PgOutbox::new(&config));
    let jobs = PgJobQueue::new(&config, Arc::new(SeededIds::new(1)));
    let now = HandClock::new().now();
    let began = Instant::now();
    is_unavailable(jobs.ping().await, began, "ping");
    let began = Instant::now();
    is_unavailable(store.tenant_config(&tenant(KABUL)).await, began, "a read");
    let began = Instant::now();
    is_unavailable(store.begin("test", &scope(KABUL)).await.map(drop), began, "begin");
    let began = Instant::now();
    is_unavailable(outbox.try_lead().await.map(drop), began, "the lead");
    let began = Instant::now();
    is_unavailable(outbox.backlog().await, began, "the backlog");
    let began = Instant::now();
    is_unavailable(
        jobs.lease(JobKind::CreateEncounter, now, time::Duration::MINUTE, 1).await.map(drop),
        began,
        "a lease",
    );
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cut_short() {
    let bench = Bench::start_with(|config| config.statement_timeout = Duration::from_millis(200)).await;
    let visit = bench.saved(KABUL, SessionStatus::Active).await;
    let (mut owner, connection) = connect(&bench.database.admin_url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let lock = owner.transaction().await.unwrap();
    lock.execute("SELECT FROM virtual_session FOR UPDATE", &[]).await.unwrap();
    let mut tx = bench.begin(KABUL).await;
    let began = Instant::now();
    let found = tx.sessions().find(visit.parts().id).await.map(drop);
    is_unavailable(found, began, "a locked row");
    tx.rollback().await.unwrap();
    lock.rollback().await.unwrap();
    let mut tx = bench.begin(KABUL).await;
    assert!(tx.sessions().find(visit.parts().id).await.unwrap().is_some());
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_pool_with_no_free_connection_is_unavailable_soon() {
    let bench = Bench::start_with(|config| {
        (config.max_connections, config.connection_timeout) = (2, Duration::from_millis(200));
    })
    .await;
    let held = [bench.begin(KABUL).await, bench.begin(KABUL).await];
    let began = Instant::now();
    is_unavailable(bench.store.begin("test", &scope(KABUL)).await.map(drop), began, "a full pool");
    drop(held);
    bench.saved(KABUL, SessionStatus::Scheduled).await;
}

#[tokio::test]
async fn connections_that_the_server_closed_are_replaced() {
    let bench = Bench::start_with(|config| config.max_connections = 1).await;
    let visit = bench.saved(KABUL, SessionStatus::Scheduled).await;
    for _ in 0..3 {
        let kill = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
                    WHERE datname = current_database() AND usename = 'vcare_service'";
        assert_eq!(bench.database.query_one(kill, &[]).await.unwrap().get::<_, i64>(0), 1);
        // At worst the one request that was given the dead connection fails; it wrote nothing.
        if let Err(error) = bench.read(&visit).await {
            assert!(matches!(error, StoreError::Unavailable(_)), "{}", told(&error));
            bench.read(&visit).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_without_our_tables_is_not_ready() {
    let database = TestDatabase::create().await.unwrap();
    let jobs = PgJobQueue::new(&PgConfig::new(database.url()), Arc::new(SeededIds::new(1)));
    jobs.ping().await.unwrap();
    database.client().await.unwrap().batch_execute("DROP TABLE outbox CASCADE").await.unwrap();
    assert!(jobs.ping().await.is_err());
}

#[tokio::test]
async fn a_database_that_may_only_be_read_is_not_ready() {
    let database = TestDatabase::create().await.unwrap();
    let jobs = PgJobQueue::new(&PgConfig::new(database.url()), Arc::new(SeededIds::new(1)));
    jobs.try_writing().await.unwrap();
    let read_only = format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name());
    database.execute(&read_only, &[]).await.unwrap();
    // The setting is for connections that are made from here on.
    let jobs = PgJobQueue::new(&PgConfig::new(database.url()), Arc::new(SeededIds::new(1)));
    jobs.ping().await.unwrap();
    let told = told(&jobs.try_writing().await.unwrap_err());
    assert!(told.contains("read-only transaction"), "{told}");
    assert_eq!(database.rows("SELECT FROM outbox", &[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_server_that_crashes_and_comes_back_has_what_was_committed_and_nothing_else() {
    let mut server = PrivatePostgres::start().await.unwrap();
    let owner = server.url("postgres");
    migrate(&PgConfig::new(&owner)).await.unwrap();
    let (client, connection) = connect(&owner, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE ROLE vcare_login LOGIN NOINHERIT").await.unwrap();
    allow_login(&PgConfig::new(&owner), "vcare_login", LoginPurpose::Service).await.unwrap();
    let mut config = PgConfig::new(owner.replacen("postgres://postgres@", "postgres://vcare_login@", 1));
    config.connection_timeout = Duration::from_millis(500);
    let store = store(&config);
    let bench = Bench::start().await;
    let mut kept = bench.visit(KABUL, SessionStatus::Scheduled);
    let mut lost = bench.visit(KABUL, SessionStatus::Scheduled);
    let mut tx = store.begin("test", &scope(KABUL)).await.unwrap();
    tx.sessions().save(&mut kept).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin("test", &scope(KABUL)).await.unwrap();
    tx.sessions().save(&mut lost).await.unwrap();

    server.kill();
    let began = Instant::now();
    is_unavailable(tx.commit().await, began, "commit");
    let read = async |id: SessionId| store.session(&tenant(KABUL), id).await.map(|found| found.is_some());
    let began = Instant::now();
    is_unavailable(read(kept.parts().id).await, began, "a read while it is away");

    server.restart().await.unwrap();
    assert!(matches!(read(kept.parts().id).await, Ok(true)), "the very next request is answered");
    assert!(matches!(read(lost.parts().id).await, Ok(false)));
}
