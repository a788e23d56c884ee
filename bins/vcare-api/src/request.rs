//! What happens around every request: an id, a trace, a log line, metrics, and headers that keep secrets in.

mod labels;
pub mod packing;

use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use tracing::Instrument;
use tracing::field::Empty;
use vcare_app::TraceContext;
use vcare_app::ports::Ids;

use crate::problem::Problem;
use crate::routes::head_of_documents;
use crate::server::Api;

/// The request's id, on every answer.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a request id is one that a program made: a UUID, a ULID, or a trace id of W3C Trace Context. It goes into logs and
/// events and to other services, so it must not be a text that somebody wrote, such as a name or a telephone number.
fn is_generated(id: &str) -> bool {
    let all = |takes: fn(&u8) -> bool| id.as_bytes().iter().all(takes);
    match id.len() {
        36 => uuid::Uuid::try_parse(id).is_ok(),
        26 => id.as_bytes()[0] <= b'7' && all(|b| b.is_ascii_alphanumeric() && !b"ILOUilou".contains(b)),
        32 => all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

/// The caller's request id when it is a generated one; else a new UUID, and the replacement is counted.
fn request_id(headers: &HeaderMap, ids: &dyn Ids) -> String {
    match text(headers, "x-request-id") {
        Some(given) if is_generated(given) => return given.to_owned(),
        None if !headers.contains_key("x-request-id") => {}
        _ => metrics::counter!("vcare_request_ids_replaced_total").increment(1),
    }
    ids.uuid().to_string()
}

/// W3C trace context: a span in the caller's trace, with what the caller sent, when that is one; else a new trace.
fn traceparent<'a>(headers: &'a HeaderMap, ids: &dyn Ids) -> (String, Option<&'a str>) {
    let given = text(headers, "traceparent");
    match given.and_then(|given| TraceContext::child_of(given, ids)) {
        Some(own) => (own, given),
        None => (TraceContext::new_traceparent(ids), None),
    }
}

/// Names, traces, measures and logs a request. The log line has the route's pattern, never the path or the query: they
/// hold ids and tokens.
///
/// # Errors
/// None of its own.
pub async fn around<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let began = Instant::now();
    let api = req.app_data::<web::Data<Api>>().ok_or_else(Problem::internal)?.clone();
    let (own, parent) = traceparent(req.headers(), &*api.ids);
    let trace = TraceContext { correlation_id: request_id(req.headers(), &*api.ids), traceparent: own };
    let method = labels::method(req.method());
    let span = tracing::info_span!(
        "request",
        request_id = trace.correlation_id,
        trace_id = trace.trace_id(),
        tenant_id = Empty,
        actor_id_hash = Empty,
        trace.own = trace.traceparent,
        trace.parent = parent,
        otel.kind = "server",
        otel.status_code = Empty,
        // The word that OpenTelemetry has for a method that it does not know.
        http.request.method = if method == labels::OTHER { "_OTHER" } else { method },
        http.route = Empty,
        http.response.status_code = Empty,
    );
    let id = trace.correlation_id.clone();
    req.extensions_mut().insert(trace);
    let answered = next.call(req).instrument(span.clone()).await?.map_into_left_body();
    let route = labels::route(answered.request());
    let status = answered.status();
    let took = began.elapsed();
    metrics::counter!(
        "vcare_http_requests_total",
        "method" => method, "route" => route.clone(), "status" => status.as_u16().to_string()
    )
    .increment(1);
    let held_open = answered.response().extensions().contains::<HeldOpen>();
    // How long somebody waited for news says nothing of how fast we are.
    if !held_open {
        metrics::histogram!("vcare_http_request_duration_seconds", "method" => method, "route" => route.clone())
            .record(took.as_secs_f64());
    }
    span.record("http.route", route.as_str());
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let code = answered.response().extensions().get::<Problem>().map(Problem::code);
    if let Some(code) = code {
        metrics::counter!("vcare_http_refusals_total", "code" => code).increment(1);
    }
    span.in_scope(|| {
        let took_ms = took.as_secs_f64() * 1000.0;
        let routine = status == StatusCode::NO_CONTENT && held_open;
        if routine || route.starts_with("/health") || route == "/metrics" {
            tracing::debug!(method, route, status = status.as_u16(), took_ms, "request");
        } else {
            tracing::info!(method, route, status = status.as_u16(), code, took_ms, "request");
        }
    });
    let mut finished = finish(answered, &id);
    packing::keep_secret(&route, finished.headers_mut());
    Ok(finished)
}

/// Answers HEAD where others serve the GET: the server sends no body to HEAD, whoever answers.
///
/// # Errors
/// None of its own.
pub async fn read_by_head<B: MessageBody>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    head_of_documents(&mut req);
    next.call(req).await
}

/// Marks an answer whose question was held open.
pub struct HeldOpen;

/// Answers 503 when a request takes too long: a database that hangs must not hold every caller, and every connection, for
/// ever. What was begun is undone.
///
/// # Errors
/// None of its own.
pub async fn in_time<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let deadline = req.app_data::<web::Data<Api>>().ok_or_else(Problem::internal)?.deadline;
    within(deadline, req, next).await
}

/// The same, for what takes its time on a thin line: what it waits for is watched by whoever reads it.
///
/// # Errors
/// None of its own.
pub async fn in_upload_time<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let deadline = req.app_data::<web::Data<Api>>().ok_or_else(Problem::internal)?.audio.deadline;
    within(deadline, req, next).await
}

async fn within<B: MessageBody + 'static>(
    deadline: Duration,
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let request = req.request().clone();
    match tokio::time::timeout(deadline, next.call(req)).await {
        Ok(answered) => Ok(answered?.map_into_left_body()),
        Err(_) => Ok(ServiceResponse::new(request, Problem::too_slow().response()).map_into_right_body()),
    }
}

fn finish<B: MessageBody>(
    mut answered: ServiceResponse<EitherBody<B, BoxBody>>,
    id: &str,
) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let problem = answered.response_mut().extensions_mut().remove::<Problem>();
    if let Some(problem) = problem {
        let (request, before) = answered.into_parts();
        let mut response = problem.with_request_id(id.to_owned()).response();
        for (name, value) in before.headers() {
            if !response.headers().contains_key(name) {
                response.headers_mut().insert(name.clone(), value.clone());
            }
        }
        answered = ServiceResponse::new(request, response).map_into_right_body();
    }
    let empty = answered.status() == StatusCode::NO_CONTENT && answered.response().extensions().contains::<HeldOpen>();
    let headers = answered.headers_mut();
    if empty {
        // Asked for over and over on 2G: what an empty answer does not need costs its sender money.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return answered;
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Links hold tokens: no page of ours tells the next one where it came from, and no cache keeps an answer.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    answered
}
