//! Access tokens of the platform's OpenID provider: RS256, checked by its published keys.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use vcare_app::Role;
use vcare_app::ports::{AccessTokenFault, AccessTokens, Clock, SignedIn};
use vcare_domain::{DisplayName, NodeId, PatientId, TenantId, UserId};
use vcare_jose::{Fault, check_times, rs256};

use crate::jwks::JwksSource;

/// What a token must say to let somebody in.
#[derive(Debug, Clone)]
pub struct AccessTokenConfig {
    /// Our name among the token's audiences.
    pub audience: String,
    /// The claims that may name the tenant, the first that is there counts. Default `tenantId`, `tenant_id`, `tid`.
    pub tenant_claims: Vec<String>,
    /// Where roles stand, as dotted paths to lists; all are read. Default `realm_access.roles`, `roles`.
    pub role_claims: Vec<String>,
    /// How far the issuer's clock may differ from ours, in seconds. Default 30.
    pub leeway_seconds: u32,
}

impl AccessTokenConfig {
    /// The defaults, for that audience.
    #[must_use]
    pub fn new(audience: impl Into<String>) -> Self {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Self {
            audience: audience.into(),
            tenant_claims: texts(&["tenantId", "tenant_id", "tid"]),
            role_claims: texts(&["realm_access.roles", "roles"]),
            leeway_seconds: 30,
        }
    }
}

/// Checks access tokens with the provider's keys.
#[derive(Debug)]
pub struct OidcAccessTokens {
    keys: JwksSource,
    config: AccessTokenConfig,
    clock: ClockRef,
}

struct ClockRef(Arc<dyn Clock>);

impl std::fmt::Debug for ClockRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl OidcAccessTokens {
    /// Tokens of the issuer whose keys those are.
    #[must_use]
    pub fn new(keys: JwksSource, config: AccessTokenConfig, clock: Arc<dyn Clock>) -> Self {
        Self { keys, config, clock: ClockRef(clock) }
    }

    async fn claims(&self, token: &str) -> Result<Map<String, Value>, AccessTokenFault> {
        let keys = self.keys.key_set().await.map_err(AccessTokenFault::Unavailable)?;
        match rs256::verify(token, &keys) {
            Err(Fault::UnknownKey { kid }) => {
                let keys = self.keys.key_set_with(&kid).await.map_err(AccessTokenFault::Unavailable)?;
                rs256::verify(token, &keys).map_err(refused)
            }
            verified => verified.map_err(refused),
        }
    }
}

/// What the caller is told of a token that does not pass: a fixed word each.
fn refused(fault: Fault) -> AccessTokenFault {
    match fault {
        Fault::Expired => AccessTokenFault::Expired,
        Fault::Malformed => AccessTokenFault::Invalid("malformed"),
        Fault::WrongType => AccessTokenFault::Invalid("type"),
        Fault::WrongAlgorithm => AccessTokenFault::Invalid("algorithm"),
        Fault::UnknownKey { .. } => AccessTokenFault::Invalid("unknown key"),
        Fault::BadSignature | Fault::WeakKey => AccessTokenFault::Invalid("signature"),
        Fault::NotYetValid => AccessTokenFault::Invalid("not valid yet"),
    }
}

#[async_trait]
impl AccessTokens for OidcAccessTokens {
    async fn verify(&self, token: &str) -> Result<SignedIn, AccessTokenFault> {
        let claims = self.claims(token).await?;
        let number = |name: &str| claims.get(name).and_then(whole_seconds);
        let text = |name: &str| claims.get(name).and_then(Value::as_str);

        if text("iss") != Some(self.keys.issuer()) {
            return Err(AccessTokenFault::Invalid("issuer"));
        }
        if !names(claims.get("aud"), &self.config.audience) {
            return Err(AccessTokenFault::Invalid("audience"));
        }
        // Keycloak's ID and refresh tokens are signed with the same key, and say here what they are.
        if claims.get("typ").is_some_and(|typ| typ != "Bearer") {
            return Err(AccessTokenFault::Invalid("type"));
        }
        let exp = number("exp").ok_or(AccessTokenFault::Invalid("exp"))?;
        let nbf = match claims.get("nbf") {
            None => None,
            Some(value) => Some(whole_seconds(value).ok_or(AccessTokenFault::Invalid("nbf"))?),
        };
        let now = self.clock.0.now().unix_timestamp();
        check_times(exp, nbf, now, self.config.leeway_seconds).map_err(refused)?;

        let tenant = self.config.tenant_claims.iter().find_map(|name| claims.get(name.as_str()));
        // One text only: a token for several tenants is a token for none.
        let tenant = tenant.and_then(Value::as_str).and_then(|tenant| TenantId::parse(tenant).ok());
        let user = text("sub").and_then(|user| UserId::parse(user).ok());
        Ok(SignedIn {
            tenant_id: tenant.ok_or(AccessTokenFault::Invalid("tenant"))?,
            user_id: user.ok_or(AccessTokenFault::Invalid("sub"))?,
            roles: self.config.role_claims.iter().flat_map(|path| roles(&claims, path)).collect(),
            node_id: text("context_node_id").or_else(|| text("node_id")).and_then(|node| NodeId::parse(node).ok()),
            patient_id: text("patient_id")
                .or_else(|| text("patientId"))
                .and_then(|patient| PatientId::parse(patient).ok()),
            // A name that cannot be shown keeps nobody out.
            name: text("name").and_then(|name| DisplayName::parse(name).ok()),
        })
    }
}

/// Some providers write times with a fraction.
fn whole_seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let seconds = value.as_f64()?.floor();
        // Beyond this range a float is no exact number of seconds, and no time anybody means.
        (seconds.abs() < 9e15).then_some(seconds as i64)
    })
}

fn names(audience: Option<&Value>, wanted: &str) -> bool {
    match audience {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
        _ => false,
    }
}

fn roles(claims: &Map<String, Value>, path: &str) -> Vec<Role> {
    let mut steps = path.split('.');
    let first = steps.next().and_then(|name| claims.get(name));
    let found = steps.fold(first, |value, name| value?.get(name));
    let listed = found.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    listed.iter().filter_map(|role| Role::from_name(role.as_str()?)).collect()
}
