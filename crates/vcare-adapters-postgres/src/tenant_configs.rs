//! The tenants' settings, inside a transaction.

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::RunQueryDsl;
use vcare_app::ports::{StoreError, TenantConfigs};
use vcare_domain::{TenantConfig, Version};

use crate::errors::store_error;
use crate::rows::{TenantConfigRow, version_number};
use crate::schema::tenant_config;
use crate::unit_of_work::PgUnitOfWork;

pub(crate) struct PgTenantConfigs<'t>(pub(crate) &'t mut PgUnitOfWork);

/// Whose path segment it is on a shared Jitsi stands in an index of its own.
fn told(error: Error) -> StoreError {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, information)
            if information.constraint_name() == Some("tenant_config_by_path") =>
        {
            StoreError::Taken { field: "jitsiTenant" }
        }
        _ => store_error(error),
    }
}

#[async_trait]
impl TenantConfigs for PgTenantConfigs<'_> {
    async fn find(&mut self) -> Result<Option<TenantConfig>, StoreError> {
        let (conn, tenant) = self.0.parts();
        let row = tenant_config::table
            .find(tenant.as_str())
            .select(TenantConfigRow::as_select())
            .for_no_key_update()
            .first(conn)
            .await
            .optional()
            .map_err(store_error)?;
        row.map(TenantConfigRow::restore).transpose()
    }

    async fn put(&mut self, config: &TenantConfig, changed_fields: &[&'static str]) -> Result<(), StoreError> {
        let row = TenantConfigRow::from(config);
        let now = self.0.now();
        let (conn, tenant) = self.0.parts();
        let written = if config.version() == Version::FIRST {
            diesel::insert_into(tenant_config::table)
                .values((row, tenant_config::updated_at.eq(now)))
                .execute(conn)
                .await
                .map_err(told)?
        } else {
            let older = tenant_config::table
                .find(tenant.as_str())
                .filter(tenant_config::version.eq(version_number(config.version()) - 1));
            diesel::update(older).set((row, tenant_config::updated_at.eq(now))).execute(conn).await.map_err(told)?
        };
        if written != 1 {
            return Err(StoreError::Conflict);
        }
        self.0.write_config_event(config, changed_fields, now).await
    }
}
