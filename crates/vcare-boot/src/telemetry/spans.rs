//! Our spans, as OTLP has them.
//!
//! Only fields that are named here leave the process: a field that somebody adds later is for the log alone until somebody
//! else has thought about it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::export::Queue;
use super::placed::Place;
use crate::clock::SystemIds;

/// The fields that may be told: ids of ours, fixed words and numbers. None of a patient, none of an account, no free text.
const TOLD: [&str; 21] = [
    "request_id",
    "tenant_id",
    "actor_id_hash",
    "session_id",
    "async_visit_id",
    "draft_id",
    "neighbour",
    "kind",
    "name",
    "purpose",
    "transaction",
    "job.attempts",
    "kms.operation",
    "call.outcome",
    "db.system.name",
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "messaging.system",
    "messaging.destination.name",
    "messaging.message.id",
];

/// Makes spans of spans, and queues each when it is over.
pub(super) struct Spans {
    queue: Queue,
    ids: SystemIds,
}

impl Spans {
    pub fn new(queue: Queue) -> Self {
        Self { queue, ids: SystemIds::default() }
    }
}

/// A span that is not over.
struct Open {
    place: Place,
    span: Span,
}

impl<S> Layer<S> for Spans
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(this) = context.span(id) else { return };
        let around = this.parent().and_then(|around| around.extensions().get::<Open>().map(|open| open.place));
        let mut said = Said::default();
        attributes.record(&mut said);
        let (place, above) = Place::of(said.own, said.parent, around, &self.ids);
        let mut span = Span {
            trace_id: place.trace.to_vec(),
            span_id: place.span.to_vec(),
            parent_span_id: above.map(|above| above.span.to_vec()).unwrap_or_default(),
            flags: u32::from(place.sampled),
            name: attributes.metadata().name().to_owned(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: now(),
            ..Span::default()
        };
        said.tell(&mut span);
        this.extensions_mut().insert(Open { place, span });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(this) = context.span(id) else { return };
        let mut said = Said::default();
        values.record(&mut said);
        if let Some(open) = this.extensions_mut().get_mut::<Open>() {
            if let Some(place) = said.own {
                // It begins a trace, and learns of it before anything is below it.
                open.place = place;
                open.span.trace_id = place.trace.to_vec();
                open.span.span_id = place.span.to_vec();
                open.span.parent_span_id = Vec::new();
            }
            said.tell(&mut open.span);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(this) = context.span(&id) else { return };
        let Some(Open { place, mut span }) = this.extensions_mut().remove::<Open>() else { return };
        if place.sampled {
            span.end_time_unix_nano = now();
            self.queue.push(span);
        }
    }
}

/// What a span says of itself.
#[derive(Default)]
struct Said {
    own: Option<Place>,
    parent: Option<Place>,
    kind: Option<SpanKind>,
    failed: bool,
    attributes: Vec<KeyValue>,
}

impl Said {
    fn tell(self, span: &mut Span) {
        span.attributes.extend(self.attributes);
        if let Some(kind) = self.kind {
            span.kind = kind.into();
        }
        if self.failed {
            span.status = Some(Status { code: StatusCode::Error.into(), message: String::new() });
        }
    }

    fn attribute(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        if TOLD.contains(&field.name()) {
            let value = Some(AnyValue { value: Some(value()) });
            self.attributes.push(KeyValue { key: field.name().to_owned(), value, ..KeyValue::default() });
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.attribute(field, || Value::StringValue(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "trace.own" => self.own = Place::parse(value),
            "trace.parent" => self.parent = Place::parse(value),
            "otel.status_code" => self.failed = value == "ERROR",
            "otel.kind" => {
                self.kind = match value {
                    "server" => Some(SpanKind::Server),
                    "client" => Some(SpanKind::Client),
                    "producer" => Some(SpanKind::Producer),
                    "consumer" => Some(SpanKind::Consumer),
                    _ => None,
                };
            }
            _ => self.attribute(field, || Value::StringValue(value.to_owned())),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.attribute(field, || Value::IntValue(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.attribute(field, || Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.attribute(field, || Value::BoolValue(value));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long something took is measured by the machine's time, in nanoseconds"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tracing::field::Empty;
    use tracing_subscriber::layer::SubscriberExt;

    use super::super::export::Queue;
    use super::*;

    /// The spans that are finished while `act` is done, in that order.
    fn spans_of(act: impl FnOnce()) -> Vec<Span> {
        let (queue, mut finished) = Queue::new(16);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Spans::new(queue)), act);
        std::iter::from_fn(|| finished.try_recv().ok()).collect()
    }

    fn texts(span: &Span) -> Vec<(&str, Value)> {
        span.attributes.iter().map(|one| (one.key.as_str(), one.value.clone().unwrap().value.unwrap())).collect()
    }

    #[test]
    fn a_span_tells_what_may_be_told_and_nothing_else() {
        let spans = spans_of(|| {
            let span = tracing::info_span!(
                "request",
                tenant_id = "t1",
                patient_id = "pat-1",
                error = "disk of pat-1",
                otel.kind = "server",
                otel.status_code = Empty,
                http.response.status_code = Empty,
            );
            span.record("http.response.status_code", 503_u16);
            span.record("otel.status_code", "ERROR");
        });
        let [span] = spans.as_slice() else { panic!("{spans:?}") };
        let told =
            [("tenant_id", Value::StringValue("t1".to_owned())), ("http.response.status_code", Value::IntValue(503))];
        assert_eq!(texts(span), told);
        assert_eq!(span.kind(), SpanKind::Server);
        assert_eq!(span.status.as_ref().unwrap().code(), StatusCode::Error);
        assert!(span.start_time_unix_nano > 0 && span.end_time_unix_nano >= span.start_time_unix_nano);
    }

    #[test]
    fn spans_are_where_they_say_and_below_one_another() {
        let (own, caller) = (
            format!("00-{}-{}-01", "07".repeat(16), "0b".repeat(8)),
            format!("00-{}-{}-01", "07".repeat(16), "0a".repeat(8)),
        );
        let spans = spans_of(|| {
            let _request = tracing::info_span!("request", trace.own = own, trace.parent = caller).entered();
            let _inside = tracing::info_span!("create_session").entered();
        });
        let [inside, request] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!((&request.span_id, &request.parent_span_id), (&vec![0x0B; 8], &vec![0x0A; 8]));
        assert_eq!((&inside.trace_id, &inside.parent_span_id), (&vec![7; 16], &vec![0x0B; 8]));
    }

    #[test]
    fn a_span_that_begins_a_trace_leaves_the_one_around_it() {
        let own = format!("00-{}-{}-01", "07".repeat(16), "0b".repeat(8));
        let spans = spans_of(|| {
            let _round = tracing::info_span!("note_broken_promises").entered();
            let one = tracing::info_span!("note_broken_promise", trace.own = Empty).entered();
            one.record("trace.own", own.as_str());
            let _inside = tracing::info_span!("transaction", trace.parent = own.as_str()).entered();
        });
        let [inside, one, round] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!((&one.trace_id, one.parent_span_id.len()), (&vec![7; 16], 0));
        assert_eq!((&inside.trace_id, &inside.parent_span_id), (&one.trace_id, &one.span_id));
        assert_ne!(round.trace_id, one.trace_id);
    }

    #[test]
    fn a_trace_that_its_beginner_does_not_keep_is_not_sent() {
        let own = format!("00-{}-{}-00", "07".repeat(16), "0b".repeat(8));
        let spans = spans_of(|| {
            let _request = tracing::info_span!("request", trace.own = own).entered();
            let _inside = tracing::info_span!("create_session").entered();
        });
        assert_eq!(spans, []);
    }
}
