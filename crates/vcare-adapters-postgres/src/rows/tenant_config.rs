//! `tenant_config`.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use vcare_app::ports::StoreError;
use vcare_domain::{TenantConfig, TenantConfigDraft, TenantId};

use crate::rows::{version, version_number};
use crate::schema::tenant_config;

/// A tenant's settings.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = tenant_config, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct TenantConfigRow {
    tenant_id: String,
    version: i32,
    jitsi_server_url: String,
    jitsi_tenant: Option<String>,
    jitsi_xmpp_domain: String,
    jitsi_app_id: String,
    jitsi_audience: String,
    room_slug_prefix: String,
    max_participants: i32,
    session_grace_minutes_before: i32,
    session_grace_minutes_after: i32,
    time_zone: String,
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "tenant_config", column }
}

impl From<&TenantConfig> for TenantConfigRow {
    fn from(config: &TenantConfig) -> Self {
        let minutes = |duration: time::Duration| i32::try_from(duration.whole_minutes()).unwrap_or(i32::MAX);
        Self {
            tenant_id: config.tenant_id().to_string(),
            version: version_number(config.version()),
            jitsi_server_url: config.jitsi_server_url().as_str().to_owned(),
            jitsi_tenant: config.jitsi_tenant().map(ToOwned::to_owned),
            jitsi_xmpp_domain: config.jitsi_xmpp_domain().to_owned(),
            jitsi_app_id: config.jitsi_app_id().to_owned(),
            jitsi_audience: config.jitsi_audience().to_owned(),
            room_slug_prefix: config.room_slug_prefix().to_owned(),
            max_participants: i32::from(config.max_participants()),
            session_grace_minutes_before: minutes(config.grace_before()),
            session_grace_minutes_after: minutes(config.grace_after()),
            time_zone: config.time_zone().to_string(),
        }
    }
}

impl TenantConfigRow {
    pub(crate) fn restore(self) -> Result<TenantConfig, StoreError> {
        let number = |column, value: i32| u32::try_from(value).map_err(|_| corrupt(column));
        let draft = TenantConfigDraft {
            jitsi_server_url: self.jitsi_server_url,
            jitsi_tenant: self.jitsi_tenant,
            jitsi_xmpp_domain: self.jitsi_xmpp_domain,
            jitsi_app_id: self.jitsi_app_id,
            jitsi_audience: self.jitsi_audience,
            room_slug_prefix: self.room_slug_prefix,
            max_participants: number("max_participants", self.max_participants)?,
            session_grace_minutes_before: number("session_grace_minutes_before", self.session_grace_minutes_before)?,
            session_grace_minutes_after: number("session_grace_minutes_after", self.session_grace_minutes_after)?,
            time_zone: self.time_zone,
        };
        let tenant_id = TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?;
        TenantConfig::check(tenant_id, version("tenant_config", self.version)?, draft).map_err(|_| corrupt("*"))
    }
}
