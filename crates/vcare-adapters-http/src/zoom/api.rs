//! One call of Zoom's API, under a token of the tenant.

use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use vcare_app::TraceContext;
use vcare_app::ports::{NeighbourFault, VideoError};
use vcare_domain::TenantConfig;

use super::oauth::Token;
use super::{NEIGHBOUR, ZoomVideo, quota};
use crate::client::{Answer, Call};

/// What is asked for.
pub(super) struct Request<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: &'a [(&'a str, &'a str)],
    body: Option<&'a Value>,
    trace: &'a TraceContext,
    body_limit: usize,
}

impl<'a> Request<'a> {
    /// `path` below the API's address, one segment each.
    pub(super) fn new(method: Method, path: &[&'a str], trace: &'a TraceContext) -> Self {
        Self { method, path: path.to_vec(), query: &[], body: None, trace, body_limit: Call::BODY_LIMIT }
    }

    pub(super) fn query(self, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..self }
    }

    pub(super) fn body(self, body: &'a Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// The greatest answer, in bytes.
    pub(super) fn body_limit(self, body_limit: usize) -> Self {
        Self { body_limit, ..self }
    }
}

impl ZoomVideo {
    /// Asks, and asks once more with a new token when Zoom does not take the kept one: tokens are revoked with their app.
    pub(super) async fn call<T>(
        &self,
        config: &TenantConfig,
        request: Request<'_>,
        read: impl Fn(&Answer) -> Result<T, NeighbourFault>,
    ) -> Result<T, VideoError> {
        let zoom = config.zoom().ok_or(VideoError::NotConfigured)?;
        let tenant = config.tenant_id();
        let token = self.tokens.get(tenant, zoom, request.trace).await?;
        match self.client.exchange(self.prepare(&request, &token), &read).await {
            Err(error) if error.fault == NeighbourFault::Status(401) => {
                self.tokens.forget(tenant, &token).await;
                let token = self.tokens.get(tenant, zoom, request.trace).await?;
                self.client.exchange(self.prepare(&request, &token), &read).await.map_err(quota)
            }
            answer => answer.map_err(quota),
        }
    }

    fn prepare<'a>(&self, request: &Request<'a>, token: &'a Token) -> Call<'a> {
        let mut url = self.config.api_base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&request.path);
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(request.query);
        }
        let mut call = Call::new(NEIGHBOUR, request.method.clone(), url, self.config.deadline);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = request.body {
            call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            call.body = Some(body.to_string().into_bytes());
        }
        call.body_limit = request.body_limit;
        (call.bearer, call.trace) = (Some(&token.secret), Some(request.trace));
        call
    }
}
