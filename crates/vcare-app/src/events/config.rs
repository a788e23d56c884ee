//! Turns a change of a tenant's settings into its event.

use time::OffsetDateTime;
use vcare_domain::{EventId, TenantConfig};

use crate::actor::Scope;
use crate::events::CloudEvent;
use crate::events::data::ConfigUpdated;
use crate::timestamp::Timestamp;

/// The subject of [`config_event`].
pub const CONFIG_UPDATED: &str = "virtual_care.config.updated.v1";

/// The published form of a change of settings: what was changed by name, and never to what.
#[must_use]
pub fn config_event(
    config: &TenantConfig,
    changed_fields: &[&'static str],
    at: OffsetDateTime,
    id: EventId,
    scope: &Scope,
) -> CloudEvent<ConfigUpdated> {
    let data = ConfigUpdated {
        changed_fields: changed_fields.to_vec(),
        actor_id: scope.actor.id(),
        occurred_at: Timestamp(at),
        version: config.version().get(),
    };
    CloudEvent::new(CONFIG_UPDATED, id, at, scope, data)
}
