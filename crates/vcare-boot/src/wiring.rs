//! Puts the adapters under the application.

use std::sync::Arc;

use anyhow::Context;
use time::Duration;
use tokio::sync::Semaphore;
use url::Url;
use vcare_adapters_http::{
    AccessTokenConfig, AddressPolicy, ClientConfig, HttpAccessPolicy, HttpAiGateway, HttpChartNotes, HttpClient,
    HttpConsentCheck, HttpFhirGateway, HttpLicenceCheck, HttpLogos, HttpMessagingThreads, HttpProbe, JitsiVideo,
    JwksConfig, JwksLocation, JwksSource, OidcAccessTokens, ZoomVideo,
};
use vcare_adapters_kms::{
    AwsKms, AwsKmsConfig, HmacInternalTokens, Hs256JoinTokens, IfMissing, KeyKeeper, LocalKeyring,
    SealedAttachmentLinks, Vault,
};
use vcare_adapters_nats::{NatsPublisher, ThreadSubscription};
use vcare_adapters_postgres::{PgJobQueue, PgOutbox, PgOversight, PgSealedSecrets, PgStore};
use vcare_adapters_storage::{Clamd, Inspector, NoScanner, ObjectStorage, S3Config, SmallLogos};
use vcare_app::ai::AiSeats;
use vcare_app::jobs::FIRST_RECORDING;
use vcare_app::ports::{
    AccessTokens, AiGateway, AttachmentStore, Clock, EventPublisher, Ids, InternalTokens, JobQueue, MalwareScanner,
    Outbox, OutboxWake, Oversight, Store, TenantSecrets, UploadQueue, VideoBackends,
};
use vcare_app::relay::{Pace, Relay};
use vcare_app::tenants::LogoPorts;
use vcare_app::uploads::AttachmentPorts;
use vcare_app::waiting::Waiting;
use vcare_app::{AiNeighbours, App, Breaker, InLine, Neighbours, Settings};

use crate::clock::{SystemClock, SystemIds};
use crate::config::{AiConfig, ChartConfig, Config, IdentityConfig};
use crate::database_clock::{ClockCheck, DatabaseClock};
use crate::health::Health;

/// What a test puts in the place of the real thing.
#[derive(Clone)]
pub struct Overrides {
    /// The time; the database's when absent.
    pub clock: Option<Arc<dyn Clock>>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// The tenants' secrets that other adapters need; the deployment's own when absent.
    pub tenant_secrets: Option<Arc<dyn TenantSecrets>>,
    /// The AI gateway, where the deployment has one.
    pub ai_gateway: Option<Arc<dyn AiGateway>>,
}

impl Default for Overrides {
    fn default() -> Self {
        Self { clock: None, ids: Arc::new(SystemIds::default()), tenant_secrets: None, ai_gateway: None }
    }
}

/// A composed process: the application, and what runs beside it.
pub struct Service {
    /// The use cases.
    pub app: App,
    /// Checks who signs in.
    pub access_tokens: Arc<dyn AccessTokens>,
    /// Checks who calls the internal routes.
    pub internal_tokens: Arc<dyn InternalTokens>,
    /// Publishes the outbox, when this process may.
    pub relay: Option<Relay>,
    /// Durable work, and old answers to forget.
    pub jobs: Arc<PgJobQueue>,
    /// The events that wait to be published, whether or not this process publishes them.
    pub outbox: Arc<dyn Outbox>,
    /// The event stream.
    pub events: Arc<NatsPublisher>,
    /// Who is asked only for what is written: here, whether they answer. The section that configures each stands beside it.
    pub probes: Vec<(&'static str, HttpProbe)>,
    /// What the communication-service publishes of threads, for the worker.
    pub threads: Option<ThreadSubscription>,
    /// How the process is.
    pub health: Health,
    /// Compares the clock with the database's.
    pub clock_check: ClockCheck,
    /// The tenants' secrets, for who sets up their Jitsi.
    pub tenant_secrets: Arc<dyn TenantSecrets>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
}

/// Installs the process-wide cryptography, which several libraries panic without. May be called any number of times.
pub fn install_crypto() {
    vcare_adapters_http::install_crypto();
}

/// Looks into all tenants for what is stuck: for the operators' tool, whose login may.
#[must_use]
pub fn operators_oversight(config: &Config) -> impl Oversight + use<> {
    PgOversight::new(&config.postgres())
}

/// Composes a process. Nobody is waited for: database, NATS and neighbours are reached when they are first needed.
///
/// # Errors
/// When something about this machine does not fit: the key file, a certificate file, an address.
pub async fn compose(config: &Config, overrides: Overrides) -> anyhow::Result<Service> {
    let Overrides { clock, ids, tenant_secrets, ai_gateway } = overrides;
    let clock = clock.unwrap_or_else(|| Arc::new(DatabaseClock::new(Arc::new(SystemClock), config.clock.tolerance())));
    let mut database = config.postgres();
    // Or a worker would take a job up while who caused it still waits for the neighbour.
    let chart = config.chart.as_ref().map_or(Duration::ZERO, ChartConfig::inline_deadline);
    let longest = config.fhir.inline_deadline().max(config.communication.inline_deadline()).max(chart);
    database.first_lease = (longest + FIRST_RECORDING).unsigned_abs();
    let wake = OutboxWake::default();
    let waiting = Waiting::new(config.waiting.pace(config.database.max_connections));
    let jobs = Arc::new(PgJobQueue::new(&database, Arc::clone(&ids)));
    let publisher = Arc::new(NatsPublisher::connect(&config.nats.adapter(&config.tls)).await.context("nats")?);

    let mut inside = ClientConfig::new(AddressPolicy::PRIVATE);
    inside.extra_roots_pem.extend(roots(config)?);
    let inside = HttpClient::new(&inside, Arc::clone(&clock), Arc::clone(&ids)).context("tls.ca_file")?;
    let secrets = PgSealedSecrets::new(&database);
    let (rows, tenants) = (Arc::new(secrets.clone()), Arc::clone(&jobs) as _);
    let vault = Arc::new(Vault::new(key_keeper(config).await?, rows, tenants, Arc::clone(&clock), config.kms.vault()));
    let keys = Arc::clone(&vault) as _;
    let store = PgStore::new(&database, secrets, keys, Arc::clone(&clock), Arc::clone(&ids), wake.clone());
    let store = Arc::new(store.telling(waiting.changes.clone()));
    let public = public_client(config, &clock, &ids)?;
    let tenant_secrets = tenant_secrets.unwrap_or_else(|| Arc::clone(&vault) as _);
    let neighbours = Neighbours {
        licence: Arc::new(HttpLicenceCheck::new(inside.clone(), config.licence.adapter().context("licence.base_url")?)),
        consent: Arc::new(HttpConsentCheck::new(inside.clone(), config.consent.adapter().context("consent.base_url")?)),
        // The same service, which keeps consents, too.
        access: Arc::new(HttpAccessPolicy::new(inside.clone(), config.consent.adapter().context("consent.base_url")?)),
        fhir: Arc::new(HttpFhirGateway::new(inside.clone(), config.fhir.neighbour.adapter().context("fhir.base_url")?)),
        fhir_breaker: Arc::new(Breaker::new("fhir")),
        messaging: Arc::new(HttpMessagingThreads::new(
            inside.clone(),
            config.communication.neighbour.adapter().context("communication.base_url")?,
        )),
        messaging_breaker: Arc::new(Breaker::new("communication")),
        ai: ai(config, &inside, ai_gateway)?,
        video: video(config, &clock, public.clone(), inside.clone(), &tenant_secrets)?,
    };
    let probes = probes(config, &inside)?;
    let access_tokens = access_tokens(&config.identity, inside, &clock)?;
    let storage = storage(config)?;
    let attachments = AttachmentPorts {
        queue: Arc::clone(&jobs) as Arc<dyn UploadQueue>,
        store: Arc::clone(&storage) as Arc<dyn AttachmentStore>,
        scanner: scanner(config),
        inspector: Arc::new(Inspector::default()),
        links: Arc::new(SealedAttachmentLinks::new(Arc::clone(&vault))),
    };
    let internal_tokens = HmacInternalTokens::new(Arc::clone(&vault), config.internal.shared_servers());
    let app = App {
        store: Arc::clone(&store) as Arc<dyn Store>,
        jobs: Arc::clone(&jobs) as Arc<dyn JobQueue>,
        neighbours,
        join_tokens: Arc::new(Hs256JoinTokens::new(Arc::clone(&vault))),
        attachments,
        secrets: Arc::clone(&vault) as _,
        logos: LogoPorts { source: Arc::new(HttpLogos::new(public)), resizer: Arc::new(SmallLogos) },
        names: Arc::clone(&vault) as _,
        cursors: Arc::clone(&vault) as _,
        texts: vault,
        ai_seats: config
            .ai
            .as_ref()
            .map_or_else(|| AiSeats::new(0, 0), |ai| AiSeats::new(ai.parallel_per_visit, ai.parallel_in_all)),
        seats: Arc::new(Semaphore::new(usize::from(config.worker.concurrency))),
        waiting,
        drafts: InLine::default(),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        settings: settings(config),
    };
    let outbox: Arc<dyn Outbox> = Arc::new(PgOutbox::new(&database));
    let relay = config.relay.enabled.then(|| Relay {
        outbox: Arc::clone(&outbox),
        publisher: Arc::clone(&publisher) as Arc<dyn EventPublisher>,
        wake,
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        pace: Pace {
            keep: std::time::Duration::from_secs(60 * u64::from(config.nats.keep_published_minutes)),
            ..Pace::default()
        },
    });
    Ok(Service {
        app,
        access_tokens: Arc::new(access_tokens),
        internal_tokens: Arc::new(internal_tokens),
        relay,
        health: Health::new(Arc::clone(&jobs), Arc::clone(&publisher), storage, Arc::clone(&clock)),
        clock_check: ClockCheck::new(Arc::clone(&clock), Arc::clone(&jobs), &config.clock),
        threads: config
            .communication
            .subscription(config.nats.manage_stream)
            .map(|subscription| ThreadSubscription::new(&publisher, subscription)),
        outbox,
        events: publisher,
        probes,
        jobs,
        tenant_secrets,
        clock,
        ids,
    })
}

fn settings(config: &Config) -> Settings {
    Settings {
        join_token_grace: Duration::minutes(i64::from(config.links.join_token_grace_minutes)),
        video_token_grace: Duration::minutes(i64::from(config.links.video_token_grace_minutes)),
        public_base_url: config.links.public_base_url.clone(),
        inline_encounter_deadline: config.fhir.inline_deadline(),
        inline_thread_deadline: config.communication.inline_deadline(),
        inline_chart_deadline: config.chart.as_ref().map_or(Duration::ZERO, ChartConfig::inline_deadline),
        draft_lifetime: config.ai.as_ref().map_or(Duration::DAY, AiConfig::draft_lifetime),
        uploads_per_day: config.attachments.uploads_per_day.into(),
        job_lease: config.worker.lease(),
        clinical_retention: config.retention.clinical(),
    }
}

/// The neighbours that are asked only for what is written, with the sections that configure them.
fn probes(config: &Config, client: &HttpClient) -> anyhow::Result<Vec<(&'static str, HttpProbe)>> {
    let fhir = config.fhir.neighbour.adapter().context("fhir.base_url")?;
    let messaging = config.communication.neighbour.adapter().context("communication.base_url")?;
    let mut probes = vec![
        ("fhir", HttpProbe::fhir(client.clone(), fhir)),
        ("communication", HttpProbe::communication(client.clone(), messaging)),
    ];
    if let Some(chart) = &config.chart {
        probes.push(("chart", HttpProbe::chart(client.clone(), chart.adapter().context("chart.base_url")?)));
    }
    if let Some(ai) = &config.ai {
        probes.push(("ai", HttpProbe::ai(client.clone(), ai.adapter().context("ai.base_url")?)));
    }
    Ok(probes)
}

/// What machines need, where the deployment has it.
fn ai(
    config: &Config,
    client: &HttpClient,
    gateway: Option<Arc<dyn AiGateway>>,
) -> anyhow::Result<Option<AiNeighbours>> {
    let (Some(ai), Some(chart)) = (&config.ai, &config.chart) else { return Ok(None) };
    let (ai, chart) = (ai.adapter().context("ai.base_url")?, chart.adapter().context("chart.base_url")?);
    Ok(Some(AiNeighbours {
        gateway: gateway.unwrap_or_else(|| Arc::new(HttpAiGateway::new(client.clone(), ai))),
        gateway_breaker: Arc::new(Breaker::new("ai")),
        chart: Arc::new(HttpChartNotes::new(client.clone(), chart)),
        chart_breaker: Arc::new(Breaker::new("chart")),
    }))
}

fn storage(config: &Config) -> anyhow::Result<Arc<ObjectStorage>> {
    let storage = match config.storage.s3() {
        Some(s3) => {
            let s3 = S3Config { extra_roots_pem: roots(config)?, ..s3 };
            ObjectStorage::s3(&s3).context("storage")?
        }
        None => ObjectStorage::folder(&config.storage.folder),
    };
    Ok(Arc::new(storage))
}

fn scanner(config: &Config) -> Arc<dyn MalwareScanner> {
    match config.scanner.clamd() {
        Some(clamd) => Arc::new(Clamd::new(clamd)),
        None => Arc::new(NoScanner),
    }
}

async fn key_keeper(config: &Config) -> anyhow::Result<Arc<dyn KeyKeeper>> {
    if let Some((aws, identity)) = config.kms.aws() {
        let aws = AwsKmsConfig { extra_roots_pem: roots(config)?, ..aws };
        return Ok(Arc::new(AwsKms::new(&aws, identity).await.context("tls.ca_file")?));
    }
    let keyring = config.keyring.as_ref().context("keyring")?;
    let if_missing = if keyring.create_if_missing { IfMissing::Create } else { IfMissing::Refuse };
    Ok(Arc::new(LocalKeyring::open(&keyring.file, if_missing).context("keyring.file")?))
}

/// The authorities that are trusted beside the system's, as PEM.
fn roots(config: &Config) -> anyhow::Result<Option<String>> {
    config.tls.roots().map_err(anyhow::Error::msg)
}

/// Calls what tenants name: their Jitsi, their logo. It has a policy of its own.
fn public_client(config: &Config, clock: &Arc<dyn Clock>, ids: &Arc<dyn Ids>) -> anyhow::Result<HttpClient> {
    let mut public = ClientConfig::new(AddressPolicy { allow_private: config.jitsi.allow_private_addresses });
    public.extra_roots_pem.extend(roots(config)?);
    if let Some(file) = &config.jitsi.ca_file {
        public.extra_roots_pem.push(std::fs::read_to_string(file).context("jitsi.ca_file")?);
    }
    HttpClient::new(&public, Arc::clone(clock), Arc::clone(ids)).context("tls.ca_file or jitsi.ca_file")
}

/// The tenants' video backends.
fn video(
    config: &Config,
    clock: &Arc<dyn Clock>,
    public: HttpClient,
    inside: HttpClient,
    secrets: &Arc<dyn TenantSecrets>,
) -> anyhow::Result<VideoBackends> {
    let jitsi = JitsiVideo::new(public, inside.clone(), Arc::clone(secrets), Arc::clone(clock));
    let zoom = config.zoom.adapter(&config.links.public_base_url).context("zoom")?;
    let zoom = ZoomVideo::new(inside, zoom, Arc::clone(secrets));
    Ok(VideoBackends { jitsi: Arc::new(jitsi), zoom: Arc::new(zoom) })
}

fn access_tokens(
    config: &IdentityConfig,
    client: HttpClient,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<OidcAccessTokens> {
    let location = match &config.jwks_url {
        Some(url) => JwksLocation::Url(Url::parse(url).context("identity.jwks_url")?),
        None => JwksLocation::Discovery,
    };
    let keys = JwksSource::new(client, JwksConfig::new(&config.issuer, location));
    let mut wanted = AccessTokenConfig::new(&config.audience);
    wanted.leeway_seconds = config.leeway_seconds;
    if let Some(claims) = &config.tenant_claims {
        wanted.tenant_claims.clone_from(claims);
    }
    if let Some(claims) = &config.role_claims {
        wanted.role_claims.clone_from(claims);
    }
    Ok(OidcAccessTokens::new(keys, wanted, Arc::clone(clock)))
}
