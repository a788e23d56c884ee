//! Stand-ins for the platform's services and for Jitsi, over real HTTP.
//!
//! One plain listener plays all neighbours of the platform and takes the control calls; one TLS listener plays Jitsi.
//! What they can do and how they are controlled is told by their own page: `GET /`.

mod access;
mod ai;
mod chart;
mod collector;
mod communication;
mod consent;
mod control;
mod exchange;
mod fhir;
mod identity;
pub mod jitsi;
mod journal;
mod licence;
mod mode;
mod office;
mod page;
mod record;
mod replay;
mod server;
mod tls;
pub mod zoom;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value;

pub use ai::{Ai, AiSays};
pub use collector::CollectedSpan;
pub use consent::Consents;
pub use journal::encounters_in;
pub use licence::Licence;
pub use mode::{Behaviour, Mode, Name, UnknownName};
pub use record::RecordedRequest;
pub(crate) use tls::TlsIdentity;

use crate::Subscriber;
use crate::issuer::{Issuer, SigningKey};
use office::Office;
use server::Server;

/// How the stand-ins are run.
#[derive(Debug, Default)]
pub struct StandinsConfig {
    /// The port of the platform's services and of the control. Default: a free one.
    pub port: Option<u16>,
    /// Jitsi's port. Default: a free one.
    pub jitsi_port: Option<u16>,
    /// The issuer's key. Default: a new one.
    pub signing_key: Option<SigningKey>,
    /// The bearer token that the FHIR server wants. Default: it takes everybody.
    pub fhir_bearer: Option<String>,
    /// Where they keep what must outlive a killed process: Encounters, consents, relations, the issuer's key unless one is given,
    /// Jitsi's certificate. Default: nothing is kept.
    pub folder: Option<PathBuf>,
}

/// The neighbours, as long as this value lives.
#[derive(Debug)]
pub struct Standins {
    office: Arc<Office>,
    server: Server,
    ca_pem: String,
}

impl Standins {
    /// Starts them on loopback, on a thread of their own. All of them are up, every tenant is licensed, no patient has
    /// consented, and nobody has a patient in their care or acts for one.
    ///
    /// # Errors
    /// When a port is taken, or the folder holds something else.
    pub async fn start(config: StandinsConfig) -> Result<Self> {
        let folder = config.folder.as_deref();
        if let Some(folder) = folder {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        let key_file = folder.map(|folder| folder.join("issuer.pem"));
        let key = match (config.signing_key, key_file) {
            (Some(key), _) => key,
            // Drawing takes long enough to hold up who shares our thread.
            (None, Some(file)) => tokio::task::spawn_blocking(move || SigningKey::load_or_draw(&file)).await??,
            (None, None) => tokio::task::spawn_blocking(SigningKey::draw).await??,
        };
        let identity = folder.map_or_else(TlsIdentity::draw, TlsIdentity::load_or_draw)?;
        let listeners = server::Listeners::bind(config.port, config.jitsi_port)?;
        let addresses = listeners.addresses()?;
        let issuer = Issuer::of_standins(&addresses.base_url, key);
        let office = Arc::new(Office::open(addresses, issuer, config.fhir_bearer, folder)?);
        let server = Server::start(listeners, identity.server_config()?, Arc::clone(&office)).await?;
        Ok(Self { office, server, ca_pem: identity.ca_pem })
    }

    /// Closes both listeners and all connections. Ports can be had again at once.
    pub async fn stop(self) {
        self.server.stop().await;
    }

    /// Where the platform's services are: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.office.base_url
    }

    /// Where the FHIR server is: what `/Encounter` stands below.
    #[must_use]
    pub fn fhir_url(&self) -> String {
        format!("{}/fhir/R4", self.office.base_url)
    }

    /// Where Jitsi is: `https://localhost:PORT`. Its certificate is also good for 127.0.0.1.
    #[must_use]
    pub fn jitsi_url(&self) -> &str {
        &self.office.jitsi_url
    }

    /// Jitsi: how it is set up, and its rules.
    #[must_use]
    pub fn jitsi(&self) -> &jitsi::Jitsi {
        &self.office.jitsi
    }

    /// Where Prosody's own port is: what `/end-meeting` stands below.
    #[must_use]
    pub fn prosody_url(&self) -> String {
        format!("{}/prosody", self.office.base_url)
    }

    /// Where jicofo's own port is: what `/about/health` stands below.
    #[must_use]
    pub fn jicofo_url(&self) -> String {
        format!("{}/jicofo", self.office.base_url)
    }

    /// Where Zoom is: what `/oauth/token` and `/v2` stand below.
    #[must_use]
    pub fn zoom_url(&self) -> String {
        format!("{}/zoom", self.office.base_url)
    }

    /// Zoom: its account, its meetings, its limits.
    #[must_use]
    pub fn zoom(&self) -> &zoom::Zoom {
        &self.office.zoom
    }

    /// The authority that vouches for Jitsi, as PEM. It was made at the start and can vouch for this machine only.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The OIDC issuer, whose documents are served below `{base_url}/realms/ghasi`.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.office.issuer
    }

    /// Sets how a neighbour behaves.
    pub fn set_mode(&self, name: Name, mode: Mode) {
        self.office.desk(name).set_mode(mode);
    }

    /// How a neighbour behaves.
    #[must_use]
    pub fn mode(&self, name: Name) -> Mode {
        self.office.desk(name).mode()
    }

    /// What a neighbour was asked, oldest first; at most the last thousand.
    #[must_use]
    pub fn requests(&self, name: Name) -> Vec<RecordedRequest> {
        self.office.desk(name).requests()
    }

    /// Forgets what a neighbour was asked.
    pub fn clear_requests(&self, name: Name) {
        self.office.desk(name).clear();
    }

    /// Sets a tenant's licence.
    pub fn set_licence(&self, tenant: &str, licence: Licence) {
        self.office.licences.set(tenant, licence);
    }

    /// Sets what a patient has consented to.
    pub fn set_consent(&self, patient: &str, consents: Consents) {
        self.office.consents.set(patient, consents);
    }

    /// Says whether who cares has consented to being written down by a machine; nobody has at the start.
    pub fn set_provider_consent(&self, user: &str, ai_transcription: bool) {
        self.office.consents.set_provider(user, ai_transcription);
    }

    /// Gives a patient into somebody's care.
    pub fn assign(&self, user: &str, patient: &str) {
        self.office.relations.assign(user, patient);
    }

    /// Takes a patient out of somebody's care.
    pub fn unassign(&self, user: &str, patient: &str) {
        self.office.relations.unassign(user, patient);
    }

    /// Lets somebody act for a patient, as that person of the patient's chart.
    pub fn make_proxy(&self, user: &str, patient: &str, related_person: &str) {
        self.office.relations.make_proxy(user, patient, related_person);
    }

    /// Somebody acts for a patient no more.
    pub fn end_proxy(&self, user: &str, patient: &str) {
        self.office.relations.end_proxy(user, patient);
    }

    /// From here on answers about relations name that tenant; with `None`, the one that was asked about.
    pub fn answer_about(&self, tenant: Option<&str>) {
        self.office.relations.answer_about(tenant);
    }

    /// The AI gateway: what it hears and writes, and what it says instead.
    #[must_use]
    pub fn ai(&self) -> &Ai {
        &self.office.ai
    }

    /// All Encounters, oldest first.
    #[must_use]
    pub fn encounters(&self) -> Vec<Value> {
        self.office.encounters.all()
    }

    /// Puts an Encounter into the FHIR server, whatever is there already, and answers its id: how duplicates come about.
    pub fn put_encounter(&self, encounter: Value) -> String {
        self.office.encounters.put(encounter)
    }

    /// From here on a patient's record at the FHIR server is out of use: their Encounters are refused with 422. `into`: what
    /// the record refers to as the one that took its place, as `Patient/pat-2`; `None`: it refers to none.
    pub fn merge_patient(&self, patient: &str, into: Option<&str>) {
        self.office.encounters.merge(patient, into);
    }

    /// All message threads, oldest first, as they were answered.
    #[must_use]
    pub fn threads(&self) -> Vec<Value> {
        self.office.threads.all()
    }

    /// Lets the communication-service subscribe to our events, and publish what it creates on its stream `COMMUNICATION`. The
    /// subscriber has a mode of its own: it may be up while the interface is down. Wrong, it publishes threads under keys
    /// that are nobody's.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn subscribe_communication(&self, nats_url: &str) -> Result<Subscriber> {
        communication::subscribe(Arc::clone(&self.office), nats_url).await
    }

    /// From here on the communication-service refuses every new thread with that status and code; with `None`, none.
    pub fn refuse_threads(&self, with: Option<(u16, &'static str)>) {
        self.office.threads.refuse(with);
    }

    /// All spans that were collected, in the order in which they came.
    #[must_use]
    pub fn spans(&self) -> Vec<CollectedSpan> {
        self.office.collector.spans()
    }

    /// The same as they were sent, byte for byte.
    #[must_use]
    pub fn collected_bodies(&self) -> Vec<Vec<u8>> {
        self.office.collector.bodies()
    }

    /// All chart notes, oldest first, with what was accepted into them.
    #[must_use]
    pub fn notes(&self) -> Vec<Value> {
        self.office.notes.all()
    }
}
