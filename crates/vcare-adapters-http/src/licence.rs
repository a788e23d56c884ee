//! Licences: identity-service.

use async_trait::async_trait;
use http::StatusCode;
use serde::Deserialize;
use vcare_app::TraceContext;
use vcare_app::ports::{LicenceCheck, LicenceStatus, NeighbourError, NeighbourFault};
use vcare_domain::{NodeId, TenantId};

use crate::client::{Answer, HttpClient};
use crate::neighbour::{Neighbour, NeighbourConfig};

const MODULE: &str = "TELEMED-VC";

/// Asks identity-service: `GET {base}/internal/identity/tenants/{tenantId}/modules/TELEMED-VC[?nodeId=…]`.
#[derive(Debug, Clone)]
pub struct HttpLicenceCheck {
    neighbour: Neighbour,
}

impl HttpLicenceCheck {
    /// Licences from there.
    #[must_use]
    pub const fn new(client: HttpClient, config: NeighbourConfig) -> Self {
        Self { neighbour: Neighbour::new("licence", client, config) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Licence {
    module: String,
    tenant_id: String,
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Active,
    Suspended,
    Expired,
}

#[async_trait]
impl LicenceCheck for HttpLicenceCheck {
    async fn check(
        &self,
        tenant: &TenantId,
        node: Option<&NodeId>,
        trace: &TraceContext,
    ) -> Result<LicenceStatus, NeighbourError> {
        let mut url = self.neighbour.url(["internal", "identity", "tenants", tenant.as_str(), "modules", MODULE]);
        if let Some(node) = node {
            url.query_pairs_mut().append_pair("nodeId", node.as_str());
        }
        self.neighbour.client.exchange(self.neighbour.get(url, trace), |answer| read(answer, tenant)).await
    }
}

/// Only a good answer about this very tenant and module opens; 404 says that there is no licence.
fn read(answer: &Answer, tenant: &TenantId) -> Result<LicenceStatus, NeighbourFault> {
    match answer.status {
        StatusCode::OK => {
            let licence: Licence = answer.json()?;
            if licence.module != MODULE || licence.tenant_id != tenant.as_str() {
                return Err(NeighbourFault::Malformed);
            }
            match licence.status {
                Status::Active => Ok(LicenceStatus::Active),
                Status::Suspended | Status::Expired => Ok(LicenceStatus::Inactive),
            }
        }
        StatusCode::NOT_FOUND => Ok(LicenceStatus::Inactive),
        _ => Err(answer.refusal()),
    }
}
