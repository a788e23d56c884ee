//! The two questions that are answered across tenants: whose room that is, and how it looks.

use diesel::prelude::QueryableByName;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;
use vcare_app::ports::StoreError;
use vcare_domain::{Branding, ConferenceName, CssHexColor, HttpsUrl, SessionId, TenantId};

use crate::errors::store_error;

#[derive(QueryableByName)]
struct RoomRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = SqlUuid)]
    session_id: Uuid,
}

#[derive(QueryableByName)]
struct BrandingRow {
    #[diesel(sql_type = Nullable<Text>)]
    branding_logo_url: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    branding_primary_color: Option<String>,
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "tenant_config", column }
}

/// The one visit that has that room. Two that share a name, which chance does not bring about, are as good as none.
pub(crate) async fn session_of_room(
    conn: &mut AsyncPgConnection,
    name: &ConferenceName,
) -> Result<Option<(TenantId, SessionId)>, StoreError> {
    let rows: Vec<RoomRow> = diesel::sql_query("SELECT tenant_id, session_id FROM session_of_room($1, $2)")
        .bind::<Nullable<Text>, _>(name.tenant.as_deref())
        .bind::<Text, _>(name.room.as_str())
        .load(conn)
        .await
        .map_err(store_error)?;
    let Ok([row]) = <[RoomRow; 1]>::try_from(rows) else { return Ok(None) };
    let tenant = TenantId::parse(row.tenant_id).map_err(|_| corrupt("tenant_id"))?;
    Ok(Some((tenant, SessionId::from_uuid(row.session_id))))
}

/// The branding of the one tenant that is meant.
pub(crate) async fn branding(
    conn: &mut AsyncPgConnection,
    tenant_path: Option<&str>,
    prefix: Option<&str>,
) -> Result<Option<Branding>, StoreError> {
    let query = "SELECT branding_logo_url, branding_primary_color FROM branding_of($1, $2)";
    let rows: Vec<BrandingRow> = diesel::sql_query(query)
        .bind::<Nullable<Text>, _>(tenant_path)
        .bind::<Nullable<Text>, _>(prefix)
        .load(conn)
        .await
        .map_err(store_error)?;
    let Ok([row]) = <[BrandingRow; 1]>::try_from(rows) else { return Ok(None) };
    let logo_url = row.branding_logo_url.as_deref().map(HttpsUrl::parse).transpose();
    let primary_color = row.branding_primary_color.as_deref().map(CssHexColor::parse).transpose();
    Ok(Some(Branding {
        logo_url: logo_url.map_err(|_| corrupt("branding_logo_url"))?,
        primary_color: primary_color.map_err(|_| corrupt("branding_primary_color"))?,
    }))
}
