//! One call.

use std::error::Error;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument;
use tracing::field::Empty;
use url::Url;
use vcare_app::TraceContext;
use vcare_app::ports::{AudioBody, AudioFault, NeighbourError, NeighbourFault, Secret};
use vcare_app::spans::ended;

use super::{Answer, ForbiddenAddress, HttpClient, headers, upload};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A call to be made.
pub(crate) struct Call<'a> {
    /// Whom, for errors and metrics.
    pub neighbour: &'static str,
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Vec<u8>>,
    /// A body that is passed on as it comes, in the place of [`Self::body`].
    pub upload: Option<AudioBody>,
    pub bearer: Option<&'a Secret>,
    /// How long it may take from here to the last byte; with an upload, from the end of that.
    pub deadline: Duration,
    /// The greatest body, in bytes.
    pub body_limit: usize,
    /// Whether the body of a refusal is worth having: most say all that is needed in their status.
    pub reads_refusals: bool,
    /// The request that it is made for; none for our own housekeeping.
    pub trace: Option<&'a TraceContext>,
}

impl<'a> Call<'a> {
    /// The greatest body unless said otherwise.
    pub const BODY_LIMIT: usize = 64 * 1024;

    pub fn new(neighbour: &'static str, method: Method, url: Url, deadline: Duration) -> Self {
        Self {
            neighbour,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            upload: None,
            bearer: None,
            deadline,
            body_limit: Self::BODY_LIMIT,
            reads_refusals: false,
            trace: None,
        }
    }

    fn error(&self, fault: NeighbourFault) -> NeighbourError {
        NeighbourError { neighbour: self.neighbour, fault, retry_after: None }
    }
}

impl HttpClient {
    /// Makes a call and lets `read` say what the answer means. A redirect is an answer like any other: nobody we call has
    /// reason to send us elsewhere, least of all a server that a tenant named.
    pub(crate) async fn exchange<T>(
        &self,
        call: Call<'_>,
        read: impl FnOnce(&Answer) -> Result<T, NeighbourFault>,
    ) -> Result<T, NeighbourError> {
        // What the neighbour is told of the trace is the span of this call.
        let own = call.trace.and_then(|trace| TraceContext::child_of(&trace.traceparent, &*self.ids));
        let span = tracing::info_span!(
            "neighbour_call",
            neighbour = call.neighbour,
            trace.own = own,
            trace.parent = call.trace.map(|trace| trace.traceparent.as_str()),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = call.method.as_str(),
            call.outcome = Empty,
        );
        let result = self.exchange_in(call, own, read).instrument(span.clone()).await;
        ended(&span, outcome_of(&result), result.is_ok());
        result
    }

    async fn exchange_in<T>(
        &self,
        call: Call<'_>,
        traceparent: Option<String>,
        read: impl FnOnce(&Answer) -> Result<T, NeighbourFault>,
    ) -> Result<T, NeighbourError> {
        let (neighbour, began) = (call.neighbour, Instant::now());
        let result = match Box::pin(self.send(call, traceparent)).await {
            Ok(answer) => read(&answer).map_err(|fault| NeighbourError {
                neighbour,
                fault,
                retry_after: headers::retry_after(&answer.headers, &*self.clock),
            }),
            Err(error) => Err(error),
        };
        let outcome = outcome_of(&result);
        metrics::counter!("vcare_neighbour_requests_total", "neighbour" => neighbour, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("vcare_neighbour_request_duration_seconds", "neighbour" => neighbour)
            .record(began.elapsed().as_secs_f64());
        if let Err(error) = &result
            && error.fault != NeighbourFault::CutShort
        {
            tracing::warn!(fault = ?error.fault, "a neighbour gave no usable answer");
        }
        result
    }

    async fn send(&self, mut call: Call<'_>, traceparent: Option<String>) -> Result<Answer, NeighbourError> {
        if !self.addresses.permits_host_of(&call.url) {
            return Err(call.error(NeighbourFault::ForbiddenAddress));
        }
        let within = call.deadline.max(Duration::ZERO).unsigned_abs();
        let mut request =
            self.http.request(call.method.clone(), call.url.clone()).headers(headers_of(&call, traceparent));
        if let Some(body) = call.body.take() {
            request = request.body(body);
        }
        let Some(audio) = call.upload.take() else {
            let deadline = Instant::now() + within;
            return match timeout_at(deadline, request.send()).await {
                Ok(Ok(response)) => Ok(Answer::read(response, call.reads_refusals, call.body_limit, deadline).await),
                Ok(Err(error)) => Err(call.error(fault(&error))),
                Err(_) => Err(call.error(NeighbourFault::TimedOut)),
            };
        };
        let watch = audio.watch();
        let sending = request.body(upload::body(audio)).send();
        // Who feeds it sees to it that an upload ends.
        let late = async {
            watch.over().await;
            sleep(within).await;
        };
        let sent = tokio::select! {
            sent = sending => sent.map_err(|error| fault(&error)),
            () = watch.broken() => Err(NeighbourFault::CutShort),
            () = late => Err(NeighbourFault::TimedOut),
        };
        match (sent, watch.fault()) {
            (Ok(response), _) => {
                let deadline = Instant::now() + within;
                Ok(Answer::read(response, call.reads_refusals, call.body_limit, deadline).await)
            }
            (Err(_), Some(AudioFault::NotTaken)) => Err(call.error(NeighbourFault::TimedOut)),
            (Err(_), Some(_)) => Err(call.error(NeighbourFault::CutShort)),
            (Err(fault), None) => Err(call.error(fault)),
        }
    }
}

fn headers_of(call: &Call<'_>, traceparent: Option<String>) -> HeaderMap {
    let mut headers = call.headers.clone();
    let mut insert = |name, value: Option<HeaderValue>| value.map(|value| headers.insert(name, value));
    insert(TRACEPARENT, traceparent.and_then(|text| HeaderValue::try_from(text).ok()));
    insert(X_REQUEST_ID, call.trace.and_then(|trace| HeaderValue::from_str(&trace.correlation_id).ok()));
    let bearer = call.bearer.and_then(|secret| {
        let mut value = HeaderValue::from_bytes(&[b"Bearer ", secret.expose()].concat()).ok()?;
        value.set_sensitive(true);
        Some(value)
    });
    insert(AUTHORIZATION, bearer);
    headers
}

/// What an error of the client means. Its text names the address and is not passed on.
fn fault(error: &reqwest::Error) -> NeighbourFault {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if one.is::<ForbiddenAddress>() {
            return NeighbourFault::ForbiddenAddress;
        }
        cause = one.source();
    }
    if error.is_timeout() && !error.is_connect() {
        NeighbourFault::TimedOut
    } else {
        // No name, no connection, no trust, or a connection that ended without an answer.
        NeighbourFault::Unreachable
    }
}

fn outcome_of<T>(result: &Result<T, NeighbourError>) -> &'static str {
    result.as_ref().map_or_else(|error| outcome(error.fault), |_| "ok")
}

const fn outcome(fault: NeighbourFault) -> &'static str {
    match fault {
        NeighbourFault::Status(300..=399) => "status_3xx",
        NeighbourFault::Status(400..=499) => "status_4xx",
        NeighbourFault::Status(500..=599) => "status_5xx",
        other => other.as_str(),
    }
}
