//! Disks that are full: readiness says so, nothing is lost, and it heals when there is room again.
//!
//! The disks are real ones, small and in memory, which only the test's own process and what it starts can see: see
//! `has_own_mounts`.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use vcare_testkit::prometheus::sixty_times_as_fast;
use vcare_testkit::{
    Durability, NatsOptions, NatsServer, PostgresOptions, PrivatePostgres, Prometheus, SmallDisk, StreamReader,
    TestDatabase, has_own_mounts, until,
};

use crate::support::{Answer, Program, Visit};
use crate::uploads::{arrived, attachment, place};

const CREATED: &str = "virtual_care.session.created.v1";

impl Program {
    async fn readiness(&self) -> Answer {
        self.send(self.request(Method::GET, "//health/ready")).await
    }

    /// What readiness says about one thing.
    async fn check(&self, name: &str) -> Value {
        let report = self.readiness().await.body;
        let checks = report["checks"].as_array().unwrap_or_else(|| panic!("{report}"));
        checks.iter().find(|check| check["name"] == name).unwrap().clone()
    }

    async fn is(&self, name: &str, status: &str) -> bool {
        self.check(name).await["status"] == status
    }

    /// Each of these visits was told of once, and no other.
    async fn was_told_once(&self, visits: &BTreeSet<String>) {
        until("the outbox is empty", async || self.count("outbox").await == 0).await;
        let messages = StreamReader::connect(&self.nats.url()).await.unwrap().all().await.unwrap();
        let created = messages.iter().filter(|message| message.subject == CREATED);
        let mut told: Vec<String> =
            created.map(|message| message.json()["data"]["sessionId"].as_str().unwrap().to_owned()).collect();
        told.sort();
        assert_eq!(told, visits.iter().cloned().collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_databases_disk_is_full_nobody_is_sent_here_and_what_was_answered_is_there() {
    if !has_own_mounts("full_disk::while_the_databases_disk_is_full_nobody_is_sent_here_and_what_was_answered_is_there")
    {
        return;
    }
    let disk = SmallDisk::mount(256).unwrap();
    let postgres = PrivatePostgres::start_with(PostgresOptions {
        folder: Some(disk.join("postgres")),
        durability: Durability::Durable,
        ..PostgresOptions::default()
    });
    let postgres = postgres.await.unwrap();
    let (database, nats) = tokio::try_join!(TestDatabase::create_in(&postgres), NatsServer::start()).unwrap();
    let app = Program::start_on(database, nats, "").await;
    let clinician = app.token("clinician");
    let mut visits = BTreeSet::from([app.visit().await.id]);
    app.readiness().await.expect(200);

    disk.fill().unwrap();
    until("readiness says so", async || app.readiness().await.status == 503).await;
    let check = app.check("database").await;
    assert!(check["cause"].as_str().unwrap().contains("No space left on device"), "{check}");
    app.send(app.request(Method::GET, "//health/live")).await.expect(200);
    // What still finds room in a table is kept; the first that does not is refused, and can be sent again.
    let refused = loop {
        let (wish, key) = (app.wish(), format!("key-{}", visits.len()));
        let answer = app.post_once(&clinician, "/sessions", &wish, &key).await;
        if answer.status != 201 {
            answer.refused(503, "SERVICE_UNAVAILABLE");
            break (wish, key);
        }
        visits.insert(Visit::of(&answer.body).id);
        assert!(visits.len() < 2000, "the disk is not full");
    };

    disk.make_room().unwrap();
    until("it is ready again", async || app.readiness().await.status == 200).await;
    let again = app.post_once(&clinician, "/sessions", &refused.0, &refused.1).await.expect(201);
    visits.insert(Visit::of(&again.body).id);
    let stored = app.database.rows("SELECT id FROM virtual_session", &[]).await.unwrap();
    assert_eq!(stored.len(), visits.len());
    app.was_told_once(&visits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_of_nats_is_full_care_goes_on_and_all_events_follow_once_it_is_restarted() {
    if !has_own_mounts(
        "full_disk::while_the_disk_of_nats_is_full_care_goes_on_and_all_events_follow_once_it_is_restarted",
    ) {
        return;
    }
    let disk = SmallDisk::mount(64).unwrap();
    let nats = NatsServer::start_with(NatsOptions { folder: Some(disk.join("nats")), ..NatsOptions::default() })
        .await
        .unwrap();
    let mut app = Program::start_on(TestDatabase::create().await.unwrap(), nats, "").await;
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/observability/prometheus-rules.yml");
    let rules = sixty_times_as_fast(&std::fs::read_to_string(rules).unwrap()).unwrap();
    let prometheus = Prometheus::watch(&rules, &[("vcare-api", app.process.address())]).await.unwrap();
    let mut visits = BTreeSet::from([app.visit().await.id]);
    until("its events are published", async || app.count("outbox").await == 0).await;
    assert!(app.is("nats", "up").await);

    disk.fill().unwrap();
    // What still finds room in a block of the stream's is taken.
    while app.is("nats", "up").await {
        visits.insert(app.visit().await.id);
        assert!(visits.len() < 2000, "the disk is not full");
    }
    let check = app.check("nats").await;
    assert!(check["cause"].as_str().unwrap().starts_with("it acknowledges no event"), "{check}");
    app.readiness().await.expect(200);
    visits.insert(app.visit().await.id);
    assert!(app.count("outbox").await > 0);
    let fires = async || prometheus.fired().await.unwrap().contains("VcareNatsAcknowledgesNothing");
    until("there is an alert about it", fires).await;

    disk.make_room().unwrap();
    // Room alone does not help, and such a server does not hear that it shall end.
    app.nats.kill();
    app.nats.restart().await.unwrap();
    app.was_told_once(&visits).await;
    until("all is well again", async || app.is("nats", "up").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_of_attachments_is_full_visits_go_on_and_an_upload_waits() {
    if !has_own_mounts("full_disk::while_the_disk_of_attachments_is_full_visits_go_on_and_an_upload_waits") {
        return;
    }
    let disk = SmallDisk::mount(16).unwrap();
    let folder = disk.join("attachments");
    let (database, nats) = tokio::try_join!(TestDatabase::create(), NatsServer::start()).unwrap();
    let app = Program::start_on(database, nats, &format!("storage.folder = \"{}\"", folder.display())).await;
    assert!(app.is("storage", "up").await, "what was never used need not be there");
    assert!(!folder.exists());
    let (patient, mut bytes) = (app.token("patient"), vec![7; 300_000]);
    // A photo, as far as its first bytes say.
    bytes[..4].copy_from_slice(&[0xFF, 0xD8, 0xFF, 0xE0]);
    let at = place(&app.begin_upload(&patient, bytes.len(), &attachment("0", "original")).await.expect(201));
    app.append(&patient, &at, 0, &bytes[..100_000]).await.expect(204);

    disk.fill().unwrap();
    app.append(&patient, &at, 100_000, &bytes[100_000..]).await.refused(503, "SERVICE_UNAVAILABLE");
    until("readiness tells of it", async || app.is("storage", "degraded").await).await;
    assert_eq!(app.readiness().await.expect(200).body["status"], "degraded");
    let check = app.check("storage").await;
    assert!(check["cause"].as_str().unwrap().contains("No space left on device"), "{check}");
    app.active_visit().await;

    disk.make_room().unwrap();
    until("it is well again", async || app.is("storage", "up").await).await;
    let there: usize = app.head(&patient, &at).await.header("upload-offset").parse().unwrap();
    assert!(there >= 100_000);
    app.append(&patient, &at, there, &bytes[there..]).await.expect(204);
    assert_eq!(arrived(&app.database, &folder, &at).await, bytes);
}
