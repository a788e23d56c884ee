//! `tls.ca_file` holds for every outgoing connection that speaks HTTPS. PostgreSQL's and NATS' are tested where their adapters are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vcare_app::TraceContext;
use vcare_boot::{Config, Overrides, Service, compose, init_telemetry, install_crypto};
use vcare_domain::{StorageKey, TenantId};
use vcare_testkit::{KmsKey, KmsKind, KmsServer, Standins, StandinsConfig, TlsFront};

/// What HTTP servers are asked, each behind TLS of its own.
struct Around {
    kms: KmsServer,
    key: String,
    mac: String,
    standins: Standins,
    /// Before KMS and S3, the neighbours, and the collector.
    fronts: [TlsFront; 3],
}

impl Around {
    async fn start() -> Self {
        install_crypto();
        let kms = KmsServer::start(KmsKind::Ministack).await.unwrap();
        let key = kms.create_key("eu-central-1", KmsKey::Sealing).await.unwrap();
        let mac = kms.create_key("eu-central-1", KmsKey::Mac).await.unwrap();
        make_bucket(address(&kms.url())).await;
        let standins = Standins::start(StandinsConfig::default()).await.unwrap();
        let (aws, neighbours) = (address(&kms.url()), address(standins.base_url()));
        let fronts = [
            TlsFront::start(aws).await.unwrap(),
            TlsFront::start(neighbours).await.unwrap(),
            TlsFront::start(neighbours).await.unwrap(),
        ];
        Self { kms, key, mac, standins, fronts }
    }

    fn config(&self, tls: &str) -> Config {
        let Self { key, mac, fronts: [aws, neighbours, collector], .. } = self;
        let (aws, base, collector) = (aws.url(), neighbours.url(), collector.url());
        let toml = format!(
            r#"
            profile = "development"
            links = {{ public_base_url = "https://care.example" }}
            database = {{ url = "postgres://nobody@127.0.0.1:1/nowhere" }}
            nats = {{ servers = ["127.0.0.1:1"] }}
            identity = {{ issuer = "{base}" }}
            licence = {{ base_url = "{base}", deadline_ms = 5000 }}
            consent = {{ base_url = "{base}" }}
            fhir = {{ base_url = "{base}/fhir" }}
            communication = {{ base_url = "{base}" }}
            {tls}
            [kms]
            provider = "aws"
            region = "eu-central-1"
            key_id = "{key}"
            mac_key_id = "{mac}"
            endpoint_url = "{aws}"
            access_key_id = "test"
            secret_access_key = "test"
            deadline_ms = 20000
            attempt_deadline_ms = 10000
            [storage]
            bucket = "attachments"
            region = "us-east-1"
            endpoint_url = "{aws}"
            access_key_id = "test"
            secret_access_key = "test"
            [otlp]
            base_url = "{collector}"
            "#,
        );
        Config::from_toml(&toml).unwrap()
    }
}

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

async fn make_bucket(server: SocketAddr) {
    let mut maker = TcpStream::connect(server).await.unwrap();
    let make = "PUT /attachments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    maker.write_all(make.as_bytes()).await.unwrap();
    let mut made = String::new();
    maker.read_to_string(&mut made).await.unwrap();
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
}

/// Which of them answer: the key store, the storage, a neighbour.
async fn answering(service: &Service) -> [bool; 3] {
    let tenant = TenantId::parse("hosp-kabul").unwrap();
    let trace = TraceContext::begin(&*service.ids);
    let name = StorageKey::from_random([7; 16]);
    let app = &service.app;
    [
        app.secrets.managed_jitsi_secret(&tenant, 1).await.is_ok(),
        app.attachments.store.put(&name, &name, "a photo".into()).await.is_ok(),
        app.neighbours.licence.check(&tenant, None, &trace).await.is_ok(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_authority_file_is_believed_by_key_store_storage_neighbours_and_collector() {
    let around = Around::start().await;
    let unknown = compose(&around.config(""), Overrides::default()).await.unwrap();
    assert_eq!(answering(&unknown).await, [false; 3], "nobody vouches for them");

    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authorities.pem");
    std::fs::write(&file, around.fronts.iter().map(TlsFront::ca_pem).collect::<String>()).unwrap();
    let config = around.config(&format!("tls = {{ ca_file = \"{}\" }}", file.display()));
    let telemetry = init_telemetry("test", &config.log, config.otlp.as_ref(), &config.tls).unwrap();
    let service = compose(&config, Overrides::default()).await.unwrap();
    assert_eq!(answering(&service).await, [true; 3]);
    telemetry.finish().await;
    assert!(!around.standins.spans().is_empty(), "nothing came to the collector");
    drop(around.kms);
}
