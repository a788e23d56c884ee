//! Access tokens of the tenants' server-to-server apps, kept until shortly before they expire.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use vcare_app::TraceContext;
use vcare_app::ports::{Clock, Secret, SecretName, TenantSecrets, VideoError};
use vcare_domain::{TenantId, ZoomSettings};
use zeroize::Zeroizing;

use super::{NEIGHBOUR, ZoomConfig, malformed, quota};
use crate::client::{Call, HttpClient};

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::seconds(60);

/// A token and the account it is of.
#[derive(Clone)]
pub(super) struct Token {
    pub secret: Secret,
    account_id: String,
    expires_at: OffsetDateTime,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: i64,
}

/// The tokens of all tenants. A tenant's token is asked for once, however many wait for it.
pub(super) struct Tokens {
    client: HttpClient,
    config: ZoomConfig,
    secrets: Arc<dyn TenantSecrets>,
    clock: Arc<dyn Clock>,
    kept: RwLock<HashMap<TenantId, Arc<Token>>>,
    asking: Mutex<()>,
}

impl Tokens {
    pub(super) fn new(
        client: HttpClient,
        config: ZoomConfig,
        secrets: Arc<dyn TenantSecrets>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { client, config, secrets, clock, kept: RwLock::default(), asking: Mutex::default() }
    }

    /// A token that is good for a while.
    pub(super) async fn get(
        &self,
        tenant: &TenantId,
        zoom: &ZoomSettings,
        trace: &TraceContext,
    ) -> Result<Arc<Token>, VideoError> {
        if let Some(token) = self.kept(tenant, zoom) {
            return Ok(token);
        }
        // Few tenants are at Zoom, and each asks once an hour: one at a time is enough.
        let _turn = self.asking.lock().await;
        if let Some(token) = self.kept(tenant, zoom) {
            return Ok(token);
        }
        let token = Arc::new(self.ask(tenant, zoom, trace).await?);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.insert(tenant.clone(), Arc::clone(&token));
        Ok(token)
    }

    fn kept(&self, tenant: &TenantId, zoom: &ZoomSettings) -> Option<Arc<Token>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let token = kept.get(tenant)?;
        let good = token.account_id == zoom.account_id && self.clock.now() < token.expires_at - MARGIN;
        good.then(|| Arc::clone(token))
    }

    /// Forgets a token that Zoom did not take, unless it was replaced meanwhile.
    pub(super) fn forget(&self, tenant: &TenantId, token: &Arc<Token>) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.get(tenant).is_some_and(|current| Arc::ptr_eq(current, token)) {
            kept.remove(tenant);
        }
    }

    /// Forgets the tenant's token, whichever it is.
    pub(super) fn forget_all(&self, tenant: &TenantId) {
        self.kept.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    /// `POST {oauth}/token?grant_type=account_credentials&account_id=…` with the app's key and secret.
    async fn ask(&self, tenant: &TenantId, zoom: &ZoomSettings, trace: &TraceContext) -> Result<Token, VideoError> {
        let key = self.secrets.brought(tenant, SecretName::ZoomApiKey).await?;
        let secret = self.secrets.brought(tenant, SecretName::ZoomApiSecret).await?;
        let (Some(key), Some(secret)) = (key, secret) else { return Err(VideoError::NotConfigured) };
        let mut url = self.config.oauth_base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("token");
        }
        url.query_pairs_mut()
            .append_pair("grant_type", "account_credentials")
            .append_pair("account_id", &zoom.account_id);
        let pair = Zeroizing::new([key.expose(), b":", secret.expose()].concat());
        let basic = Zeroizing::new(format!("Basic {}", Zeroizing::new(STANDARD.encode(&*pair)).as_str()));
        let mut basic = HeaderValue::from_str(&basic).map_err(|_| malformed())?;
        basic.set_sensitive(true);
        let mut call = Call::new(NEIGHBOUR, Method::POST, url, self.config.deadline);
        call.headers.insert(AUTHORIZATION, basic);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        call.trace = Some(trace);
        let asked_at = self.clock.now();
        let granted: Granted = self
            .client
            .exchange(call, |answer| match answer.status {
                StatusCode::OK => answer.json(),
                _ => Err(answer.refusal()),
            })
            .await
            .map_err(quota)?;
        if granted.access_token.is_empty() || !(1..=86_400).contains(&granted.expires_in) {
            return Err(malformed());
        }
        Ok(Token {
            secret: Secret::new(granted.access_token),
            account_id: zoom.account_id.clone(),
            expires_at: asked_at + Duration::seconds(granted.expires_in),
        })
    }
}
