//! A service with everything around it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration as Patience;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;
use vcare_app::ports::Clock;
use vcare_app::timestamp::Timestamp;
use vcare_app::{ActorRef, App, Scope, TraceContext};
use vcare_boot::{Config, Metrics, Overrides, SystemIds, compose, install_crypto};
use vcare_domain::TenantId;
use vcare_testkit::events::the_outbox_must_keep_its_contracts;
use vcare_testkit::{Clamd, HandClock, Standins, TestDatabase, TokenSpec};

use super::Answer;
use super::around::{Around, folder};
use super::documented::must_be_described;
use super::people::{CONSENTED, TENANT};

/// A service with a database of its own, stand-ins and a clock moved by hand. Its outbox is published by nobody, so that
/// all events of a test are in it; when the test ends, each of them is checked against its schema.
pub struct TestApp {
    pub database: TestDatabase,
    pub standins: Standins,
    /// Looks for malware in attachments.
    pub clamd: Clamd,
    pub clock: Arc<HandClock>,
    /// The use cases, for what is driven by hand: `work_due`.
    pub app: App,
    http: Client,
    root: String,
    shutdown: CancellationToken,
    appointments: AtomicU32,
}

impl TestApp {
    /// Starts one, with two tenants and three patients.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same with more settings, as TOML (`api.max_body_bytes = 1000`).
    pub async fn start_with(settings: &str) -> Self {
        Self::start_over(settings, Overrides::default()).await
    }

    /// The same with other things in the place of the real ones; the clock is moved by hand in any case.
    pub async fn start_over(settings: &str, overrides: Overrides) -> Self {
        install_crypto();
        let around = Box::pin(Around::start()).await;
        let nats = "nats.servers = [\"nats://127.0.0.1:1\"]\nrelay.enabled = false";
        let config = Config::from_toml(&around.settings(&format!("{nats}\n{settings}"))).unwrap();
        let clock = HandClock::new();
        let overrides = Overrides { clock: Some(Arc::clone(&clock) as Arc<dyn Clock>), ..overrides };
        let service = Box::pin(compose(&config, overrides)).await.unwrap();
        let app = service.app.clone();
        around.set_up_tenants(&app).await;
        // A test's events are those of what it does.
        around.database.execute("DELETE FROM outbox", &[]).await.unwrap();
        let shutdown = CancellationToken::new();
        let (listening, listens) = tokio::sync::oneshot::channel();
        let stop = shutdown.clone();
        tokio::spawn(async move {
            let told = |address| {
                let _ = listening.send(address);
            };
            vcare_api::serve(service, Metrics::detached(), &config, stop, told).await.unwrap();
        });
        let root = format!("http://{}", listens.await.unwrap());
        Self::around(around, clock, app, root, shutdown)
    }

    /// A service that runs elsewhere, at `root`.
    pub(super) fn around(
        around: Around,
        clock: Arc<HandClock>,
        app: App,
        root: String,
        shutdown: CancellationToken,
    ) -> Self {
        let Around { database, standins, clamd } = around;
        let http = Client::builder().no_proxy().timeout(Patience::from_secs(30)).build().unwrap();
        Self { database, standins, clamd, clock, app, http, root, shutdown, appointments: AtomicU32::new(0) }
    }

    /// The service's own address, with a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Tells the service to stop, as SIGTERM does.
    pub fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Now, as the service sees it.
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// An instant so many minutes from now, as it is written in responses.
    pub fn minutes_ahead(&self, minutes: i64) -> String {
        let at = serde_json::to_value(Timestamp(self.now() + Duration::minutes(minutes))).unwrap();
        at.as_str().unwrap().to_owned()
    }

    /// What a token of this account would say; valid for a day of the hand-moved clock.
    pub fn account(&self, tenant: &str, user: &str, role: &str) -> TokenSpec {
        TokenSpec::new(user, tenant, &[role]).issued_at(self.now()).lifetime(Duration::DAY)
    }

    /// A token of [`TENANT`]. The account's name is `{role}-1`; a patient is [`CONSENTED`].
    pub fn token(&self, role: &str) -> String {
        self.token_of(TENANT, &format!("{role}-1"), role)
    }

    pub fn token_of(&self, tenant: &str, user: &str, role: &str) -> String {
        let account = self.account(tenant, user, role);
        let account = if role == "patient" { account.patient(CONSENTED) } else { account };
        self.standins.issuer().token(&account)
    }

    /// A request to a path below the base (`/sessions`), or to a whole path when it begins with `//`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = match path.strip_prefix("//") {
            Some(path) => format!("/{path}"),
            None => format!("/api/v1/virtual-care{path}"),
        };
        let request = self.http.request(method, format!("{}{path}", self.root));
        // Uploads speak tus; what does not is tried on purpose.
        if path.contains("/async-visits/uploads") { request.header("Tus-Resumable", "1.0.0") } else { request }
    }

    /// What another process shows of itself at this address.
    pub async fn metrics_at(&self, address: SocketAddr) -> String {
        let shown = self.http.get(format!("http://{address}/metrics")).send().await.unwrap();
        shown.error_for_status().unwrap().text().await.unwrap()
    }

    /// Sends it. Whatever a test is about: an answer that the OpenAPI document does not tell of fails it.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let answer = Answer::read(client.execute(request).await.unwrap()).await;
        must_be_described(&method, &path, &answer);
        answer.must_carry_its_version();
        answer
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(token);
        self.send(request.header("Content-Type", "application/json").body(body.to_string())).await
    }

    /// The same under an `Idempotency-Key`.
    pub async fn post_once(&self, token: &str, path: &str, body: &Value, key: &str) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(token).header("Idempotency-Key", key);
        self.send(request.header("Content-Type", "application/json").body(body.to_string())).await
    }

    /// What a good request to create a visit says: each one for an appointment of its own, from `appt-1`.
    pub fn wish(&self) -> Value {
        let appointment = format!("appt-{}", self.appointments.fetch_add(1, Ordering::Relaxed) + 1);
        json!({"patientId": CONSENTED, "appointmentId": appointment, "scheduledStart": self.minutes_ahead(30)})
    }

    /// From here on no visit is for an appointment, and the next wish is for `appt-1` again.
    pub async fn free_appointments(&self) {
        self.database.execute("UPDATE virtual_session SET appointment_id = NULL", &[]).await.unwrap();
        self.appointments.store(0, Ordering::Relaxed);
    }

    /// A scheduled visit of [`CONSENTED`] with `clinician-1`.
    pub async fn visit(&self) -> Visit {
        let created = self.post(&self.token("clinician"), "/sessions", &self.wish()).await.expect(201);
        Visit::of(&created.body)
    }

    /// The patient's join token, newly issued.
    pub async fn join_token(&self, visit: &Visit) -> String {
        let path = format!("/sessions/{}/participants/{}/join-token", visit.id, visit.patient);
        self.post(&self.token("clinician"), &path, &json!({})).await.expect(201).text("joinToken")
    }

    /// Comes by link, as the story has it.
    pub async fn join(&self, token: &str) -> Answer {
        // Tokens are of characters that need no encoding.
        self.send(self.request(Method::GET, &format!("/sessions/join?token={token}"))).await
    }

    /// A visit whose patient waits, and the patient's join token.
    pub async fn waiting_visit(&self) -> (Visit, String) {
        let visit = self.visit().await;
        let token = self.join_token(&visit).await;
        self.join(&token).await.expect(200);
        (visit, token)
    }

    /// A visit that is to begin now and to which nobody has come, and the patient's join token.
    pub async fn missed_visit(&self) -> (Visit, String) {
        let mut request = self.wish();
        request["scheduledStart"] = json!(self.minutes_ahead(0));
        let created = self.post(&self.token("clinician"), "/sessions", &request).await.expect(201);
        let visit = Visit::of(&created.body);
        let token = self.join_token(&visit).await;
        (visit, token)
    }

    /// A visit whose patient was admitted, and the patient's join token.
    pub async fn active_visit(&self) -> (Visit, String) {
        let (visit, token) = self.waiting_visit().await;
        self.admit(&visit).await.expect(200);
        (visit, token)
    }

    pub async fn admit(&self, visit: &Visit) -> Answer {
        let path = format!("/sessions/{}/admit/{}", visit.id, visit.patient);
        self.post(&self.token("clinician"), &path, &json!({})).await
    }

    pub async fn end(&self, visit: &Visit) -> Answer {
        self.post(&self.token("clinician"), &format!("/sessions/{}/end", visit.id), &json!({})).await
    }

    /// The visit as it is now.
    pub async fn read(&self, visit: &Visit) -> Value {
        self.get(&self.token("clinician"), &format!("/sessions/{}", visit.id)).await.expect(200).body
    }

    /// Every event so far, oldest first, but for the audit entries that say who looked or was refused, and on which consents.
    pub async fn events(&self) -> Vec<Value> {
        let looking = |event: &Value| {
            let entry = event["data"]["eventType"].as_str();
            matches!(entry, Some("RECORD_READ" | "ACCESS_DENIED" | "CONSENT_RELIED_ON" | "AI_TRANSCRIPTION"))
        };
        self.all_events().await.into_iter().filter(|event| !looking(event)).collect()
    }

    /// Every event so far, oldest first.
    pub async fn all_events(&self) -> Vec<Value> {
        let rows = self.database.rows("SELECT body FROM outbox ORDER BY position", &[]).await.unwrap();
        rows.iter().map(|row| serde_json::from_slice(row.get::<_, &[u8]>(0)).unwrap()).collect()
    }

    /// Every event of that type so far.
    pub async fn events_of(&self, kind: &str) -> Vec<Value> {
        self.events().await.into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// How many rows a table has, over all tenants.
    pub async fn count(&self, table: &str) -> i64 {
        let row = self.database.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
        row.get(0)
    }
}

/// What transactions of a tenant run under, for what is not done over HTTP.
pub fn scope(tenant: &str) -> Scope {
    Scope {
        tenant_id: TenantId::parse(tenant).unwrap(),
        actor: ActorRef::System("test"),
        trace: TraceContext::begin(&SystemIds::default()),
    }
}

/// A visit that a test made.
#[derive(Debug, Clone)]
pub struct Visit {
    pub id: String,
    pub patient: String,
    pub provider: String,
}

impl Visit {
    pub fn of(session: &Value) -> Self {
        let participant = |role: &str| {
            let all = session["participants"].as_array().unwrap();
            let found = all.iter().find(|participant| participant["role"] == role);
            found.map_or_else(String::new, |found| found["id"].as_str().unwrap().to_owned())
        };
        Self {
            id: session["id"].as_str().unwrap().to_owned(),
            patient: participant("patient"),
            provider: participant("provider"),
        }
    }

    /// A path below the visit's: `/end`.
    pub fn path(&self, rest: &str) -> String {
        format!("/sessions/{}{rest}", self.id)
    }
}

impl Drop for TestApp {
    /// Whatever a test is about: no event of it may break its contract.
    fn drop(&mut self) {
        self.shutdown.cancel();
        let _ = std::fs::remove_dir_all(folder().join(format!("{}.attachments", self.database.name())));
        for kind in ["pem", "toml"] {
            let _ = std::fs::remove_file(folder().join(format!("{}.{kind}", self.database.name())));
        }
        if std::thread::panicking() {
            return;
        }
        the_outbox_must_keep_its_contracts(&self.database.admin_url());
    }
}
