//! Consents: access-policy.

use async_trait::async_trait;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vcare_app::ports::{ConsentCheck, ConsentDecision, ConsentSubject, NeighbourError, NeighbourFault};
use vcare_app::{ConsentRecord, Gate, TraceContext};
use vcare_domain::{ConsentId, ConsentVersion, TenantId};

use crate::client::{Answer, HttpClient};
use crate::neighbour::{Neighbour, NeighbourConfig};

/// Asks access-policy: `POST {base}/internal/access/consents/evaluate` with `{tenantId, patientId, gates[]}`, and
/// `userId` in the place of `patientId` for who cares. Each decision may name the consent: `consentId`, `version` (text or number)
/// and `givenAt` (RFC 3339), which are kept as evidence.
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
#[serde(rename_all = "camelCase")]
struct Decision {
    gate: String,
    granted: bool,
    /// This and the following fields are evidence only: an invalid value is ignored, and the decision still counts.
    #[serde(default)]
    consent_id: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    given_at: Value,
}

impl Decision {
    fn record(&self) -> ConsentRecord {
        let version = self.version.as_u64().map(|number| number.to_string());
        ConsentRecord {
            id: self.consent_id.as_str().and_then(|id| ConsentId::parse(id).ok()),
            version: version
                .or_else(|| self.version.as_str().map(str::to_owned))
                .and_then(|version| ConsentVersion::parse(version).ok()),
            given_at: self.given_at.as_str().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok()),
        }
    }
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
            (Some(decision), None) => {
                let record = decision.record();
                Ok(ConsentDecision { gate: *gate, granted: decision.granted, record })
            }
            _ => Err(NeighbourFault::Malformed),
        }
    };
    gates.iter().map(decide).collect()
}
