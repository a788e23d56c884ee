//! identity-service: which tenants have licensed virtual care.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::exchange::{Answer, Asked};

const MODULE: &str = "TELEMED-VC";

/// A tenant's licence for virtual care.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Licence {
    /// Good. So is that of every tenant of whom nothing was said.
    #[default]
    Active,
    /// Taken away for a while.
    Suspended,
    /// Over.
    Expired,
    /// There never was one.
    None,
}

impl Licence {
    pub(super) const ALL: [Self; 4] = [Self::Active, Self::Suspended, Self::Expired, Self::None];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::None => "none",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct LicenceRegister(Mutex<BTreeMap<String, Licence>>);

impl LicenceRegister {
    pub fn set(&self, tenant: &str, licence: Licence) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.to_owned(), licence);
    }

    pub fn of(&self, tenant: &str) -> Licence {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).copied().unwrap_or_default()
    }

    /// `GET /internal/identity/tenants/{tenant}/modules/TELEMED-VC[?nodeId=…]`.
    pub fn answer(&self, asked: &Asked, segments: &[&str]) -> Answer {
        let ["tenants", tenant, "modules", module] = segments else { return Answer::not_found() };
        if !asked.reads() {
            return Answer::not_allowed("GET");
        }
        let licence = self.of(tenant);
        if *module != MODULE || licence == Licence::None {
            return Answer::json(404, &json!({"error": "NOT_FOUND", "message": "no licence"}));
        }
        let mut body = json!({"module": MODULE, "tenantId": tenant, "status": licence.as_str()});
        if let Some((_, node)) = asked.parameters().into_iter().find(|(name, _)| name == "nodeId") {
            body["nodeId"] = json!(node);
        }
        Answer::json(200, &body)
    }
}
