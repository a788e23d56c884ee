//! What is around a service, and where its files are.

use std::path::{Path, PathBuf};

use vcare_app::App;
use vcare_domain::TenantConfigDraft;
use vcare_testkit::{Clamd, Consents, SigningKey, Standins, StandinsConfig, TestDatabase};

use super::ai::WITHOUT_AI;
use super::app::scope;
use super::people::{CONSENTED, INTERNAL_TOKEN, NO_CONSENT, NO_RECORDING_CONSENT, OTHER_TENANT, TENANT};

/// What is around a service.
pub(super) struct Around {
    pub database: TestDatabase,
    pub standins: Standins,
    pub clamd: Clamd,
}

impl Around {
    /// A database and stand-ins, with three patients.
    pub async fn start() -> Self {
        Box::pin(Self::start_on(TestDatabase::create().await.unwrap())).await
    }

    /// The same with that database.
    pub async fn start_on(database: TestDatabase) -> Self {
        // Drawing a key takes a while: all tests share one.
        let signing_key = SigningKey::load_or_draw(&folder().join("issuer.pem")).unwrap();
        let standins = StandinsConfig { signing_key: Some(signing_key), ..StandinsConfig::default() };
        let standins = Standins::start(standins).await.unwrap();
        standins.set_consent(CONSENTED, Consents::ALL);
        standins.set_consent(NO_CONSENT, Consents::NONE);
        standins.set_consent(NO_RECORDING_CONSENT, Consents::TELEHEALTH);
        for clinician in ["clinician-1", "clinician-2"] {
            standins.set_provider_consent(clinician, true);
        }
        // The clinician of most tests has the patient of most tests in their care.
        standins.assign("clinician-1", CONSENTED);
        std::fs::write(folder().join(format!("{}.pem", database.name())), standins.ca_pem()).unwrap();
        let clamd = Clamd::start().await.unwrap();
        Self { database, standins, clamd }
    }

    /// A configuration for it, as TOML, and what is added to it.
    pub fn settings(&self, added: &str) -> String {
        format!(
            r#"
            profile = "development"
            api.listen = "127.0.0.1:0"
            api.threads = 1
            links.public_base_url = "https://care.example"
            {identity}
            licence.base_url = "{base}"
            licence.deadline_ms = 1000
            consent.base_url = "{base}"
            consent.deadline_ms = 1000
            fhir.base_url = "{fhir}"
            fhir.deadline_ms = 2000
            fhir.inline_deadline_ms = 1000
            communication.base_url = "{base}"
            communication.deadline_ms = 2000
            communication.inline_deadline_ms = 1000
            jitsi.allow_private_addresses = true
            jitsi.ca_file = "{folder}/{name}.pem"
            zoom.oauth_base_url = "{zoom}/oauth"
            zoom.api_base_url = "{zoom}/v2"
            zoom.deadline_ms = 1000
            {ai}
            {ai_deadline}
            chart.base_url = "{base}"
            chart.deadline_ms = 2000
            chart.inline_deadline_ms = 1000
            {storage}
            scanner.address = "{clamd}"
            scanner.deadline_ms = 2000
            keyring.file = "{folder}/master.key"
            keyring.create_if_missing = true
            {internal}
            {waiting}
            database.url = "{url}"
            {added}
            "#,
            // TOML takes no key twice.
            internal = match added.contains("internal.") {
                true => String::new(),
                false => format!(
                    "internal.shared_servers = [{{ token = \"{INTERNAL_TOKEN}\", tenants = [\"{TENANT}\", \"{OTHER_TENANT}\"] }}]"
                ),
            },
            // Lines are as they are, and not as they were a moment ago.
            waiting = match added.contains("waiting.") {
                true => "",
                false => "waiting.lines_ms = 0\nwaiting.watch_ms = 50",
            },
            storage = match added.contains("storage.") {
                true => String::new(),
                false => format!("storage.folder = \"{}/{}.attachments\"", folder().display(), self.database.name()),
            },
            ai = match added.contains("ai.base_url") || added.contains(WITHOUT_AI) {
                true => String::new(),
                false => format!("ai.base_url = \"{}\"", self.standins.base_url()),
            },
            ai_deadline = match added.contains("ai.deadline_ms") || added.contains(WITHOUT_AI) {
                true => "",
                false => "ai.deadline_ms = 2000",
            },
            identity = match added.contains("identity.issuer") {
                true => String::new(),
                false => format!("identity.issuer = \"{}\"", self.standins.issuer().url()),
            },
            base = self.standins.base_url(),
            fhir = self.standins.fhir_url(),
            clamd = self.clamd.address(),
            zoom = self.standins.zoom_url(),
            folder = folder().display(),
            name = self.database.name(),
            url = self.database.url(),
        )
    }

    /// Two tenants who can hold visits.
    pub async fn set_up_tenants(&self, app: &App) {
        for (tenant, prefix) in [(TENANT, "kabul"), (OTHER_TENANT, "herat")] {
            let mut draft = TenantConfigDraft::new(self.standins.jitsi_url(), prefix);
            // Tests plan visits for half an hour from now: they are open, and their patients are in line.
            draft.session_grace_minutes_before = 30;
            app.set_tenant_config(&scope(tenant), draft).await.unwrap();
        }
    }
}

/// Where the tests of this crate keep what they share.
pub(super) fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Every file below a folder; none when there is no folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap);
    let paths = entries.map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
