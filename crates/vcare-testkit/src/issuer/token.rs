//! What is said in an access token.

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::AUDIENCE;
use crate::machine;

/// Who a token is for and what it says of them.
#[derive(Debug, Clone)]
pub struct TokenSpec {
    /// The account: claim `sub`.
    pub subject: String,
    /// The tenant: claim `tenantId`, left out when there is none.
    pub tenant_id: Option<String>,
    /// The roles: claim `realm_access.roles`.
    pub roles: Vec<String>,
    /// The patient who this is: claim `patient_id`.
    pub patient_id: Option<String>,
    /// The hospital of the tenant: claim `node_id`.
    pub node_id: Option<String>,
    /// Claim `aud`. Default [`AUDIENCE`].
    pub audience: Value,
    /// Claims `iat` and `nbf`. Default: the machine's time when it is signed.
    pub issued_at: Option<OffsetDateTime>,
    /// From then to `exp`. Default one hour.
    pub lifetime: Duration,
    /// More claims; these win over all others, and null takes a claim out.
    pub extra: Map<String, Value>,
}

impl TokenSpec {
    /// An account of a tenant, in those roles.
    #[must_use]
    pub fn new(subject: impl Into<String>, tenant_id: impl Into<String>, roles: &[&str]) -> Self {
        Self {
            subject: subject.into(),
            tenant_id: Some(tenant_id.into()),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            patient_id: None,
            node_id: None,
            audience: json!(AUDIENCE),
            issued_at: None,
            lifetime: Duration::HOUR,
            extra: Map::new(),
        }
    }

    /// The same account, which is a patient's.
    #[must_use]
    pub fn patient(mut self, patient_id: impl Into<String>) -> Self {
        self.patient_id = Some(patient_id.into());
        self
    }

    /// The same account, at a hospital of the tenant.
    #[must_use]
    pub fn node(mut self, node_id: impl Into<String>) -> Self {
        self.node_id = Some(node_id.into());
        self
    }

    /// The same, signed at that time.
    #[must_use]
    pub const fn issued_at(mut self, at: OffsetDateTime) -> Self {
        self.issued_at = Some(at);
        self
    }

    /// The same, good for so long.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The same with one more claim, or another value of one; null takes it out.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: Value) -> Self {
        self.extra.insert(name.into(), value);
        self
    }

    pub(super) fn claims(&self, issuer: &str) -> Value {
        let issued = self.issued_at.unwrap_or_else(machine::now);
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("iss", json!(issuer));
        set("sub", json!(self.subject));
        set("aud", self.audience.clone());
        set("typ", json!("Bearer"));
        set("jti", json!(machine::new_id()));
        set("iat", json!(issued.unix_timestamp()));
        set("nbf", json!(issued.unix_timestamp()));
        set("exp", json!((issued + self.lifetime).unix_timestamp()));
        set("realm_access", json!({"roles": self.roles}));
        set("tenantId", json!(self.tenant_id));
        set("patient_id", json!(self.patient_id));
        set("node_id", json!(self.node_id));
        for (name, value) in &self.extra {
            set(name, value.clone());
        }
        claims.retain(|_, value| !value.is_null());
        Value::Object(claims)
    }
}
