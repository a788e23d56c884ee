//! A database with ended visits, the neighbours, and workers as processes.

mod zoom;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration as Patience;

use time::Duration;
use vcare_app::ports::{Clock, ServedTenants};
use vcare_app::rooms::{Presence, Seen};
use vcare_app::sessions::{CreateSession, Device, GivenProfile};
use vcare_app::waiting::ConnectionReport;
use vcare_app::{ActorRef, App, Caller, Role, Scope, TraceContext};
use vcare_boot::{Config, Overrides, SystemClock, compose, install_crypto};
use vcare_domain::{ConferenceName, Heard, PatientId, SessionId, TenantConfigDraft, TenantId, UserId};
use vcare_testkit::events::{the_outbox_must_keep_its_contracts, the_stream_must_keep_its_contracts};
use vcare_testkit::{
    Consents, FakeTime, HandClock, Mode, Name, NatsServer, ServiceProcess, SigningKey, Standins, StandinsConfig,
    StreamReader, TestDatabase, create_stream_of_age, until,
};

const PATIENCE: Patience = Patience::from_secs(40);
const PATIENT: &str = "pat-1";

pub struct Ward {
    pub standins: Standins,
    database: TestDatabase,
    nats: NatsServer,
    settings: PathBuf,
    app: App,
    clock: Arc<HandClock>,
}

fn trace() -> TraceContext {
    TraceContext {
        correlation_id: "test".to_owned(),
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
    }
}

impl Ward {
    /// Starts all but the workers. `settings` are those of the worker, when it has others than usual.
    pub async fn start(settings: &str) -> Self {
        install_crypto();
        let database = TestDatabase::create().await.unwrap();
        let nats = NatsServer::start().await.unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let signing_key = SigningKey::load_or_draw(&folder.join("issuer.pem")).unwrap();
        let standins = StandinsConfig { signing_key: Some(signing_key), ..StandinsConfig::default() };
        let standins = Standins::start(standins).await.unwrap();
        standins.set_consent(PATIENT, Consents::ALL);
        let file = folder.join(format!("{}.toml", database.name()));
        std::fs::write(file.with_extension("pem"), standins.ca_pem()).unwrap();
        let usual = "[worker]\nlisten = \"127.0.0.1:0\"\npoll_ms = 100";
        let settings = if settings.is_empty() { usual } else { settings };
        std::fs::write(&file, toml(&file, &database, &nats, &standins) + settings).unwrap();
        // Some minutes ago: what is left to do is due at once.
        let clock = HandClock::at(SystemClock.now() - Duration::minutes(10));
        let overrides = Overrides { clock: Some(Arc::clone(&clock) as _), ..Overrides::default() };
        let app = compose(&Config::from_file(&file).unwrap(), overrides).await.unwrap().app;
        let tenant_id = TenantId::parse("hosp-kabul").unwrap();
        let scope = Scope { tenant_id, actor: ActorRef::System("test"), trace: trace() };
        app.set_tenant_config(&scope, TenantConfigDraft::new(standins.jitsi_url(), "kabul")).await.unwrap();
        Self { standins, database, nats, settings: file, app, clock }
    }

    /// Visits that were ended while the FHIR gateway was down; it stays down.
    pub async fn ended_visits(&self, count: usize) {
        self.standins.set_mode(Name::Fhir, Mode::DOWN);
        for _ in 0..count {
            self.end_a_visit().await;
        }
        self.are_due(count, "create_encounter").await;
    }

    async fn are_due(&self, count: usize, kind: &str) {
        let due =
            format!("SELECT count(*) = {count} AND bool_and(due_at < now()) FROM retry_job WHERE kind = '{kind}'");
        self.until(&due).await;
    }

    /// Visits that are ended while all is well.
    pub async fn end_visits(&self, count: usize) {
        for _ in 0..count {
            self.end_a_visit().await;
        }
    }

    fn caller() -> Caller {
        Caller {
            tenant_id: TenantId::parse("hosp-kabul").unwrap(),
            user_id: UserId::parse("dr-amiri").unwrap(),
            roles: vec![Role::Clinician],
            node_id: None,
            patient_id: None,
            name: None,
            emergency: None,
            trace: trace(),
        }
    }

    async fn end_a_visit(&self) {
        let (id, _) = self.begin_a_visit().await;
        self.clock.advance(Duration::MINUTE);
        self.app.end_session(&Self::caller(), id, None, None).await.unwrap();
    }

    /// Visits whose patients were lost after a minute, minutes ago.
    pub async fn lost_visits(&self, count: usize) {
        for _ in 0..count {
            let (id, _) = self.begin_a_visit().await;
            let visit = self.app.store.session(&Self::caller().tenant_id, id).await.unwrap().unwrap();
            let room = ConferenceName::parse_prosody(visit.parts().room.name.as_str()).unwrap();
            let hint = |seen| Presence {
                occupant: "phone".to_owned(),
                participant_id: visit.parts().patient().unwrap().id,
                seen,
            };
            let came = self.clock.now();
            self.clock.advance(Duration::MINUTE);
            let hints = [hint(Seen::Joined(came)), hint(Seen::Left(self.clock.now()))];
            let server = ServedTenants::one(Self::caller().tenant_id);
            self.app.note_presence(&server, &room, &hints, trace()).await.unwrap();
        }
        self.are_due(count, "fail_lost_visit").await;
    }

    /// A visit that goes on in messages.
    pub async fn falls_back(&self) -> SessionId {
        let (id, _) = self.begin_a_visit().await;
        self.app.fall_back(&Self::caller(), id, None, None).await.unwrap();
        id
    }

    /// The address of its NATS server.
    pub fn nats_url(&self) -> String {
        self.nats.url()
    }

    /// A visit whose patient was let in, sent a beacon, and fell silent: by the worker's clock, long ago.
    pub async fn silent_patient(&self) {
        let (_, token) = self.begin_a_visit().await;
        let report = ConnectionReport { heard: Heard::Alive, ago: Duration::ZERO };
        self.app.report_by_token(&token, report, trace()).await.unwrap();
    }

    /// Answers the visit, and its patient's token.
    async fn begin_a_visit(&self) -> (SessionId, String) {
        let caller = Self::caller();
        let wish = CreateSession {
            patient_id: PatientId::parse(PATIENT).unwrap(),
            scheduled_start: self.clock.now(),
            scheduled_end: None,
            appointment_id: None,
            provider_id: None,
            recording_enabled: false,
            time_zone: None,
            patient: GivenProfile::default(),
            provider_name: None,
        };
        let vcare_app::Done::Now(visit) = self.app.create_session(&caller, wish, None).await.unwrap() else {
            panic!("it was created before")
        };
        let (id, patient) = (visit.session.parts().id, visit.session.parts().patient().unwrap().id);
        let link = self.app.issue_join_token(&caller, id, &patient.into(), None, None).await.unwrap();
        self.app.join_by_token(&link.token, &Device::default(), trace()).await.unwrap();
        self.app.admit_participant(&caller, id, patient, None, None).await.unwrap();
        (id, link.token)
    }

    pub async fn worker(&self) -> ServiceProcess {
        self.worker_with(&[]).await
    }

    /// A worker with some other settings.
    pub async fn worker_with(&self, settings: &[(&str, &str)]) -> ServiceProcess {
        let file = ("VCARE_CONFIG_FILE".to_owned(), self.settings.display().to_string());
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let program = Path::new(env!("CARGO_BIN_EXE_vcare-retry-worker"));
        ServiceProcess::start(program, settings.chain([file]), None).await.unwrap()
    }

    /// A worker that is told another time, and compares it with the database's every second.
    pub async fn worker_at(&self, time: &FakeTime) -> ServiceProcess {
        let environment = time.environment();
        let mut settings: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        settings.push(("VCARE_CLOCK__COMPARE_SECONDS", "1"));
        self.worker_with(&settings).await
    }

    /// The first worker is gone. Another takes over when the lease runs out, here at once: one Encounter, one charge.
    pub async fn is_settled_by_another_worker(&self) {
        self.standins.set_mode(Name::Fhir, Mode::UP);
        self.run("UPDATE retry_job SET due_at = now()").await;
        let _worker = self.worker().await;
        self.until("SELECT encounter_status = 'created' FROM virtual_session").await;
        self.until("SELECT NOT EXISTS (SELECT FROM retry_job) AND NOT EXISTS (SELECT FROM outbox)").await;
        assert_eq!(self.standins.encounters().len(), 1);
        assert_eq!(self.published("virtual_care.billing.session_chargeable.v1").await, 1);
    }

    /// Waits until the FHIR gateway was asked for something.
    pub async fn fhir_is_asked(&self) {
        until("the FHIR gateway is asked", async || !self.standins.requests(Name::Fhir).is_empty()).await;
    }

    /// Waits until a query answers true.
    pub async fn until(&self, query: &str) {
        self.database.until(query, PATIENCE).await.unwrap();
    }

    pub async fn run(&self, statement: &str) {
        self.database.execute(statement, &[]).await.unwrap();
    }

    /// How many events of that type are in the stream.
    pub async fn published(&self, kind: &str) -> usize {
        let messages = StreamReader::connect(&self.nats.url()).await.unwrap().all().await.unwrap();
        messages.iter().filter(|message| message.subject == kind).count()
    }

    /// An operator makes the stream, which keeps each event for that long.
    pub async fn stream_of_age(&self, max_age: Patience) {
        create_stream_of_age(&self.nats.url(), max_age).await.unwrap();
    }

    /// Lets NATS remember how its streams are now.
    pub async fn keep_a_copy_of_the_stream(&mut self) {
        self.nats.stop().await;
        self.nats.keep_a_copy().unwrap();
        self.nats.restart().await.unwrap();
    }

    /// What was published since then is gone.
    pub async fn power_cut_of_the_stream(&mut self) {
        self.nats.kill();
        self.nats.put_the_copy_back().unwrap();
        self.nats.restart().await.unwrap();
    }

    pub async fn get(&self, worker: &ServiceProcess, path: &str) -> (u16, String) {
        let http = reqwest::Client::builder().no_proxy().timeout(Patience::from_secs(30)).build().unwrap();
        let answer = http.get(format!("http://{}{path}", worker.address())).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

impl Drop for Ward {
    /// Whatever a test is about: no event of it, published or not yet, may break its contract.
    fn drop(&mut self) {
        for extension in ["toml", "pem"] {
            let _ = std::fs::remove_file(self.settings.with_extension(extension));
        }
        if !std::thread::panicking() {
            the_outbox_must_keep_its_contracts(&self.database.admin_url());
            the_stream_must_keep_its_contracts(&self.nats.url());
        }
    }
}

fn toml(file: &Path, database: &TestDatabase, nats: &NatsServer, standins: &Standins) -> String {
    format!(
        r#"
        profile = "development"
        links = {{ public_base_url = "https://care.example" }}
        database = {{ url = "{database}" }}
        nats = {{ servers = ["{nats}"] }}
        identity = {{ issuer = "{issuer}" }}
        licence = {{ base_url = "{base}" }}
        consent = {{ base_url = "{base}" }}
        fhir = {{ base_url = "{fhir}" }}
        communication = {{ base_url = "{base}" }}
        jitsi = {{ allow_private_addresses = true, ca_file = "{ca}" }}
        keyring = {{ file = "{folder}/master.key", create_if_missing = true }}
        zoom = {{ oauth_base_url = "{zoom}/oauth", api_base_url = "{zoom}/v2" }}
        "#,
        database = database.url(),
        nats = nats.url(),
        issuer = standins.issuer().url(),
        base = standins.base_url(),
        fhir = standins.fhir_url(),
        zoom = standins.zoom_url(),
        ca = file.with_extension("pem").display(),
        folder = env!("CARGO_TARGET_TMPDIR"),
    )
}
