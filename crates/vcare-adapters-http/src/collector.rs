//! Whoever collects traces, by OTLP over HTTP.

use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use vcare_app::ports::NeighbourError;

use crate::client::{Answer, HttpClient};
use crate::neighbour::{Neighbour, NeighbourConfig};

/// A collector of spans. What it answers to a success is not read: what it did not want is lost either way.
#[derive(Debug, Clone)]
pub struct SpanCollector(Neighbour);

impl SpanCollector {
    /// The collector at `/v1/traces` below the configured address.
    #[must_use]
    pub const fn new(client: HttpClient, config: NeighbourConfig) -> Self {
        Self(Neighbour::new("collector", client, config))
    }

    /// Sends an encoded `ExportTraceServiceRequest`, once.
    ///
    /// # Errors
    /// [`NeighbourError`].
    pub async fn send(&self, request: Vec<u8>) -> Result<(), NeighbourError> {
        let mut call = self.0.own(Method::POST, self.0.url(["v1", "traces"]));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        call.body = Some(request);
        let taken = |answer: &Answer| if answer.status.is_success() { Ok(()) } else { Err(answer.refusal()) };
        self.0.client.exchange(call, taken).await
    }
}
