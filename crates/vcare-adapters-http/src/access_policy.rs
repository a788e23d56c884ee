//! A person's relation to a patient: access-policy.

use async_trait::async_trait;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use vcare_app::TraceContext;
use vcare_app::ports::{AccessPolicy, AskedRelation, NeighbourError, NeighbourFault, RelationAnswer, RelationQuestion};
use vcare_domain::{RelatedPersonId, TenantId};

use crate::client::{Answer, HttpClient};
use crate::neighbour::{Neighbour, NeighbourConfig};

/// The reason without which nobody acts for a patient.
const PROXY: &str = "proxy";

/// Asks access-policy: `POST {base}/internal/access/evaluate` with `{tenantId, subject, action, resource}`.
#[derive(Debug, Clone)]
pub struct HttpAccessPolicy {
    neighbour: Neighbour,
}

impl HttpAccessPolicy {
    /// Answers from there.
    #[must_use]
    pub const fn new(client: HttpClient, config: NeighbourConfig) -> Self {
        Self { neighbour: Neighbour::new("access", client, config) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Evaluation {
    decision: Decision,
    reasons: Vec<String>,
    tenant_id: Option<String>,
    related_person_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Allow,
    Deny,
}

const fn action(relation: AskedRelation) -> &'static str {
    match relation {
        AskedRelation::Assigned => "virtual_care:patient:assigned",
        AskedRelation::Proxy => "virtual_care:patient:proxy",
    }
}

#[async_trait]
impl AccessPolicy for HttpAccessPolicy {
    async fn evaluate(
        &self,
        tenant: &TenantId,
        question: &RelationQuestion<'_>,
        trace: &TraceContext,
    ) -> Result<RelationAnswer, NeighbourError> {
        let body = json!({
            "tenantId": tenant.as_str(),
            "subject": {"type": "User", "id": question.user.as_str()},
            "action": action(question.relation),
            "resource": {"type": "Patient", "id": question.patient.as_str()},
        });
        let url = self.neighbour.url(["internal", "access", "evaluate"]);
        let call = self.neighbour.post_json(url, &body, trace);
        self.neighbour.client.exchange(call, |answer| read(answer, tenant, question.relation)).await
    }
}

/// Only a good answer that names no other tenant counts, and an act for somebody only with what makes it one.
fn read(answer: &Answer, tenant: &TenantId, relation: AskedRelation) -> Result<RelationAnswer, NeighbourFault> {
    if answer.status != StatusCode::OK {
        return Err(answer.refusal());
    }
    let Evaluation { decision, reasons, tenant_id, related_person_id } = answer.json()?;
    if tenant_id.is_some_and(|named| named != tenant.as_str()) {
        return Err(NeighbourFault::Malformed);
    }
    match (decision, relation) {
        (Decision::Deny, _) => Ok(RelationAnswer::Denied),
        (Decision::Allow, AskedRelation::Assigned) => Ok(RelationAnswer::Assigned),
        (Decision::Allow, AskedRelation::Proxy) => {
            let named = related_person_id.filter(|_| reasons.iter().any(|reason| reason == PROXY));
            let named = named.ok_or(NeighbourFault::Malformed)?;
            let related_person = RelatedPersonId::parse(named).map_err(|_| NeighbourFault::Malformed)?;
            Ok(RelationAnswer::Proxy { related_person })
        }
    }
}
