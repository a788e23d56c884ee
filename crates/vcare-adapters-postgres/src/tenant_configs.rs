//! The tenants' settings, inside a transaction.

use async_trait::async_trait;
use diesel::dsl::case_when;
use diesel::prelude::{ExpressionMethods, QueryDsl, QueryableByName};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use vcare_app::ports::{StoreError, TenantConfigs, TenantHas};
use vcare_domain::{TenantConfig, Version};

use crate::errors::store_error;
use crate::queries::{Lock, configs};
use crate::rows::{TenantConfigRow, version_number};
use crate::schema::{async_upload, async_visit, tenant_config, virtual_session};
use crate::unit_of_work::PgUnitOfWork;

pub(crate) struct PgTenantConfigs<'t>(pub(crate) &'t mut PgUnitOfWork);

/// What is one tenant's stands in an index of its own.
fn told(error: Error) -> StoreError {
    let index = match &error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, information) => information.constraint_name(),
        _ => None,
    };
    match index {
        Some("tenant_config_by_path") => StoreError::Taken { field: "jitsiTenant" },
        Some("tenant_config_prefix_once") => StoreError::Taken { field: "roomSlugPrefix" },
        _ => store_error(error),
    }
}

#[async_trait]
impl TenantConfigs for PgTenantConfigs<'_> {
    async fn find(&mut self) -> Result<Option<TenantConfig>, StoreError> {
        let (conn, tenant) = self.0.parts();
        configs::one(conn, configs::of(tenant), Lock::NoKeyUpdate).await
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
            // Whoever goes on with a prefix that others have too may; whoever leaves it does not come back.
            let goes_on = tenant_config::room_slug_prefix.eq(config.room_slug_prefix());
            let shared = case_when(goes_on, tenant_config::shared_room_slug_prefix);
            let changes = (row, tenant_config::shared_room_slug_prefix.eq(shared), tenant_config::updated_at.eq(now));
            diesel::update(older).set(changes).execute(conn).await.map_err(told)?
        };
        if written != 1 {
            return Err(StoreError::Conflict);
        }
        self.0.write_config_event(config, changed_fields, now).await
    }

    async fn delete(&mut self) -> Result<TenantHas, StoreError> {
        let (conn, tenant) = self.0.parts();
        let deleted: Vec<DeletedRow> = diesel::sql_query("SELECT tenant_id FROM delete_tenant_config() AS tenant_id")
            .load(conn)
            .await
            .map_err(store_error)?;
        if deleted.iter().any(|row| row.tenant_id == tenant.as_str()) {
            return Ok(TenantHas::default());
        }
        let live: i64 = virtual_session::table
            .filter(virtual_session::tenant_id.eq(tenant.as_str()))
            .count()
            .get_result(conn)
            .await
            .map_err(store_error)?;
        let without_link: i64 = async_visit::table
            .filter(async_visit::tenant_id.eq(tenant.as_str()))
            .count()
            .get_result(conn)
            .await
            .map_err(store_error)?;
        let uploads: i64 = async_upload::table
            .filter(async_upload::tenant_id.eq(tenant.as_str()))
            .filter(async_upload::state.ne("discarded"))
            .count()
            .get_result(conn)
            .await
            .map_err(store_error)?;
        let counted = |count: i64| u64::try_from(count).unwrap_or(0);
        let has = TenantHas { visits: counted(live) + counted(without_link), uploads: counted(uploads) };
        // It had some a moment ago.
        if has == TenantHas::default() { Err(StoreError::Conflict) } else { Ok(has) }
    }
}

#[derive(QueryableByName)]
struct DeletedRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
}
