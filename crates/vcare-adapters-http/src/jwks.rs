//! The keys that the identity provider signs access tokens with.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::{ACCEPT, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use url::Url;
use vcare_app::ports::{NeighbourError, NeighbourFault};
use vcare_jose::rs256::KeySet;

use crate::client::{Answer, Call, HttpClient};

const NEIGHBOUR: &str = "identity_provider";

/// Where the keys are.
#[derive(Debug, Clone)]
pub enum JwksLocation {
    /// Named by `{issuer}/.well-known/openid-configuration`.
    Discovery,
    /// Here.
    Url(Url),
}

/// Whose keys, and how they are kept.
#[derive(Debug, Clone)]
pub struct JwksConfig {
    /// The issuer, exactly as it stands in its tokens.
    pub issuer: String,
    /// Where its keys are.
    pub location: JwksLocation,
    /// How long one request may take. Default 3 s.
    pub deadline: Duration,
    /// How long keys are taken as current. Default 10 min.
    pub ttl: Duration,
    /// The least time between two fetches that an unknown key id or a failure asks for. Default 30 s: anybody can send
    /// unknown key ids.
    pub refetch_interval: Duration,
}

impl JwksConfig {
    /// The defaults, for that issuer.
    #[must_use]
    pub fn new(issuer: impl Into<String>, location: JwksLocation) -> Self {
        Self {
            issuer: issuer.into(),
            location,
            deadline: Duration::seconds(3),
            ttl: Duration::minutes(10),
            refetch_interval: Duration::seconds(30),
        }
    }
}

/// An issuer's keys: fetched when they are first needed, kept, and fetched again when they are old or a token names one
/// that is new. Keys that were once good are used for as long as nothing newer can be had.
pub struct JwksSource {
    client: HttpClient,
    config: JwksConfig,
    keys: RwLock<Option<Fetched>>,
    /// Held by who fetches; the others wait for them, or go on with what there is.
    flight: Mutex<Attempts>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<KeySet>,
    at: OffsetDateTime,
}

#[derive(Default)]
struct Attempts {
    last: Option<(OffsetDateTime, Result<(), NeighbourError>)>,
}

/// While there is no key at all nobody can sign in: then it is tried more often.
const FIRST_KEYS_INTERVAL: Duration = Duration::seconds(1);

impl JwksSource {
    /// The keys of that issuer. Fetches nothing yet: the service starts without its identity provider.
    #[must_use]
    pub fn new(client: HttpClient, config: JwksConfig) -> Self {
        Self { client, config, keys: RwLock::new(None), flight: Mutex::default() }
    }

    /// The issuer, exactly as it stands in its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// The current keys.
    ///
    /// # Errors
    /// [`NeighbourError`] when there are none yet and none can be had.
    pub async fn key_set(&self) -> Result<Arc<KeySet>, NeighbourError> {
        match self.kept() {
            Some(kept) if self.now() - kept.at < self.config.ttl => Ok(kept.keys),
            // Somebody else is at it: old keys now are better than new ones later.
            Some(kept) => match self.flight.try_lock() {
                Ok(mut attempts) => self.refresh(&mut attempts, Some(&kept)).await,
                Err(_) => Ok(kept.keys),
            },
            None => {
                let mut attempts = self.flight.lock().await;
                self.refresh(&mut attempts, None).await
            }
        }
    }

    /// The current keys, looked for anew when `kid` is not among them: at most once in
    /// [`refetch_interval`](JwksConfig::refetch_interval), by one caller for all. The answer may still lack it.
    ///
    /// # Errors
    /// [`NeighbourError`] when there are no keys yet and none can be had.
    pub async fn key_set_with(&self, kid: &str) -> Result<Arc<KeySet>, NeighbourError> {
        let keys = self.key_set().await?;
        if keys.contains(kid) {
            return Ok(keys);
        }
        let mut attempts = self.flight.lock().await;
        let kept = self.kept();
        match &kept {
            Some(newer) if newer.keys.contains(kid) => Ok(Arc::clone(&newer.keys)),
            _ => self.refresh(&mut attempts, kept.as_ref()).await,
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.client.clock().now()
    }

    fn kept(&self) -> Option<Fetched> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches, unless that was tried a moment ago: then the answer is what came of it.
    async fn refresh(&self, attempts: &mut Attempts, seen: Option<&Fetched>) -> Result<Arc<KeySet>, NeighbourError> {
        // Who waited for the lock may find the work done.
        let kept = self.kept();
        if let Some(kept) = &kept
            && seen.is_none_or(|seen| seen.at < kept.at)
        {
            return Ok(Arc::clone(&kept.keys));
        }
        let interval = if kept.is_some() { self.config.refetch_interval } else { FIRST_KEYS_INTERVAL };
        let recent = attempts.last.as_ref().filter(|(at, _)| self.now() - *at < interval);
        let outcome = match recent {
            Some((_, outcome)) => *outcome,
            None => {
                let fetched = self.fetch().await;
                let at = self.now();
                let outcome = fetched.map(|keys| {
                    let keys = Fetched { keys: Arc::new(keys), at };
                    *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
                });
                attempts.last = Some((at, outcome));
                outcome
            }
        };
        match (self.kept(), outcome) {
            (Some(kept), _) => Ok(kept.keys),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(error(NeighbourFault::Malformed)),
        }
    }

    async fn fetch(&self) -> Result<KeySet, NeighbourError> {
        let url = match &self.config.location {
            JwksLocation::Url(url) => url.clone(),
            JwksLocation::Discovery => self.discover().await?,
        };
        let read = |answer: &Answer| {
            if answer.status != StatusCode::OK {
                return Err(answer.refusal());
            }
            let keys = KeySet::from_json(answer.bytes()?).map_err(|_| NeighbourFault::Malformed)?;
            // A provider without a signing key cannot have issued the token at hand: something else answered.
            if keys.is_empty() { Err(NeighbourFault::Malformed) } else { Ok(keys) }
        };
        self.client.exchange(self.get(url), read).await
    }

    /// Where the issuer's own document says that its keys are. The document must be this issuer's, and keys that came by
    /// https are not fetched without it.
    async fn discover(&self) -> Result<Url, NeighbourError> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }
        let document = format!("{}/.well-known/openid-configuration", self.config.issuer.trim_end_matches('/'));
        let document = Url::parse(&document).map_err(|_| error(NeighbourFault::Malformed))?;
        let secure = document.scheme() == "https";
        let read = |answer: &Answer| {
            if answer.status != StatusCode::OK {
                return Err(answer.refusal());
            }
            let Document { issuer, jwks_uri } = answer.json()?;
            let url = Url::parse(&jwks_uri).map_err(|_| NeighbourFault::Malformed)?;
            let trusted = url.scheme() == "https" || (url.scheme() == "http" && !secure);
            if issuer == self.config.issuer && trusted { Ok(url) } else { Err(NeighbourFault::Malformed) }
        };
        self.client.exchange(self.get(document), read).await
    }

    fn get(&self, url: Url) -> Call<'static> {
        let mut call = Call::new(NEIGHBOUR, Method::GET, url, self.config.deadline);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        call
    }
}

const fn error(fault: NeighbourFault) -> NeighbourError {
    NeighbourError { neighbour: NEIGHBOUR, fault, retry_after: None }
}

impl fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksSource").field("config", &self.config).finish_non_exhaustive()
    }
}
