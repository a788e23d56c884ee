//! Everything that runs: database, broker, stand-ins, api and worker.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use vcare_app::ports::{Secret, SecretName};
use vcare_app::{ActorRef, Scope, TraceContext};
use vcare_boot::migrations::{LoginPurpose, PgConfig};
use vcare_boot::{Config, Overrides, compose, migrations};
use vcare_domain::{TenantConfigDraft, TenantId};
use vcare_testkit::postgres::{SERVICE_ROLE, tokio_postgres};
use vcare_testkit::standins::jitsi::Settings as JitsiSettings;
use vcare_testkit::{
    Durability, NatsOptions, NatsServer, PostgresOptions, PrivatePostgres, ServiceProcess, SigningKey, Standins,
    StandinsConfig, Subscriber,
};

use crate::place::Place;
use crate::seed;

pub const DATABASE: &str = "virtual_care";

/// The ports that are taken when they are free, so that bookmarks stay good.
const API_PORT: u16 = 3031;
const WORKER_PORT: u16 = 3032;
const STANDINS_PORT: u16 = 3040;
const JITSI_PORT: u16 = 3043;

/// Everything that runs. Stopped in [`Self::stop`], and in any case when dropped.
pub struct Surroundings {
    pub api: ServiceProcess,
    pub worker: ServiceProcess,
    pub standins: Standins,
    pub nats: NatsServer,
    postgres: PrivatePostgres,
    /// The communication-service's stand-in reads our events for as long as this lives.
    _subscriber: Subscriber,
    /// What is written to `sandbox.json`.
    pub facts: Value,
}

/// The port when it is free.
fn preferred(port: u16) -> Option<u16> {
    TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
}

impl Surroundings {
    /// Starts it all and seeds the tenants; `step` is told what is being done.
    pub async fn start(place: &Place, fixed_ports: bool, step: impl Fn(&str)) -> Result<Self> {
        let port = |wanted| fixed_ports.then(|| preferred(wanted)).flatten();
        step("PostgreSQL");
        let postgres = PrivatePostgres::start_with(PostgresOptions {
            folder: Some(place.postgres().to_owned()),
            durability: Durability::Durable,
            ..PostgresOptions::default()
        })
        .await?;
        let database = prepare(&postgres).await?;
        step("NATS");
        let nats = NatsServer::start_with(NatsOptions { folder: Some(place.join("nats")), ..NatsOptions::default() });
        let nats = nats.await?;
        step("stand-ins for the neighbours, Jitsi and the identity provider");
        let key = place.join("issuer.pem");
        let signing_key = tokio::task::spawn_blocking(move || SigningKey::load_or_draw(&key)).await??;
        let standins = Standins::start(StandinsConfig {
            port: port(STANDINS_PORT),
            jitsi_port: port(JITSI_PORT),
            signing_key: Some(signing_key),
            ..StandinsConfig::default()
        })
        .await?;
        let subscriber = standins.subscribe_communication(&nats.url()).await?;
        seed::consents(&standins);
        seed::relations(&standins);
        fs::write(place.join("jitsi-ca.pem"), standins.ca_pem())?;

        let api_port = port(API_PORT).map_or_else(free_port, Ok)?;
        let settings = settings(place, &database, &nats.url(), standins.base_url(), api_port);
        let worker_port = port(WORKER_PORT).unwrap_or(0);
        let settings = format!("{settings}\n[worker]\nlisten = \"127.0.0.1:{worker_port}\"\npoll_ms = 200\n");
        let file = place.join("vcare.toml");
        fs::write(&file, settings)?;
        let internal_tokens = set_tenants(&file, standins.jitsi_url(), |_| {}).await?;
        let environment = [("VCARE_CONFIG_FILE".to_owned(), file.display().to_string())];
        step("vcare-api");
        let api = ServiceProcess::start(&program("vcare-api")?, environment.clone(), Some(&place.join("api"))).await?;
        step("vcare-retry-worker");
        let worker = program("vcare-retry-worker")?;
        let worker = ServiceProcess::start(&worker, environment, Some(&place.join("worker"))).await?;
        let facts = json!({
            "api": format!("http://{}/api/v1/virtual-care", api.address()),
            "nats": nats.url(),
            "database": postgres.url(DATABASE),
            "standins": standins.base_url(),
            "jitsi": standins.jitsi_url(),
            "worker": format!("http://{}", worker.address()),
            "tenants": seed::tenants(&standins, &internal_tokens),
            "patients": seed::patients(),
        });
        Ok(Self { api, worker, standins, nats, postgres, _subscriber: subscriber, facts })
    }

    /// Stops it all, last started first.
    pub async fn stop(self) {
        let Self { mut api, mut worker, standins, mut nats, mut postgres, .. } = self;
        tokio::join!(api.stop(), worker.stop());
        standins.stop().await;
        nats.stop().await;
        postgres.stop().await;
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The programs stand beside this one.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.with_file_name(name);
    anyhow::ensure!(path.is_file(), "{} is missing: build with `cargo build --workspace`", path.display());
    Ok(path)
}

/// Makes and migrates the database, and the login that the service has; answers its address for the service.
pub async fn prepare(postgres: &PrivatePostgres) -> Result<String> {
    let (client, connection) = tokio_postgres::connect(&postgres.url("postgres"), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    if client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&DATABASE]).await?.is_none() {
        client.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await?;
    }
    let owner = postgres.url(DATABASE);
    let database = PgConfig::new(&owner);
    migrations::migrate(&database).await.context("migrations")?;
    if client.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&SERVICE_ROLE]).await?.is_none() {
        client.batch_execute(&format!("CREATE ROLE {SERVICE_ROLE} LOGIN NOINHERIT")).await?;
    }
    // One login for both, so that vcare-admin works with the very same settings.
    migrations::allow_login(&database, SERVICE_ROLE, LoginPurpose::Operator).await.context("service login")?;
    Ok(owner.replacen("postgres://postgres@", &format!("postgres://{SERVICE_ROLE}@"), 1))
}

/// The settings of api, worker and tool.
pub fn settings(place: &Place, database: &str, nats: &str, standins: &str, api_port: u16) -> String {
    format!(
        r#"# Written at each start of the sandbox. With it, vcare-admin looks at the sandbox too:
# VCARE_CONFIG_FILE={file} vcare-admin config check
profile = "development"

[api]
listen = "127.0.0.1:{api_port}"
cors_allow_origins = ["*"]

[links]
public_base_url = "http://127.0.0.1:{api_port}"

[database]
url = "{database}"

[nats]
servers = ["{nats}"]

[identity]
issuer = "{standins}/realms/ghasi"

[licence]
base_url = "{standins}"

[consent]
base_url = "{standins}"

[fhir]
base_url = "{standins}/fhir/R4"

[communication]
base_url = "{standins}"

[ai]
base_url = "{standins}"

[chart]
base_url = "{standins}"

[jitsi]
allow_private_addresses = true
ca_file = "{root}/jitsi-ca.pem"

[storage]
folder = "{root}/attachments"

[keyring]
file = "{root}/master.key"
create_if_missing = true
"#,
        file = place.join("vcare.toml").display(),
        root = place.root().display(),
    )
}

/// Through the service's own code, as an operator would: settings, and the secret that the Jitsi's stand-in has, or it would
/// refuse every link. Answers the token that each tenant's Jitsi would show.
pub async fn set_tenants(
    file: &std::path::Path,
    jitsi: &str,
    change: impl Fn(&mut TenantConfigDraft),
) -> Result<Vec<String>> {
    let config = Config::from_file(file)?;
    let service = compose(&config, Overrides::default()).await?;
    let mut tokens = Vec::new();
    for (tenant, prefix, zone) in seed::TENANTS {
        let scope = Scope {
            tenant_id: TenantId::parse(tenant)?,
            actor: ActorRef::System("sandbox"),
            trace: TraceContext::begin(&*service.ids),
        };
        let mut draft = TenantConfigDraft::new(jitsi, prefix);
        draft.time_zone = zone.to_owned();
        change(&mut draft);
        service.app.set_tenant_config(&scope, draft).await?;
        // A sandbox that lasts has it from the last time.
        if service.app.secrets_report(&scope.tenant_id).await?.brought(SecretName::JitsiJwtSecret).is_none() {
            let secret = Secret::new(JitsiSettings::default().app_secret);
            service.app.set_secret(&scope, SecretName::JitsiJwtSecret, &secret).await?;
        }
        let token = service.app.secrets.internal_token(&scope.tenant_id, 1).await?;
        tokens.push(String::from_utf8(token.expose().to_vec())?);
    }
    Ok(tokens)
}
