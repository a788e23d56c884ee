//! Databases that only take TLS, and what is told when one is not reached.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use vcare_adapters_postgres::{LoginPurpose, PgConfig, PgJobQueue, allow_login, migrate};
use vcare_testkit::postgres::PostgresOptions;
use vcare_testkit::postgres::tokio_postgres::{NoTls, connect};
use vcare_testkit::{PrivatePostgres, SeededIds};

use crate::support::told;

/// A port of this machine on which nobody listens.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An authority, and where its certificate is.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    file: PathBuf,
}

fn file(name: &str, content: &str) -> PathBuf {
    let number = std::process::id();
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{number}-{name}"));
    std::fs::write(&file, content).unwrap();
    file
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), file: file(&format!("{name}.pem"), &pem), pem }
    }

    /// A certificate and its key, both PEM.
    fn certify(&self, host: Option<&str>, person: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(host.map(ToOwned::to_owned).into_iter().collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, person);
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// A server that takes nothing but TLS, with a certificate for `localhost`, and a migrated database.
struct TlsOnly {
    server: PrivatePostgres,
    ours: Authority,
    others: Authority,
}

impl TlsOnly {
    async fn start(test: &str) -> Self {
        let ours = Authority::new(&format!("{test}-ours"));
        let others = Authority::new(&format!("{test}-others"));
        let (certificate, key) = ours.certify(Some("localhost"), "database");
        let rules = "hostnossl all postgres 127.0.0.1/32 trust\n\
                     hostssl all vcare_certified 127.0.0.1/32 cert\n\
                     hostssl all vcare_password 127.0.0.1/32 scram-sha-256\n\
                     hostssl all all 127.0.0.1/32 trust\n";
        let files = [("server.crt", certificate), ("server.key", key), ("ca.crt", ours.pem.clone())];
        let mut files: Vec<_> = files.map(|(name, content)| (name.to_owned(), content)).into();
        files.push(("pg_hba.conf".to_owned(), rules.to_owned()));
        let settings =
            [("ssl", "on"), ("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key"), ("ssl_ca_file", "ca.crt")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let options = PostgresOptions { files, settings, ..PostgresOptions::default() };
        let this = Self { server: PrivatePostgres::start_with(options).await.unwrap(), ours, others };
        let owner = this.config("postgres", "localhost", "sslmode=require");
        migrate(&owner).await.unwrap();
        let (client, connection) = connect(&this.server.url("postgres"), NoTls).await.unwrap();
        tokio::spawn(connection);
        let logins = ["vcare_service", "vcare_certified", "vcare_password", "vcare_stranger"];
        for login in logins {
            client.batch_execute(&format!("CREATE ROLE {login} LOGIN NOINHERIT PASSWORD 'another'")).await.unwrap();
        }
        for login in &logins[..3] {
            allow_login(&owner, login, LoginPurpose::Service).await.unwrap();
        }
        this
    }

    fn config(&self, login: &str, host: &str, options: &str) -> PgConfig {
        let url = format!("postgres://{login}@{host}:{}/postgres?{options}", self.server.port());
        PgConfig { connection_timeout: Duration::from_secs(2), ..PgConfig::new(url) }
    }

    /// What whoever asks such a database is told.
    async fn asked(&self, host: &str, options: &str) -> Result<(), String> {
        asked(&self.config("vcare_service", host, options)).await
    }
}

async fn asked(config: &PgConfig) -> Result<(), String> {
    let jobs = PgJobQueue::new(config, Arc::new(SeededIds::new(1)));
    jobs.ping().await.map_err(|error| told(&error))
}

#[track_caller]
fn refused(answer: Result<(), String>, cause: &str) {
    let Err(told) = answer else { panic!("it was reached") };
    assert!(told.contains(cause) && !told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_server_that_only_takes_tls_is_reached_in_every_mode_but_disable() {
    let database = TlsOnly::start("modes").await;
    let ca = database.ours.file.display();
    for options in ["", "sslmode=prefer", "sslmode=require"] {
        assert_eq!(database.asked("localhost", options).await, Ok(()), "{options}");
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        let options = format!("sslmode={mode}&sslrootcert={ca}");
        assert_eq!(database.asked("localhost", &options).await, Ok(()), "{options}");
    }
    let by_setting = PgConfig {
        ca_file: Some(database.ours.file.clone()),
        ..database.config("vcare_service", "localhost", "sslmode=verify-full")
    };
    assert_eq!(asked(&by_setting).await, Ok(()), "tls.ca_file");
    refused(database.asked("localhost", "sslmode=disable").await, "no encryption (SQLSTATE 28000)");
}

#[tokio::test]
async fn a_certificate_is_verified_as_far_as_the_mode_says() {
    let database = TlsOnly::start("verified").await;
    let (ours, others) = (database.ours.file.display(), database.others.file.display());
    // Without `sslrootcert`, the system's authorities are asked.
    refused(database.asked("localhost", "sslmode=verify-full").await, "invalid peer certificate");
    for mode in ["require", "verify-ca", "verify-full"] {
        let foreign = format!("sslmode={mode}&sslrootcert={others}");
        refused(database.asked("localhost", &foreign).await, "invalid peer certificate");
    }
    // The certificate is for `localhost`, which is no address.
    assert_eq!(database.asked("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={ours}")).await, Ok(()));
    let by_address = database.asked("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={ours}")).await;
    refused(by_address, "certificate not valid for name");
}

#[tokio::test]
async fn a_login_that_needs_a_certificate_comes_in_with_it_and_not_without() {
    let database = TlsOnly::start("client").await;
    let without = database.config("vcare_certified", "localhost", "sslmode=require");
    refused(asked(&without).await, "SQLSTATE 28000");
    let (certificate, key) = database.ours.certify(None, "vcare_certified");
    let (certificate, key) = (file("certified.crt", &certificate), file("certified.key", &key));
    let with = format!("sslmode=require&sslcert={}&sslkey={}", certificate.display(), key.display());
    assert_eq!(asked(&database.config("vcare_certified", "localhost", &with)).await, Ok(()));
}

#[tokio::test]
async fn whoever_does_not_reach_the_database_is_told_why_and_not_the_password() {
    let database = TlsOnly::start("causes").await;
    let port = database.server.port();
    let closed = free_port();
    for (url, cause) in [
        (format!("postgres://vcare_service:hunter2@localhost:{closed}/postgres"), "Connection refused"),
        (format!("postgres://vcare_password:hunter2@localhost:{port}/postgres"), "SQLSTATE 28P01"),
        (format!("postgres://vcare_nobody:hunter2@localhost:{port}/postgres"), "role \"vcare_nobody\" does not exist"),
        (
            format!("postgres://vcare_service:hunter2@localhost:{port}/elsewhere"),
            "database \"elsewhere\" does not exist",
        ),
        (format!("postgres://vcare_stranger:hunter2@localhost:{port}/postgres"), "permission denied to set role"),
        (format!("postgres://vcare_service:hunter2@database.invalid:{port}/postgres"), "failed to lookup address"),
        (format!("postgres://vcare_service:hunter2@localhost:{port}/postgres?sslmode=verify"), "sslmode: expected"),
    ] {
        let config = PgConfig { connection_timeout: Duration::from_secs(2), ..PgConfig::new(url) };
        refused(asked(&config).await, cause);
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn an_address_that_answers_nothing_is_told_as_such() {
    // Connections to it are taken by the kernel; nobody ever says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://vcare@{}/care", silent.local_addr().unwrap());
    let config = PgConfig { connection_timeout: Duration::from_millis(500), ..PgConfig::new(url) };
    refused(asked(&config).await, "no answer from the server");
}

#[tokio::test]
async fn of_several_hosts_the_one_that_takes_writes_is_used() {
    let primary = TlsOnly::start("primary").await;
    let read_only = [("default_transaction_read_only".to_owned(), "on".to_owned())].into();
    let standby = PostgresOptions { settings: read_only, ..PostgresOptions::default() };
    let standby = PrivatePostgres::start_with(standby).await.unwrap();
    let hosts = format!("localhost:{},127.0.0.1:{},localhost:{}", free_port(), standby.port(), primary.server.port());
    let url = format!("postgres://postgres@{hosts}/postgres");
    let any = PgConfig { connection_timeout: Duration::from_secs(2), ..PgConfig::new(&url) };
    refused(asked(&any).await, "role \"vcare_system\" does not exist");
    let writing = PgConfig::new(format!("{url}?target_session_attrs=read-write"));
    assert_eq!(asked(&writing).await, Ok(()));
}
