//! communication-service: the threads in which visits go on.

use async_trait::async_trait;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use time::Duration;
use vcare_app::TraceContext;
use vcare_app::ports::{MessagingThreads, NeighbourFault, ThreadDraft, ThreadError};
use vcare_domain::{TenantId, ThreadId, UserId};

use crate::client::{Answer, HttpClient};
use crate::neighbour::{Neighbour, NeighbourConfig};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const X_TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");

/// Asks `POST {base}/v1/communication/threads`, under the draft's `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct HttpMessagingThreads(Neighbour, Duration);

impl HttpMessagingThreads {
    /// Threads of the service at that address.
    #[must_use]
    pub const fn new(client: HttpClient, config: NeighbourConfig) -> Self {
        let deadline = config.deadline();
        Self(Neighbour::new("communication", client, config), deadline)
    }
}

/// A thread that was made, now or by the same request before.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    thread_id: String,
}

/// The part of a refusal that we look at.
#[derive(Deserialize)]
struct Refused {
    error: Why,
}

#[derive(Deserialize)]
struct Why {
    code: String,
}

/// What an answer means: a thread, a refusal that asking again cannot heal, or a fault.
fn read(answer: &Answer) -> Result<Result<ThreadId, &'static str>, NeighbourFault> {
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => {
            let made: Made = answer.json()?;
            ThreadId::parse(made.thread_id).map(Ok).map_err(|_| NeighbourFault::Malformed)
        }
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Ok(Err("invalid")),
        // The rest of 403 is about our credentials, which somebody will heal: then the same call works.
        StatusCode::FORBIDDEN => match answer.json::<Refused>() {
            Ok(refused) if refused.error.code == "MODULE_NOT_LICENSED" => Ok(Err("not_licensed")),
            _ => Err(answer.refusal()),
        },
        _ => Err(answer.refusal()),
    }
}

#[async_trait]
impl MessagingThreads for HttpMessagingThreads {
    async fn create_thread(
        &self,
        tenant: &TenantId,
        draft: &ThreadDraft,
        deadline: Duration,
        trace: &TraceContext,
    ) -> Result<ThreadId, ThreadError> {
        let body = json!({
            "participantIds": draft.participant_ids.iter().map(UserId::as_str).collect::<Vec<_>>(),
            "patientId": draft.patient_id.as_str(),
            "sessionId": draft.session_id.to_string(),
            "subject": draft.subject,
        });
        let mut call = self.0.post_json(self.0.url(["v1", "communication", "threads"]), &body, trace);
        call.deadline = self.1.min(deadline);
        call.reads_refusals = true;
        if let Ok(key) = HeaderValue::try_from(draft.idempotency_key.to_string()) {
            call.headers.insert(IDEMPOTENCY_KEY, key);
        }
        if let Ok(tenant) = HeaderValue::from_str(tenant.as_str()) {
            call.headers.insert(X_TENANT_ID, tenant);
        }
        self.0.client.exchange(call, read).await?.map_err(|reason| ThreadError::Refused { reason })
    }
}
