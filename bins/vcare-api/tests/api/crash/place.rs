//! The service as processes, with everything around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;
use vcare_app::ports::Clock;
use vcare_boot::{Config, Overrides, SystemClock, compose, install_crypto};
use vcare_domain::{EventId, TenantConfigDraft};
use vcare_testkit::{
    Clamd, Consents, FakeTime, NatsServer, ServiceProcess, SigningKey, Standins, StandinsConfig, StoredMessage,
    StreamReader, TestDatabase, TokenSpec,
};

use crate::support::{Answer, CONSENTED, TENANT, Visit, files_below, must_be_described, scope};

/// Far more than anything takes here; a busy machine is no failure.
const PATIENCE: Duration = Duration::from_secs(40);

/// Notes every event that is ever committed: the outbox forgets them when they are published.
const NOTE_EVENTS: &str = "
    CREATE TABLE committed (position bigint, event_id uuid, ordering_key text, subject text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        INSERT INTO committed VALUES (NEW.position, NEW.event_id, NEW.ordering_key, NEW.subject);
        RETURN NEW;
    END $$;
    CREATE TRIGGER note AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION note();";

/// A database, NATS, stand-ins, and `vcare-api` as a process that can be killed.
pub struct Place {
    pub api: ServiceProcess,
    pub nats: NatsServer,
    pub standins: Standins,
    pub database: TestDatabase,
    pub clamd: Clamd,
    settings: PathBuf,
    caller: Caller,
}

/// Whoever calls the API; can be handed to other tasks.
#[derive(Clone)]
pub struct Caller {
    http: Client,
    token: String,
    base: String,
}

impl Place {
    /// Starts it all; NATS is down when `nats_up` says so.
    pub async fn start(nats_up: bool) -> Self {
        install_crypto();
        let database = TestDatabase::create().await.unwrap();
        database.client().await.unwrap().batch_execute(NOTE_EVENTS).await.unwrap();
        let mut nats = NatsServer::start().await.unwrap();
        if !nats_up {
            nats.kill();
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let signing_key = SigningKey::load_or_draw(&folder.join("issuer.pem")).unwrap();
        let standins = StandinsConfig { signing_key: Some(signing_key), ..StandinsConfig::default() };
        let standins = Standins::start(standins).await.unwrap();
        standins.set_consent(CONSENTED, Consents::ALL);
        let clamd = Clamd::start().await.unwrap();
        let settings = folder.join(format!("{}.toml", database.name()));
        std::fs::write(settings.with_extension("pem"), standins.ca_pem()).unwrap();
        std::fs::write(&settings, toml(&settings, &database, &nats, &standins, &clamd)).unwrap();
        let service = compose(&Config::from_file(&settings).unwrap(), Overrides::default()).await.unwrap();
        let draft = TenantConfigDraft::new(standins.jitsi_url(), "kabul");
        service.app.set_tenant_config(&scope(TENANT), draft).await.unwrap();
        drop(service);
        for table in ["outbox", "committed"] {
            database.execute(&format!("DELETE FROM {table}"), &[]).await.unwrap();
        }
        let program = Path::new(env!("CARGO_BIN_EXE_vcare-api"));
        let api = ServiceProcess::start(program, environment(&settings), None).await.unwrap();
        let token = standins.issuer().token(&TokenSpec::new("clinician-1", TENANT, &["clinician"]));
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        let caller = Caller { http, token, base: String::new() };
        Self { api, nats, standins, database, clamd, settings, caller }
    }

    /// `vcare-retry-worker` beside it, under the same settings.
    pub async fn worker(&self) -> ServiceProcess {
        let program = Path::new(env!("CARGO_BIN_EXE_vcare-api")).with_file_name("vcare-retry-worker");
        assert!(program.is_file(), "{} is built by `cargo nextest run --workspace`", program.display());
        ServiceProcess::start(&program, environment(&self.settings), None).await.unwrap()
    }

    /// A second `vcare-api` beside it, under the same settings.
    pub async fn another_api(&self) -> ServiceProcess {
        let program = Path::new(env!("CARGO_BIN_EXE_vcare-api"));
        ServiceProcess::start(program, environment(&self.settings), None).await.unwrap()
    }

    /// A second `vcare-api` that is told another time, and compares it with the database's every second.
    pub async fn api_at(&self, time: &FakeTime) -> ServiceProcess {
        let program = Path::new(env!("CARGO_BIN_EXE_vcare-api"));
        let often = ("VCARE_CLOCK__COMPARE_SECONDS".to_owned(), "1".to_owned());
        let environment = environment(&self.settings).into_iter().chain(time.environment()).chain([often]);
        ServiceProcess::start(program, environment, None).await.unwrap()
    }

    /// Where attachments are kept.
    pub fn storage_folder(&self) -> PathBuf {
        self.settings.with_extension("attachments")
    }

    /// Every file there.
    pub fn stored_files(&self) -> Vec<PathBuf> {
        files_below(&self.storage_folder())
    }

    /// A clinician who calls the API where it listens now.
    pub fn caller(&self) -> Caller {
        self.caller_of(&self.api)
    }

    /// The same, who calls that one.
    pub fn caller_of(&self, api: &ServiceProcess) -> Caller {
        Caller { base: format!("http://{}", api.address()), ..self.caller.clone() }
    }

    /// Kills the API as a crash does, and waits until the database has noticed: a commit that it had received is done.
    pub async fn kill_api(&mut self) {
        self.api.kill();
        self.until(
            "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND usename = 'vcare_service'",
        )
        .await;
    }

    /// Waits until a query answers true.
    pub async fn until(&self, query: &str) {
        self.database.until(query, PATIENCE).await.unwrap();
    }

    pub async fn stream(&self) -> StreamReader {
        StreamReader::connect(&self.nats.url()).await.unwrap()
    }

    /// The events that were committed, by what orders them, in their order.
    pub async fn committed(&self) -> BTreeMap<String, Vec<String>> {
        let rows = "SELECT ordering_key, event_id FROM committed ORDER BY position";
        let mut committed = BTreeMap::<String, Vec<String>>::new();
        for row in self.database.rows(rows, &[]).await.unwrap() {
            let id = EventId::from_uuid(row.get::<_, Uuid>(1)).to_string();
            committed.entry(row.get(0)).or_default().push(id);
        }
        committed
    }

    /// Waits until the outbox is empty, and compares: every committed event is in the stream, once, and those of a visit in
    /// their order. Answers what is in the stream.
    pub async fn all_events_arrived(&self) -> Vec<StoredMessage> {
        self.until("SELECT NOT EXISTS (SELECT FROM outbox)").await;
        let messages = self.stream().await.all().await.unwrap();
        let committed = self.committed().await;
        let mut of: BTreeMap<&str, &str> = BTreeMap::new();
        for (key, ids) in &committed {
            of.extend(ids.iter().map(|id| (id.as_str(), key.as_str())));
        }
        let mut arrived = BTreeMap::<String, Vec<String>>::new();
        for message in &messages {
            let id = message.json()["id"].as_str().unwrap().to_owned();
            assert_eq!(message.headers.get("Nats-Msg-Id"), Some(&id));
            let key = of.get(id.as_str()).unwrap_or_else(|| panic!("{id} was never committed"));
            arrived.entry((*key).to_owned()).or_default().push(id);
        }
        assert_eq!(arrived, committed);
        messages
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tell(&self.api.log_tail());
        }
        let _ = std::fs::remove_dir_all(self.settings.with_extension("attachments"));
        for extension in ["toml", "pem"] {
            let _ = std::fs::remove_file(self.settings.with_extension(extension));
        }
    }
}

#[expect(clippy::print_stderr, reason = "where a failed test is read")]
fn tell(log: &str) {
    eprintln!("the API's last words: {log}");
}

fn environment(settings: &Path) -> [(String, String); 1] {
    [("VCARE_CONFIG_FILE".to_owned(), settings.display().to_string())]
}

fn toml(settings: &Path, database: &TestDatabase, nats: &NatsServer, standins: &Standins, clamd: &Clamd) -> String {
    format!(
        r#"
        profile = "development"
        api = {{ listen = "127.0.0.1:0", threads = 2 }}
        worker = {{ listen = "127.0.0.1:0", poll_ms = 100 }}
        links = {{ public_base_url = "https://care.example" }}
        database = {{ url = "{database}" }}
        nats = {{ servers = ["{nats}"] }}
        identity = {{ issuer = "{issuer}" }}
        licence = {{ base_url = "{base}" }}
        consent = {{ base_url = "{base}" }}
        fhir = {{ base_url = "{fhir}", deadline_ms = 10000, inline_deadline_ms = 5000 }}
        communication = {{ base_url = "{base}", inline_deadline_ms = 5000 }}
        jitsi = {{ allow_private_addresses = true, ca_file = "{ca}" }}
        storage = {{ folder = "{attachments}" }}
        scanner = {{ address = "{clamd}" }}
        keyring = {{ file = "{folder}/master.key", create_if_missing = true }}
        "#,
        database = database.url(),
        nats = nats.url(),
        issuer = standins.issuer().url(),
        base = standins.base_url(),
        fhir = standins.fhir_url(),
        ca = settings.with_extension("pem").display(),
        attachments = settings.with_extension("attachments").display(),
        clamd = clamd.address(),
        folder = env!("CARGO_TARGET_TMPDIR"),
    )
}

/// The API went away in the middle; what became of the request nobody knows.
#[derive(Debug)]
pub struct Gone;

impl Caller {
    /// An answer, of whatever status.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Gone> {
        let request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body.to_string()),
            None => request,
        };
        let response = request.send().await.map_err(|_| Gone)?;
        // Half an answer is none.
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.map_err(|_| Gone)?.to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let answer = Answer { status, headers, bytes, body };
        must_be_described(&method, path, &answer);
        Ok(answer)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Answer, Gone> {
        let answer = self.send(Method::POST, &format!("/api/v1/virtual-care{path}"), Some(body)).await?;
        assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        Ok(answer)
    }

    pub async fn create(&self) -> Result<Visit, Gone> {
        let start = SystemClock.now().format(&Rfc3339).unwrap();
        let created = self.post("/sessions", &json!({"patientId": CONSENTED, "scheduledStart": start})).await?;
        Ok(Visit::of(&created.body))
    }

    /// The patient comes by link and is let in.
    pub async fn begin(&self, visit: &Visit) -> Result<(), Gone> {
        let path = format!("/sessions/{}/participants/{}/join-token", visit.id, visit.patient);
        let token = self.post(&path, &json!({})).await?.text("joinToken");
        self.post("/sessions/join", &json!({ "token": token })).await?;
        self.post(&format!("/sessions/{}/admit/{}", visit.id, visit.patient), &json!({})).await?;
        Ok(())
    }

    pub async fn end(&self, visit: &Visit) -> Result<Answer, Gone> {
        self.post(&format!("/sessions/{}/end", visit.id), &json!({})).await
    }
}
