//! Private servers: they keep their data, and go with who started them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio_postgres::NoTls;
use vcare_testkit::{Durability, NatsOptions, NatsServer, PostgresOptions, PrivatePostgres, StreamReader, until};

async fn ask(postgres: &PrivatePostgres, query: &str) -> String {
    let (client, connection) = tokio_postgres::connect(&postgres.url("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.query_one(query, &[]).await.unwrap().get(0)
}

async fn run(postgres: &PrivatePostgres, statements: &str) {
    let (client, connection) = tokio_postgres::connect(&postgres.url("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(statements).await.unwrap();
}

fn answers(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_millis(500)).is_ok()
}

#[tokio::test]
async fn postgres_keeps_what_was_committed_when_it_is_killed_and_when_it_is_stopped() {
    for durability in [Durability::Fast, Durability::Durable] {
        let options = PostgresOptions { durability, ..Default::default() };
        let mut postgres = PrivatePostgres::start_with(options).await.unwrap();
        let port = postgres.port();
        run(&postgres, "CREATE TABLE kept (text text); INSERT INTO kept VALUES ('سلام')").await;
        postgres.kill();
        postgres.restart().await.unwrap();
        assert_eq!(ask(&postgres, "SELECT text FROM kept").await, "سلام");
        postgres.stop().await;
        assert!(!answers(port));
        postgres.restart().await.unwrap();
        assert_eq!((postgres.port(), ask(&postgres, "SELECT text FROM kept").await), (port, "سلام".to_owned()));
        drop(postgres);
        assert!(!answers(port));
    }
}

#[tokio::test]
async fn postgres_comes_back_in_the_folder_it_was_given_and_nobody_shares_it() {
    let folder = std::env::temp_dir().join(format!("vcare-test-{}-cluster", std::process::id()));
    let options = PostgresOptions {
        folder: Some(folder.clone()),
        durability: Durability::Durable,
        settings: vec![("work_mem".to_owned(), "5MB".to_owned())],
        ..Default::default()
    };
    let first = PrivatePostgres::start_with(options.clone()).await.unwrap();
    run(&first, "CREATE TABLE kept AS SELECT 'here' AS text").await;
    let taken = PrivatePostgres::start_with(options.clone()).await.unwrap_err();
    assert!(taken.to_string().contains("in use by another process"), "{taken}");
    drop(first);
    let second = PrivatePostgres::start_with(options).await.unwrap();
    assert_eq!(ask(&second, "SELECT text FROM kept").await, "here");
    assert_eq!(ask(&second, "SHOW work_mem").await, "5MB");
    assert_eq!(ask(&second, "SHOW fsync").await, "on");
    drop(second);
    assert!(folder.join("data").exists(), "a given folder stays");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn postgres_that_cannot_start_says_why() {
    let nonsense = vec![("no_such_setting".to_owned(), "1".to_owned())];
    let options = PostgresOptions { settings: nonsense, ..Default::default() };
    let error = PrivatePostgres::start_with(options).await.unwrap_err().to_string();
    assert!(error.contains("no_such_setting"), "{error}");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = Some(taken.local_addr().unwrap().port());
    let options = PostgresOptions { port, ..Default::default() };
    let error = PrivatePostgres::start_with(options).await.unwrap_err().to_string();
    assert!(error.contains("could not bind"), "{error}");
}

#[tokio::test]
async fn postgres_that_holds_its_breath_answers_nothing_and_then_everything() {
    let postgres = PrivatePostgres::start().await.unwrap();
    let (client, connection) = tokio_postgres::connect(&postgres.url("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    postgres.signal("-STOP").unwrap();
    let query = client.query_one("SELECT 1", &[]);
    tokio::pin!(query);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut query).await.is_err(), "it answered");
    postgres.signal("-CONT").unwrap();
    assert_eq!(query.await.unwrap().get::<_, i32>(0), 1);
}

#[tokio::test]
async fn nats_keeps_its_streams_and_its_port() {
    let mut nats = NatsServer::start().await.unwrap();
    let reader = StreamReader::connect(&nats.url()).await.unwrap();
    assert!(reader.all().await.unwrap().is_empty(), "there is no stream");
    let jetstream = async_nats::jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    let config = async_nats::jetstream::stream::Config {
        name: "VIRTUAL_CARE".to_owned(),
        subjects: vec!["virtual_care.>".to_owned()],
        ..Default::default()
    };
    let stream = jetstream.create_stream(config).await.unwrap();
    for number in 1..=3 {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Msg-Id", number.to_string());
        let subject = "virtual_care.session.started.v1";
        let ack = jetstream.publish_with_headers(subject, headers, format!("{{\"n\":{number}}}").into()).await.unwrap();
        ack.await.unwrap();
    }
    stream.delete_message(2).await.unwrap();
    let url = nats.url();
    nats.kill();
    nats.restart().await.unwrap();
    assert_eq!(nats.url(), url);
    let reader = StreamReader::connect(&url).await.unwrap();
    let messages = reader.wait_for(|messages| messages.len() == 2, Duration::from_secs(20)).await.unwrap();
    let seen: Vec<_> =
        messages.iter().map(|one| (one.headers["Nats-Msg-Id"].as_str(), one.json()["n"].clone())).collect();
    assert_eq!(seen, [("1", 1.into()), ("3", 3.into())]);
    let error = reader.wait_for(|messages| messages.len() > 2, Duration::from_millis(100)).await.unwrap_err();
    assert!(error.to_string().contains("virtual_care.session.started.v1"), "{error}");
}

#[tokio::test]
async fn nats_that_cannot_start_says_why() {
    let options = NatsOptions { settings: "nonsense {".to_owned(), ..Default::default() };
    let error = NatsServer::start_with(options).await.unwrap_err().to_string();
    assert!(error.contains("nats.log") && error.contains("line 1"), "{error}");
}

/// A runtime and a thread of its own, as each test has.
fn on_another_thread<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || runtime.block_on(work)).join().unwrap()
}

#[tokio::test]
async fn servers_outlive_the_thread_that_started_them() {
    let postgres = on_another_thread(PrivatePostgres::start()).unwrap();
    let nats = on_another_thread(NatsServer::start()).unwrap();
    // Long enough for a signal that should not come.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(answers(postgres.port()) && answers(nats.port()));
}

/// Set where the test is played by the process that is to die; names the file to write its servers' ports to.
const PORTS_FILE: &str = "VCARE_TEST_PORTS_FILE";

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "it tells its two parts by a variable")]
async fn neither_servers_nor_their_folders_outlive_a_process_that_was_killed() {
    if let Some(file) = std::env::var_os(PORTS_FILE) {
        let postgres = PrivatePostgres::start().await.unwrap();
        let nats = NatsServer::start().await.unwrap();
        std::fs::write(file, format!("{} {}", postgres.port(), nats.port())).unwrap();
        std::process::abort();
    }
    let folder = std::env::temp_dir().join(format!("vcare-test-{}-dies", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let ports = folder.join("ports");
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "neither_servers_nor_their_folders_outlive_a_process_that_was_killed"])
        .env(PORTS_FILE, &ports)
        .env("TMPDIR", &folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success());
    for port in std::fs::read_to_string(&ports).unwrap().split(' ') {
        until("the port is free", async || !answers(port.parse().unwrap())).await;
    }
    std::fs::remove_file(ports).unwrap();
    until("its folder is gone", async || std::fs::read_dir(&folder).unwrap().next().is_none()).await;
    std::fs::remove_dir(folder).unwrap();
}
