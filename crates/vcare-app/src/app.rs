//! What every use case has at hand.

use std::sync::Arc;

use time::Duration;
use tokio::sync::Semaphore;
use vcare_domain::{ClientMutationId, TenantId};

use crate::ai::AiSeats;
use crate::breaker::Breaker;
use crate::in_line::InLine;
use crate::ports::{
    AccessPolicy, AiGateway, ChartNotes, Clock, ConsentCheck, DisplayNames, DraftTexts, FhirGateway, Ids, JobQueue,
    JoinTokens, LicenceCheck, ListCursors, MessagingThreads, SecretStore, Store, VideoBackends,
};
use crate::tenants::LogoPorts;
use crate::uploads::AttachmentPorts;
use crate::waiting::Waiting;

/// The services around us.
#[derive(Clone)]
pub struct Neighbours {
    /// Licences.
    pub licence: Arc<dyn LicenceCheck>,
    /// Consents.
    pub consent: Arc<dyn ConsentCheck>,
    /// People's relations to patients.
    pub access: Arc<dyn AccessPolicy>,
    /// Rooms.
    pub video: VideoBackends,
    /// Encounters.
    pub fhir: Arc<dyn FhirGateway>,
    /// Keeps a dead FHIR gateway from being asked by every visit that ends.
    pub fhir_breaker: Arc<Breaker>,
    /// Message threads.
    pub messaging: Arc<dyn MessagingThreads>,
    /// Keeps a dead communication-service from being asked by every visit that falls back.
    pub messaging_breaker: Arc<Breaker>,
    /// What machines need, where the deployment has them.
    pub ai: Option<AiNeighbours>,
}

/// The services around us that machines need.
#[derive(Clone)]
pub struct AiNeighbours {
    /// Transcripts and drafts.
    pub gateway: Arc<dyn AiGateway>,
    /// Keeps a dead gateway from being sent audio.
    pub gateway_breaker: Arc<Breaker>,
    /// Charts.
    pub chart: Arc<dyn ChartNotes>,
    /// Keeps a dead chart from being asked by everybody who accepts.
    pub chart_breaker: Arc<Breaker>,
}

/// What a deployment decides for all its tenants.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long after the planned end a join token still opens. Default 60 min.
    pub join_token_grace: Duration,
    /// How long after the planned end a video token still opens. Default 60 min.
    pub video_token_grace: Duration,
    /// Where people's links lead: `{public_base_url}/visit#<token>`.
    pub public_base_url: String,
    /// How long the end of a visit waits for the FHIR gateway before leaving it to the worker. Default 2 s.
    pub inline_encounter_deadline: Duration,
    /// How long falling back waits for the communication-service before leaving it to the worker. Default 2 s.
    pub inline_thread_deadline: Duration,
    /// How long accepting a summary waits for the chart before leaving it to the worker. Default 2 s.
    pub inline_chart_deadline: Duration,
    /// How long a machine's draft waits for a decision. Default 24 h.
    pub draft_lifetime: Duration,
    /// How many uploads an account may begin in 24 hours. Default 200.
    pub uploads_per_day: u64,
    /// How long a worker holds a job: its deadline for the gateway's answer, and [`crate::jobs::RECORDING`].
    /// Default 60 s.
    pub job_lease: Duration,
    /// How long clinical records must be kept after the last contact. Default ten years.
    pub clinical_retention: Duration,
}

/// The application: all use cases are methods of it, one file each under [`crate::sessions`].
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Durable work.
    pub jobs: Arc<dyn JobQueue>,
    /// The services around us.
    pub neighbours: Neighbours,
    /// Join tokens.
    pub join_tokens: Arc<dyn JoinTokens>,
    /// What attachments need.
    pub attachments: AttachmentPorts,
    /// Seals what tenants bring.
    pub secrets: Arc<dyn SecretStore>,
    /// Seals the names of people in visits.
    pub names: Arc<dyn DisplayNames>,
    /// Leads from one page of a list to the next.
    pub cursors: Arc<dyn ListCursors>,
    /// Copies tenants' logos.
    pub logos: LogoPorts,
    /// Seals machines' drafts.
    pub texts: Arc<dyn DraftTexts>,
    /// How much is asked of machines at once.
    pub ai_seats: AiSeats,
    /// So many calls to the FHIR gateway a worker may make side by side, in all its rounds.
    pub seats: Arc<Semaphore>,
    /// Who waits in this process.
    pub waiting: Waiting,
    /// Those who send the same draft at the same moment.
    pub drafts: InLine<(TenantId, ClientMutationId)>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// The deployment's decisions.
    pub settings: Settings,
}
