//! A collector of traces, which speaks OTLP over HTTP with protobuf.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;

use super::exchange::{Answer, Asked};

/// A span that was collected. Ids are in hex digits, as in a `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectedSpan {
    /// `service.name` of who sent it.
    pub service: String,
    /// What it is.
    pub name: String,
    /// The trace.
    pub trace_id: String,
    /// The span.
    pub span_id: String,
    /// The span above; empty when there is none.
    pub parent_id: String,
    /// OTLP's name of its kind: `SPAN_KIND_SERVER`.
    pub kind: &'static str,
    /// Whether it went wrong.
    pub failed: bool,
    /// What it says of itself, as text.
    pub attributes: BTreeMap<String, String>,
}

impl CollectedSpan {
    /// An attribute; empty when it has none by that name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// What was collected.
#[derive(Debug, Default)]
pub(super) struct Collector {
    spans: Mutex<Vec<CollectedSpan>>,
    bodies: Mutex<Vec<Vec<u8>>>,
}

impl Collector {
    pub fn spans(&self) -> Vec<CollectedSpan> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `POST /v1/traces`.
    pub fn answer(&self, asked: &Asked, segments: &[&str]) -> Answer {
        if !segments.is_empty() {
            return Answer::not_found();
        }
        if asked.method != "POST" {
            return Answer::not_allowed("POST");
        }
        if asked.content_type() != "application/x-protobuf" {
            return Answer::empty(415);
        }
        let Ok(request) = ExportTraceServiceRequest::decode(asked.body.as_ref()) else { return Answer::empty(400) };
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).push(asked.body.to_vec());
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for of_resource in request.resource_spans {
            let resource = of_resource.resource.unwrap_or_default();
            let service = texts(resource.attributes).remove("service.name").unwrap_or_default();
            let all = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(all.map(|span| collected(service.clone(), span)));
        }
        // All of it was taken: an empty message, which is no bytes.
        let taken = ExportTraceServiceResponse::default().encode_to_vec();
        Answer::new(200, "application/x-protobuf", String::from_utf8(taken).unwrap_or_default())
    }
}

fn collected(service: String, span: Span) -> CollectedSpan {
    CollectedSpan {
        service,
        kind: span.kind().as_str_name(),
        failed: span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error),
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        name: span.name,
        attributes: texts(span.attributes),
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|one| (one.key, text(one.value.and_then(|value| value.value)))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
