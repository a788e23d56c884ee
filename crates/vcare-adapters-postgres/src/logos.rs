//! Our copies of tenants' logos.

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use vcare_app::ports::{Logo, StoreError, StoredLogo, TenantLogos};
use vcare_domain::{MediaType, TenantId};

use crate::errors::store_error;
use crate::schema::tenant_logo;
use crate::unit_of_work::PgUnitOfWork;

pub(crate) struct PgTenantLogos<'t>(pub(crate) &'t mut PgUnitOfWork);

/// The copy that there is.
pub(crate) async fn find(conn: &mut AsyncPgConnection, tenant: &TenantId) -> Result<Option<StoredLogo>, StoreError> {
    let row: Option<(String, String, Vec<u8>)> = tenant_logo::table
        .find(tenant.as_str())
        .select((tenant_logo::source_url, tenant_logo::media_type, tenant_logo::bytes))
        .first(conn)
        .await
        .optional()
        .map_err(store_error)?;
    let restore = |(source_url, media_type, bytes): (String, String, Vec<u8>)| {
        let media_type = [MediaType::Png, MediaType::Jpeg].into_iter().find(|known| known.as_str() == media_type);
        let media_type = media_type.ok_or(StoreError::Corrupt { table: "tenant_logo", column: "media_type" })?;
        Ok(StoredLogo { source_url, logo: Logo { media_type, bytes } })
    };
    row.map(restore).transpose()
}

#[async_trait]
impl TenantLogos for PgTenantLogos<'_> {
    async fn find(&mut self) -> Result<Option<StoredLogo>, StoreError> {
        let (conn, tenant) = self.0.parts();
        let tenant = tenant.clone();
        find(conn, &tenant).await
    }

    async fn put(&mut self, logo: &StoredLogo) -> Result<(), StoreError> {
        let now = self.0.now();
        let (conn, tenant) = self.0.parts();
        let values = (
            tenant_logo::source_url.eq(&logo.source_url),
            tenant_logo::media_type.eq(logo.logo.media_type.as_str()),
            tenant_logo::bytes.eq(&logo.logo.bytes),
            tenant_logo::fetched_at.eq(now),
        );
        diesel::insert_into(tenant_logo::table)
            .values((tenant_logo::tenant_id.eq(tenant.as_str()), values))
            .on_conflict(tenant_logo::tenant_id)
            .do_update()
            .set(values)
            .execute(conn)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    async fn remove(&mut self) -> Result<(), StoreError> {
        let (conn, tenant) = self.0.parts();
        diesel::delete(tenant_logo::table.find(tenant.as_str())).execute(conn).await.map_err(store_error)?;
        Ok(())
    }
}
