//! A neighbour service of the platform: where it is and how it is called.

use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use time::Duration;
use url::Url;
use vcare_app::TraceContext;
use vcare_app::ports::{AudioUpload, Secret};
use vcare_domain::TenantId;

use crate::client::{Call, HttpClient};

const X_TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says for which tenant a call is.
pub(crate) fn for_tenant(call: &mut Call<'_>, tenant: &TenantId) {
    if let Ok(tenant) = HeaderValue::from_str(tenant.as_str()) {
        call.headers.insert(X_TENANT_ID, tenant);
    }
}

/// Names a call, so that the neighbour does it once.
pub(crate) fn once(call: &mut Call<'_>, key: &str) {
    if let Ok(key) = HeaderValue::from_str(key) {
        call.headers.insert(IDEMPOTENCY_KEY, key);
    }
}

/// A base address that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an absolute http or https address without user, password, query or fragment")]
pub struct InvalidBaseUrl;

/// Where a neighbour is, how long it is waited for, and who we are to it. Printing it shows no secret.
#[derive(Debug, Clone)]
pub struct NeighbourConfig {
    base_url: Url,
    deadline: Duration,
    bearer: Option<Secret>,
}

impl NeighbourConfig {
    /// A neighbour at `base_url` (its paths are appended), waited for `deadline` a call, with a bearer token if it wants
    /// one.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`].
    pub fn new(base_url: &str, deadline: Duration, bearer: Option<Secret>) -> Result<Self, InvalidBaseUrl> {
        let base_url = Url::parse(base_url).map_err(|_| InvalidBaseUrl)?;
        let plain = matches!(base_url.scheme(), "http" | "https")
            && base_url.username().is_empty()
            && base_url.password().is_none()
            && base_url.query().is_none()
            && base_url.fragment().is_none();
        if plain { Ok(Self { base_url, deadline, bearer }) } else { Err(InvalidBaseUrl) }
    }

    /// The longest a single call may take.
    #[must_use]
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }
}

/// A neighbour that can be called.
#[derive(Debug, Clone)]
pub(crate) struct Neighbour {
    name: &'static str,
    pub client: HttpClient,
    config: NeighbourConfig,
}

impl Neighbour {
    pub const fn new(name: &'static str, client: HttpClient, config: NeighbourConfig) -> Self {
        Self { name, client, config }
    }

    /// The base address with a path below it.
    pub fn url<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.config.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    pub fn get<'a>(&'a self, url: Url, trace: &'a TraceContext) -> Call<'a> {
        self.call(Method::GET, url, trace)
    }

    pub fn post_json<'a>(&'a self, url: Url, body: &serde_json::Value, trace: &'a TraceContext) -> Call<'a> {
        let mut call = self.call(Method::POST, url, trace);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        call.body = Some(body.to_string().into_bytes());
        call
    }

    /// A call that sends audio as it comes.
    pub fn post_audio<'a>(&'a self, url: Url, audio: AudioUpload, trace: &'a TraceContext) -> Call<'a> {
        let mut call = self.call(Method::POST, url, trace);
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static(audio.kind.media_type()));
        call.upload = Some(audio.body);
        call
    }

    fn call<'a>(&'a self, method: Method, url: Url, trace: &'a TraceContext) -> Call<'a> {
        let mut call = self.own(method, url);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        call.trace = Some(trace);
        call
    }

    /// A call that no request caused.
    pub fn own(&self, method: Method, url: Url) -> Call<'_> {
        let mut call = Call::new(self.name, method, url, self.config.deadline);
        call.bearer = self.config.bearer.as_ref();
        call
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_base_addresses() {
        for good in ["http://licences:3000", "https://gateway.example/fhir/R4/"] {
            assert!(NeighbourConfig::new(good, Duration::SECOND, None).is_ok(), "{good}");
        }
        for bad in ["", "licences:3000", "/fhir", "ftp://a", "http://u:p@a", "http://a?x=1", "http://a#x", "http://"] {
            assert!(NeighbourConfig::new(bad, Duration::SECOND, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn printing_a_configuration_shows_no_secret() {
        let bearer = Some(Secret::new(*b"very-secret"));
        let shown = format!("{:?}", NeighbourConfig::new("http://a", Duration::SECOND, bearer).unwrap());
        assert!(!shown.contains("very"), "{shown}");
    }
}
