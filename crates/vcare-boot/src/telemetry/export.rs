//! Finished spans are sent to a collector, behind the requests: bounded, in batches, and never waited for by anybody.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use vcare_adapters_http::{AddressPolicy, ClientConfig, HttpClient, SpanCollector};

use crate::clock::{SystemClock, SystemIds};
use crate::config::{ConfigError, OtlpConfig, TlsSection};

/// The most spans in one batch: about half a megabyte.
const BATCH: usize = 512;

/// Finished spans that wait. One that finds no place is dropped.
#[derive(Clone)]
pub(super) struct Queue(mpsc::Sender<Span>);

impl Queue {
    pub fn new(places: usize) -> (Self, mpsc::Receiver<Span>) {
        let (queue, spans) = mpsc::channel(places);
        (Self(queue), spans)
    }

    pub fn push(&self, span: Span) {
        if self.0.try_send(span).is_err() {
            counted("dropped", 1);
        }
    }
}

fn counted(outcome: &'static str, spans: usize) {
    metrics::counter!("vcare_traces_spans_total", "outcome" => outcome).increment(spans as u64);
}

/// The task that sends.
pub(super) struct Export {
    task: JoinHandle<()>,
    stop: CancellationToken,
    patience: Duration,
}

impl Export {
    /// Sends what waits, for as long as configured.
    pub async fn finish(mut self) {
        self.stop.cancel();
        if timeout(self.patience, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// Starts to send. Nobody is asked yet.
pub(super) fn start(service: &str, config: &OtlpConfig, tls: &TlsSection) -> Result<(Queue, Export), ConfigError> {
    let mut client = ClientConfig::new(AddressPolicy::PRIVATE);
    client.extra_roots_pem.extend(tls.roots()?);
    let client = HttpClient::new(&client, Arc::new(SystemClock), Arc::new(SystemIds::default()));
    let client = client.map_err(|error| format!("otlp: {error}"))?;
    let collector = config.adapter().map_err(|error| format!("otlp.base_url: {error}"))?;
    let (queue, spans) = Queue::new(config.queue);
    let stop = CancellationToken::new();
    let sender = Sender {
        collector: SpanCollector::new(client, collector),
        resource: resource(service),
        every: config.every(),
        is_down: false,
    };
    let task = tokio::spawn(sender.run(spans, stop.clone()));
    Ok((queue, Export { task, stop, patience: config.at_the_end() }))
}

fn resource(service: &str) -> Resource {
    let attribute = |key: &str, text: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) }),
        ..KeyValue::default()
    };
    let attributes = vec![attribute("service.name", service), attribute("service.version", env!("CARGO_PKG_VERSION"))];
    Resource { attributes, ..Resource::default() }
}

struct Sender {
    collector: SpanCollector,
    resource: Resource,
    every: Duration,
    is_down: bool,
}

impl Sender {
    async fn run(mut self, mut spans: mpsc::Receiver<Span>, stop: CancellationToken) {
        loop {
            let batch = gather(&mut spans, self.every, &stop).await;
            if batch.is_empty() {
                return;
            }
            self.send(batch).await;
        }
    }

    /// Once: what is not taken is lost. A collector is there to help, and must not cost memory while it is down.
    async fn send(&mut self, spans: Vec<Span>) {
        let count = spans.len();
        let scope = InstrumentationScope { name: "vcare".to_owned(), ..InstrumentationScope::default() };
        let spans = ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() };
        let resource = Some(self.resource.clone());
        let spans = ResourceSpans { resource, scope_spans: vec![spans], ..ResourceSpans::default() };
        let request = ExportTraceServiceRequest { resource_spans: vec![spans] }.encode_to_vec();
        // Sending spans must make none.
        let sent = self.collector.send(request).with_subscriber(NoSubscriber::default()).await;
        counted(if sent.is_ok() { "sent" } else { "lost" }, count);
        match sent {
            Ok(()) if self.is_down => tracing::info!("traces are collected again"),
            Err(error) if !self.is_down => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "traces are not collected, and lost");
            }
            _ => {}
        }
        self.is_down = sent.is_err();
    }
}

/// The next batch; empty when there will be none.
async fn gather(spans: &mut mpsc::Receiver<Span>, every: Duration, stop: &CancellationToken) -> Vec<Span> {
    let mut batch = Vec::new();
    if stop.run_until_cancelled(spans.recv_many(&mut batch, BATCH)).await.is_none() {
        spans.close();
        spans.recv_many(&mut batch, BATCH).await;
        return batch;
    }
    let full = Instant::now() + every;
    while batch.len() < BATCH {
        let left = BATCH - batch.len();
        match stop.run_until_cancelled(timeout_at(full, spans.recv_many(&mut batch, left))).await {
            Some(Ok(1..)) => {}
            _ => break,
        }
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: usize) -> Span {
        Span { name: name.to_string(), ..Span::default() }
    }

    #[tokio::test]
    async fn who_finds_no_place_is_dropped_and_nobody_waits() {
        let (queue, mut spans) = Queue::new(2);
        for name in 0..5 {
            queue.push(named(name));
        }
        let stop = CancellationToken::new();
        stop.cancel();
        let batch = gather(&mut spans, Duration::from_secs(60), &stop).await;
        assert_eq!(batch, [named(0), named(1)]);
        assert!(gather(&mut spans, Duration::from_secs(60), &stop).await.is_empty());
    }

    #[tokio::test]
    async fn what_waits_when_the_process_stops_is_sent_in_batches_until_there_is_nothing() {
        let (queue, mut spans) = Queue::new(BATCH * 2);
        for name in 0..=BATCH {
            queue.push(named(name));
        }
        let stop = CancellationToken::new();
        let first = gather(&mut spans, Duration::from_secs(60), &stop).await;
        assert_eq!(first.len(), BATCH);
        stop.cancel();
        assert_eq!(gather(&mut spans, Duration::from_secs(60), &stop).await, [named(BATCH)]);
        queue.push(named(0));
        assert!(gather(&mut spans, Duration::from_secs(60), &stop).await.is_empty());
    }
}
