//! Consents: access-policy.

use async_trait::async_trait;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use vcare_app::ports::{ConsentCheck, ConsentDecision, ConsentSubject, NeighbourError, NeighbourFault};
use vcare_app::{Gate, TraceContext};
use vcare_domain::TenantId;

use crate::client::{Answer, HttpClient};
use crate::neighbour::{Neighbour, NeighbourConfig};

/// Asks access-policy: `POST {base}/internal/access/consents/evaluate` with `{tenantId, patientId, gates[]}`, and
/// `userId` in the place of `patientId` for who cares.
#[derive(Debug, Clone)]
pub struct HttpConsentCheck {
    neighbour: Neighbour,
}

impl HttpConsentCheck {
    /// Consents from there.
    #[must_use]
    pub const fn new(client: HttpClient, config: NeighbourConfig) -> Self {
        Self { neighbour: Neighbour::new("consent", client, config) }
    }
}

#[derive(Deserialize)]
struct Evaluation {
    decisions: Vec<Decision>,
}

#[derive(Deserialize)]
struct Decision {
    gate: String,
    granted: bool,
}

#[async_trait]
impl ConsentCheck for HttpConsentCheck {
    async fn check(
        &self,
        tenant: &TenantId,
        subject: ConsentSubject<'_>,
        gates: &[Gate],
        trace: &TraceContext,
    ) -> Result<Vec<ConsentDecision>, NeighbourError> {
        let names: Vec<&str> = gates.iter().map(|gate| gate.as_str()).collect();
        let (whose, id) = match subject {
            ConsentSubject::Patient(patient) => ("patientId", patient.as_str()),
            ConsentSubject::Provider(user) => ("userId", user.as_str()),
        };
        let question = json!({"tenantId": tenant.as_str(), whose: id, "gates": names});
        let url = self.neighbour.url(["internal", "access", "consents", "evaluate"]);
        let call = self.neighbour.post_json(url, &question, trace);
        self.neighbour.client.exchange(call, |answer| read(answer, gates)).await
    }
}

/// Every gate that was asked for must be decided exactly once; two decisions on one gate are none.
fn read(answer: &Answer, gates: &[Gate]) -> Result<Vec<ConsentDecision>, NeighbourFault> {
    if answer.status != StatusCode::OK {
        return Err(answer.refusal());
    }
    let evaluation: Evaluation = answer.json()?;
    let decide = |gate: &Gate| {
        let mut decided = evaluation.decisions.iter().filter(|decision| decision.gate == gate.as_str());
        match (decided.next(), decided.next()) {
            (Some(decision), None) => Ok(ConsentDecision { gate: *gate, granted: decision.granted }),
            _ => Err(NeighbourFault::Malformed),
        }
    };
    gates.iter().map(decide).collect()
}
