//! Tenants' sealed secrets, and the versions of their derived keys.

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, QueryDsl, QueryableByName};
use diesel::sql_types::{Binary, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use vcare_app::ports::{
    KeptSecrets, KeyPurpose, KeyVersions, PreparedSecret, SealedSecret, SealedSecrets, SecretName, StoreError,
    StoredKey, StoredSecret, StoredSecrets, TenantNames,
};
use vcare_domain::TenantId;

use crate::config::PgConfig;
use crate::connection::{Connections, DatabaseRole};
use crate::errors::store_error;
use crate::jobs::PgJobQueue;
use crate::schema::{tenant_config, tenant_secret};
use crate::store::PgStore;
use crate::unit_of_work::PgUnitOfWork;

/// All of a tenant's rows in one statement: it is asked in the middle of requests.
const ALL: &str = "
SELECT 'secret' AS kind, name AS name, version AS newest, version AS oldest, key_id, sealed, created_at AS since
  FROM tenant_secret WHERE tenant_id = $1
UNION ALL
SELECT 'key', purpose, current_version, oldest_version, NULL, NULL, updated_at FROM tenant_key WHERE tenant_id = $1
UNION ALL
SELECT 'settings', '', 1, 1, NULL, NULL, updated_at FROM tenant_config WHERE tenant_id = $1";

/// The current version of a key that was never rotated is 1 without a row; `oldest_version` stays: what was signed before
/// is still good.
const ROTATE: &str = "
INSERT INTO tenant_key (tenant_id, purpose, current_version, oldest_version, updated_at) VALUES ($1, $2, 2, 1, $3)
ON CONFLICT (tenant_id, purpose) DO UPDATE
   SET current_version = tenant_key.current_version + 1, updated_at = excluded.updated_at
RETURNING current_version AS newest, oldest_version AS oldest";

const RETIRE: &str = "
INSERT INTO tenant_key (tenant_id, purpose, current_version, oldest_version, updated_at) VALUES ($1, $2, 1, 1, $3)
ON CONFLICT (tenant_id, purpose) DO UPDATE
   SET oldest_version = tenant_key.current_version, updated_at = excluded.updated_at
RETURNING current_version AS newest, oldest_version AS oldest";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(embed)]
    versions: VersionsRow,
    #[diesel(sql_type = Nullable<Text>)]
    key_id: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    sealed: Option<Vec<u8>>,
    #[diesel(sql_type = Timestamptz)]
    since: OffsetDateTime,
}

#[derive(QueryableByName)]
struct VersionsRow {
    #[diesel(sql_type = Integer)]
    newest: i32,
    #[diesel(sql_type = Integer)]
    oldest: i32,
}

impl VersionsRow {
    fn restore(&self, table: &'static str) -> Result<KeyVersions, StoreError> {
        let number = |value: i32| u32::try_from(value).map_err(|_| StoreError::Corrupt { table, column: "version" });
        Ok(KeyVersions { current: number(self.newest)?, oldest: number(self.oldest)? })
    }
}

/// What is kept of tenants' secrets, over connections of its own: who asks for it may hold one of the store's and wait for it.
#[derive(Clone)]
pub struct PgSealedSecrets {
    connections: Connections,
}

/// It is asked once for each tenant in half a minute.
const CONNECTIONS: u32 = 2;

impl PgSealedSecrets {
    /// Connects when it is first used.
    #[must_use]
    pub fn new(config: &PgConfig) -> Self {
        Self { connections: Connections::at_most(CONNECTIONS, config, DatabaseRole::Api) }
    }
}

#[async_trait]
impl SealedSecrets for PgStore {
    async fn secrets_of(&self, tenant: &TenantId) -> Result<StoredSecrets, StoreError> {
        self.secrets.secrets_of(tenant).await
    }
}

#[async_trait]
impl SealedSecrets for PgSealedSecrets {
    async fn secrets_of(&self, tenant: &TenantId) -> Result<StoredSecrets, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let rows: Vec<Row> =
            diesel::sql_query(ALL).bind::<Text, _>(tenant.as_str()).load(&mut conn.pg).await.map_err(store_error)?;
        let mut kept = StoredSecrets::default();
        for row in rows {
            match row.kind.as_str() {
                "secret" => kept.sealed.push(secret(row)?),
                "key" => kept.keys.extend(key(&row)?),
                _ => kept.configured = true,
            }
        }
        Ok(kept)
    }
}

/// With the role of background work, which sees the names of all tenants, and of their settings the video backend alone.
#[async_trait]
impl TenantNames for PgJobQueue {
    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let names: Vec<String> =
            tenant_config::table.select(tenant_config::tenant_id).load(&mut conn.pg).await.map_err(store_error)?;
        let corrupt = |_| StoreError::Corrupt { table: "tenant_config", column: "tenant_id" };
        names.into_iter().map(|name| TenantId::parse(name).map_err(corrupt)).collect()
    }
}

fn secret(row: Row) -> Result<StoredSecret, StoreError> {
    let corrupt = |column| StoreError::Corrupt { table: "tenant_secret", column };
    let sealed = SealedSecret {
        version: row.versions.restore("tenant_secret")?.current,
        key_id: row.key_id.ok_or(corrupt("key_id"))?,
        bytes: row.sealed.ok_or(corrupt("sealed"))?,
    };
    Ok(StoredSecret { name: SecretName::from_name(&row.name).ok_or(corrupt("name"))?, sealed, since: row.since })
}

/// A key for a purpose that only a later version of the service knows is none of ours.
fn key(row: &Row) -> Result<Option<StoredKey>, StoreError> {
    let Some(purpose) = KeyPurpose::from_name(&row.name) else { return Ok(None) };
    Ok(Some(StoredKey { purpose, versions: row.versions.restore("tenant_key")?, since: row.since }))
}

pub(crate) struct PgSecrets<'t>(pub(crate) &'t mut PgUnitOfWork);

impl PgSecrets<'_> {
    async fn change_key(
        &mut self,
        statement: &str,
        purpose: KeyPurpose,
        at: OffsetDateTime,
    ) -> Result<KeyVersions, StoreError> {
        let (conn, tenant) = self.0.parts();
        let row: VersionsRow = diesel::sql_query(statement)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(purpose.as_str())
            .bind::<Timestamptz, _>(at)
            .get_result(conn)
            .await
            .map_err(store_error)?;
        row.restore("tenant_key")
    }
}

#[async_trait]
impl KeptSecrets for PgSecrets<'_> {
    async fn put(&mut self, secret: &PreparedSecret, at: OffsetDateTime) -> Result<(), StoreError> {
        let PreparedSecret { name, sealed } = secret;
        let version = i32::try_from(sealed.version).map_err(|_| StoreError::Conflict)?;
        let (conn, tenant) = self.0.parts();
        let values = (
            tenant_secret::version.eq(version),
            tenant_secret::key_id.eq(&sealed.key_id),
            tenant_secret::sealed.eq(&sealed.bytes),
            tenant_secret::created_at.eq(at),
        );
        if version == 1 {
            let row = (tenant_secret::tenant_id.eq(tenant.as_str()), tenant_secret::name.eq(name.as_str()), values);
            // Not a failed statement when there is a row already: the transaction is the caller's to go on with.
            let insert = diesel::insert_into(tenant_secret::table).values(row).on_conflict_do_nothing();
            return one(insert.execute(conn).await.map_err(store_error)?);
        }
        let row =
            tenant_secret::table.find((tenant.as_str(), name.as_str())).filter(tenant_secret::version.eq(version - 1));
        one(diesel::update(row).set(values).execute(conn).await.map_err(store_error)?)
    }

    async fn remove(&mut self, name: SecretName) -> Result<bool, StoreError> {
        let (conn, tenant) = self.0.parts();
        let row = tenant_secret::table.find((tenant.as_str(), name.as_str()));
        Ok(diesel::delete(row).execute(conn).await.map_err(store_error)? > 0)
    }

    async fn rotate(&mut self, purpose: KeyPurpose, at: OffsetDateTime) -> Result<KeyVersions, StoreError> {
        self.change_key(ROTATE, purpose, at).await
    }

    async fn retire(&mut self, purpose: KeyPurpose, at: OffsetDateTime) -> Result<KeyVersions, StoreError> {
        self.change_key(RETIRE, purpose, at).await
    }
}

fn one(written: usize) -> Result<(), StoreError> {
    if written == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}
