//! What spans say, for logs and for traces.
//!
//! A log line takes the fields of all spans around it, but not those with a dot in their names: these are for traces alone.
//! Two of them place a span. `trace.own` is the W3C trace context that it is, where somebody else was told of it;
//! `trace.parent` the one that it belongs to when no span of the same trace is around it.

use tracing::Span;

use crate::actor::TraceContext;
use crate::ports::Ids;

/// The target of spans that no log line needs. While no traces are exported they are off, and cost nothing.
pub const TRACES_ONLY: &str = "vcare_traces";

/// Begins a trace with the current span, for what no request asked for. The span has a field `trace.own`.
pub(crate) fn begin_trace(ids: &dyn Ids) -> TraceContext {
    let trace = TraceContext::begin(ids);
    Span::current().record("trace.own", trace.traceparent.as_str());
    trace
}

/// Notes how the call or the transaction ended that a span is about: a fixed word. The span has fields `call.outcome` and
/// `otel.status_code`.
pub fn ended(span: &Span, outcome: &'static str, well: bool) {
    span.record("call.outcome", outcome);
    if !well {
        span.record("otel.status_code", "ERROR");
    }
}
