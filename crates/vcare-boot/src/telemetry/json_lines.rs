//! Logs as JSON, one object a line, with what a request's spans say of it at the top: `trace_id`, `tenant_id`,
//! `request_id`, `actor_id_hash`. Fields with a dot in their names are for traces, and stand in no line.

use std::fmt;
use std::io::Write;

use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use vcare_app::ports::Clock;

use crate::clock::SystemClock;
use crate::health::with_causes;

/// The version of the lines' shape.
pub const LOG_SCHEMA_VERSION: u32 = 1;

/// Writes events as JSON lines.
pub(super) struct JsonLines<W> {
    service: &'static str,
    writer: W,
}

impl<W> JsonLines<W> {
    pub(super) const fn new(service: &'static str, writer: W) -> Self {
        Self { service, writer }
    }
}

/// What a span says, kept with it: a handful, and ten thousand who wait have a span each.
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields(Vec::new());
        attributes.record(&mut Collect(|name, value| fields.set(name, value)));
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(&mut Collect(|name, value| fields.set(name, value)));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        let metadata = event.metadata();
        line.insert("timestamp".to_owned(), SystemClock.now().format(&Rfc3339).unwrap_or_default().into());
        line.insert("severity".to_owned(), metadata.level().as_str().into());
        line.insert("service".to_owned(), self.service.into());
        line.insert("log_schema_version".to_owned(), LOG_SCHEMA_VERSION.into());
        line.insert("target".to_owned(), metadata.target().into());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(Fields(fields)) = span.extensions().get::<Fields>() {
                line.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            }
        }
        event.record(&mut Collect(|name: &str, value| {
            line.insert(name.to_owned(), value);
        }));
        if let Ok(mut bytes) = serde_json::to_vec(&line) {
            bytes.push(b'\n');
            // Nobody is left to tell when standard output is gone.
            let _ = self.writer.make_writer().write_all(&bytes);
        }
    }
}

struct Collect<F>(F);

impl<F: FnMut(&'static str, Value)> Collect<F> {
    fn collect(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        if !field.name().contains('.') {
            (self.0)(field.name(), value());
        }
    }
}

impl<F: FnMut(&'static str, Value)> Visit for Collect<F> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.collect(field, || format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.collect(field, || value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.collect(field, || value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.collect(field, || value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.collect(field, || value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.collect(field, || value.into());
    }

    /// The whole chain of causes, in one text.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.collect(field, || with_causes(value).into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_says_what_its_spans_say() {
        let sink = Sink::default();
        let writer = {
            let sink = sink.clone();
            move || sink.clone()
        };
        let subscriber = tracing_subscriber::registry().with(JsonLines::new("vcare-test", writer));
        tracing::subscriber::with_default(subscriber, || {
            let empty = tracing::field::Empty;
            let span = tracing::info_span!("request", request_id = "r1", tenant_id = empty, http.route = empty);
            let _inside = span.enter();
            span.record("tenant_id", "t1");
            span.record("http.route", "/sessions");
            let error = std::io::Error::other("disk");
            tracing::warn!(error = &error as &dyn std::error::Error, count = 3, "it happened");
        });
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let line: Value = serde_json::from_str(text.strip_suffix('\n').unwrap()).unwrap();
        for (name, value) in [
            ("request_id", Value::from("r1")),
            ("tenant_id", "t1".into()),
            ("severity", "WARN".into()),
            ("service", "vcare-test".into()),
            ("log_schema_version", 1.into()),
            ("message", "it happened".into()),
            ("error", "disk".into()),
            ("count", 3.into()),
        ] {
            assert_eq!(line[name], value, "{name}");
        }
        assert!(line.get("http.route").is_none(), "that is for traces: {line}");
    }
}
