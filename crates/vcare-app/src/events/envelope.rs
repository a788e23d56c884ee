//! What every event carries.

use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use vcare_domain::EventId;

use crate::actor::Scope;
use crate::events::data::ACTOR_ID;
use crate::timestamp::Timestamp;

/// CloudEvents `source` of everything we publish. Consumers de-duplicate by `source` and `id`: it never changes.
pub const SOURCE: &str = "ghasi/virtual-care-service";

/// A CloudEvent with our extensions.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
pub struct CloudEvent<D> {
    /// Version of the CloudEvents specification.
    #[schemars(extend("const" = "1.0"))]
    specversion: &'static str,
    /// The event's id; also its `Nats-Msg-Id`. The same event may arrive twice, with the same id.
    #[schemars(extend("pattern" = "^evt_[0-9A-HJKMNP-TV-Z]{26}$"))]
    id: String,
    /// Who publishes.
    #[schemars(extend("const" = SOURCE))]
    source: &'static str,
    /// What happened.
    r#type: &'static str,
    /// The NATS subject: the same as `type`.
    subject: &'static str,
    /// When it happened.
    time: Timestamp,
    /// Media type of `data`.
    #[schemars(extend("const" = "application/json"))]
    datacontenttype: &'static str,
    /// The tenant.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_.-]{1,64}$"))]
    tenantid: String,
    /// Who caused it: an account, a participant, or the service.
    #[schemars(extend("pattern" = ACTOR_ID))]
    actorid: String,
    /// The request that caused it.
    #[schemars(extend("pattern" = "^[!-~]{1,128}$"))]
    correlationid: String,
    /// W3C trace context of that request.
    #[schemars(extend("pattern" = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"))]
    traceparent: String,
    /// What there is to know about it.
    data: D,
}

impl<D: Serialize> CloudEvent<D> {
    /// Wraps `data` as an event of that type.
    #[must_use]
    pub fn new(kind: &'static str, id: EventId, at: OffsetDateTime, scope: &Scope, data: D) -> Self {
        Self {
            specversion: "1.0",
            id: id.to_string(),
            source: SOURCE,
            r#type: kind,
            subject: kind,
            time: Timestamp(at),
            datacontenttype: "application/json",
            tenantid: scope.tenant_id.to_string(),
            actorid: scope.actor.id(),
            correlationid: scope.trace.correlation_id.clone(),
            traceparent: scope.trace.traceparent.clone(),
            data,
        }
    }

    /// The event's type, which is its subject.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.r#type
    }
}
