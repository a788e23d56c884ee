//! Access tokens of the tenants' server-to-server apps, kept until shortly before they expire.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded;
use vcare_app::TraceContext;
use vcare_app::ports::{NeighbourError, NeighbourFault, Secret, SecretName, TenantSecrets, VideoError};
use vcare_domain::{TenantId, ZoomSettings};
use zeroize::Zeroizing;

use super::{NEIGHBOUR, ZoomConfig, malformed, quota};
use crate::client::{Answer, Call, HttpClient};

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::seconds(60);

/// A token and the account it is of.
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

/// What is known of one tenant's token.
#[derive(Default)]
struct Slot {
    token: Option<Arc<Token>>,
    /// When it was asked for in vain, and what came of it.
    failed: Option<(Instant, NeighbourError)>,
}

/// The tokens of all tenants. A tenant's token is asked for once, however many wait for it, and who waited is told what came
/// of it: a Zoom that does not answer costs nobody more than one deadline.
pub(super) struct Tokens {
    client: HttpClient,
    config: ZoomConfig,
    secrets: Arc<dyn TenantSecrets>,
    slots: std::sync::Mutex<HashMap<TenantId, Arc<Mutex<Slot>>>>,
}

impl Tokens {
    pub(super) fn new(client: HttpClient, config: ZoomConfig, secrets: Arc<dyn TenantSecrets>) -> Self {
        Self { client, config, secrets, slots: std::sync::Mutex::default() }
    }

    fn slot(&self, tenant: &TenantId) -> Arc<Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(tenant.clone()).or_default())
    }

    /// A token that is good for a while.
    pub(super) async fn get(
        &self,
        tenant: &TenantId,
        zoom: &ZoomSettings,
        trace: &TraceContext,
    ) -> Result<Arc<Token>, VideoError> {
        let came = Instant::now();
        let slot = self.slot(tenant);
        let mut slot = slot.lock().await;
        if let Some(token) = &slot.token
            && token.account_id == zoom.account_id
            && self.client.clock().now() < token.expires_at - MARGIN
        {
            return Ok(Arc::clone(token));
        }
        if let Some((at, error)) = slot.failed
            && at > came
        {
            return Err(quota(error));
        }
        let asked = self.ask(tenant, zoom, trace).await;
        if let Err(VideoError::Unavailable(error)) = &asked {
            slot.failed = Some((Instant::now(), *error));
        }
        let token = Arc::new(asked?);
        slot.token = Some(Arc::clone(&token));
        Ok(token)
    }

    /// Forgets a token that Zoom did not take, unless it was replaced meanwhile.
    pub(super) async fn forget(&self, tenant: &TenantId, token: &Arc<Token>) {
        let slot = self.slot(tenant);
        let mut slot = slot.lock().await;
        if slot.token.as_ref().is_some_and(|current| Arc::ptr_eq(current, token)) {
            slot.token = None;
        }
    }

    /// Forgets the tenant's token, whichever it is.
    pub(super) async fn forget_all(&self, tenant: &TenantId) {
        self.slot(tenant).lock().await.token = None;
    }

    /// `POST {oauth}/token` with the app's key and secret.
    async fn ask(&self, tenant: &TenantId, zoom: &ZoomSettings, trace: &TraceContext) -> Result<Token, VideoError> {
        let key = self.secrets.brought(tenant, SecretName::ZoomApiKey).await?;
        let secret = self.secrets.brought(tenant, SecretName::ZoomApiSecret).await?;
        let (Some(key), Some(secret)) = (key, secret) else { return Err(VideoError::NotConfigured) };
        let mut url = self.config.oauth_base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("token");
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "account_credentials")
            .append_pair("account_id", &zoom.account_id)
            .finish();
        let mut call = Call::new(NEIGHBOUR, Method::POST, url, self.config.deadline);
        call.headers.insert(AUTHORIZATION, basic(&key, &secret)?);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        (call.body, call.trace, call.reads_refusals) = (Some(form.into_bytes()), Some(trace), true);
        let asked_at = self.client.clock().now();
        let granted: Granted = self.client.exchange(call, granted).await.map_err(quota)?;
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

fn basic(key: &Secret, secret: &Secret) -> Result<HeaderValue, VideoError> {
    let pair = Zeroizing::new([key.expose(), b":", secret.expose()].concat());
    let basic = Zeroizing::new(format!("Basic {}", Zeroizing::new(STANDARD.encode(&*pair)).as_str()));
    let mut basic = HeaderValue::from_str(&basic).map_err(|_| malformed())?;
    basic.set_sensitive(true);
    Ok(basic)
}

/// Zoom says 400 to a wrong account and to a wrong key alike; what is wrong stands in the body. A wrong key is told on as
/// 401, which others say to it.
fn granted(answer: &Answer) -> Result<Granted, NeighbourFault> {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    match answer.status {
        StatusCode::OK => answer.json(),
        StatusCode::BAD_REQUEST if answer.json::<Refused>().is_ok_and(|told| told.error == "invalid_client") => {
            Err(NeighbourFault::Status(StatusCode::UNAUTHORIZED.as_u16()))
        }
        _ => Err(answer.refusal()),
    }
}
