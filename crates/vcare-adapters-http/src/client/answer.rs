//! What a neighbour answered.

use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use vcare_app::ports::NeighbourFault;

use super::headers;

/// An answer: its head, and as much of its body as is worth having.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body, or why there is none: some answers say all that is needed in their head.
    body: Result<Vec<u8>, NeighbourFault>,
}

impl Answer {
    /// Takes an answer in: the bodies of successes, and of refusals where they are `told`, up to `limit` bytes, until
    /// `deadline`.
    pub(super) async fn read(mut response: reqwest::Response, told: bool, limit: usize, deadline: Instant) -> Self {
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let body = if status.is_success() || told {
            timeout_at(deadline, body(response, limit)).await.unwrap_or(Err(NeighbourFault::TimedOut))
        } else {
            Ok(Vec::new())
        };
        Self { status, headers, body }
    }

    /// The body as JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, NeighbourFault> {
        let body = self.body.as_ref().map_err(|fault| *fault)?;
        if !headers::is_json(&self.headers) {
            return Err(NeighbourFault::Malformed);
        }
        serde_json::from_slice(body).map_err(|_| NeighbourFault::Malformed)
    }

    /// The body's bytes.
    pub fn bytes(&self) -> Result<&[u8], NeighbourFault> {
        self.body.as_deref().map_err(|fault| *fault)
    }

    /// The fault that an answer of this status is.
    pub fn refusal(&self) -> NeighbourFault {
        NeighbourFault::Status(self.status.as_u16())
    }
}

/// In chunks, so that a body without end costs no more memory than one of the greatest length.
async fn body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, NeighbourFault> {
    let announced = response.content_length().unwrap_or(0);
    if announced > limit as u64 {
        return Err(NeighbourFault::Malformed);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| NeighbourFault::Malformed)? {
        if body.len() + chunk.len() > limit {
            return Err(NeighbourFault::Malformed);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
