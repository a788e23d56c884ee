//! Whether a neighbour answers, found out by a request that changes nothing.

use time::Duration;
use vcare_app::TraceContext;
use vcare_app::ports::NeighbourError;
use vcare_domain::TenantId;

use crate::client::HttpClient;
use crate::neighbour::{Neighbour, NeighbourConfig, for_tenant};

/// The longest that an answer is waited for: a person waits for it.
const PATIENCE: Duration = Duration::seconds(5);

/// Asks a neighbour for something that nobody has, with `GET`. That it does not have it is an answer.
#[derive(Debug, Clone)]
pub struct HttpProbe {
    neighbour: Neighbour,
    path: &'static [&'static str],
    query: &'static [(&'static str, &'static str)],
}

impl HttpProbe {
    /// Asks the FHIR server for the Encounters of an identifier that no visit has: a search, which the service makes, too.
    #[must_use]
    pub const fn fhir(client: HttpClient, config: NeighbourConfig) -> Self {
        let query = &[("identifier", "urn:ghasi:virtual-care:session|vcare-doctor"), ("_count", "1")];
        Self { neighbour: Neighbour::new("fhir", client, config), path: &["Encounter"], query }
    }

    /// Asks the communication-service for a thread.
    #[must_use]
    pub const fn communication(client: HttpClient, config: NeighbourConfig) -> Self {
        let path = &["v1", "communication", "threads", "vcare-doctor"];
        Self { neighbour: Neighbour::new("communication", client, config), path, query: &[] }
    }

    /// Asks the chart for a note.
    #[must_use]
    pub const fn chart(client: HttpClient, config: NeighbourConfig) -> Self {
        let path = &["v1", "clinical-notes", "vcare-doctor"];
        Self { neighbour: Neighbour::new("chart", client, config), path, query: &[] }
    }

    /// Asks the AI gateway for a resource that there is not.
    #[must_use]
    pub const fn ai(client: HttpClient, config: NeighbourConfig) -> Self {
        let path = &["api", "v1", "ai", "vcare-doctor"];
        Self { neighbour: Neighbour::new("ai", client, config), path, query: &[] }
    }

    /// The status that it answers, whatever that is.
    ///
    /// # Errors
    /// [`NeighbourError`] when there is no answer.
    pub async fn ask(&self, tenant: &TenantId, trace: &TraceContext) -> Result<u16, NeighbourError> {
        let mut url = self.neighbour.url(self.path.iter().copied());
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(self.query);
        }
        let mut call = self.neighbour.get(url, trace);
        call.deadline = call.deadline.min(PATIENCE);
        for_tenant(&mut call, tenant);
        self.neighbour.client.exchange(call, |answer| Ok(answer.status.as_u16())).await
    }
}
