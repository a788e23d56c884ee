//! Connections: each takes one role when it is made, and remembers which tenant it is bound to.

use std::time::Duration;

use bb8::{ErrorSink, ManageConnection, Pool, PooledConnection};
use diesel::ConnectionError;
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use vcare_app::ports::StoreError;
use vcare_domain::TenantId;

use crate::config::{PgConfig, PgSecret};
use crate::errors::{pool_error, store_error};

/// What a connection may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseRole {
    /// One tenant's rows.
    Api,
    /// Outbox and durable work of all tenants.
    System,
    /// What is stuck, in all tenants; to read only.
    Operator,
}

impl DatabaseRole {
    const fn name(self) -> &'static str {
        match self {
            Self::Api => "vcare_api",
            Self::System => "vcare_system",
            Self::Operator => "vcare_operator",
        }
    }
}

/// A connection and the tenant it is bound to.
pub(crate) struct Connection {
    pub(crate) pg: AsyncPgConnection,
    tenant: Option<TenantId>,
}

diesel::define_sql_function! {
    fn set_config(name: diesel::sql_types::Text, value: diesel::sql_types::Text, local: diesel::sql_types::Bool)
        -> diesel::sql_types::Text;
}

impl Connection {
    /// Binds the connection to a tenant: row-level security shows that tenant's rows and no others. Costs a round trip only
    /// when the tenant differs from the last one.
    async fn bind(&mut self, tenant: &TenantId) -> Result<(), StoreError> {
        if self.tenant.as_ref() == Some(tenant) {
            return Ok(());
        }
        self.tenant = None;
        let bound: String = diesel::select(set_config("vcare.tenant_id", tenant.as_str(), false))
            .get_result(&mut self.pg)
            .await
            .map_err(store_error)?;
        debug_assert_eq!(bound, tenant.as_str());
        self.tenant = Some(tenant.clone());
        Ok(())
    }
}

/// Makes connections for one role.
#[derive(Debug, Clone)]
pub(crate) struct Manager {
    url: PgSecret,
    role: DatabaseRole,
    statement_timeout: Duration,
}

impl Manager {
    pub(crate) fn new(config: &PgConfig, role: DatabaseRole) -> Self {
        Self { url: config.url.clone(), role, statement_timeout: config.statement_timeout }
    }

    pub(crate) async fn establish(&self) -> Result<AsyncPgConnection, diesel::result::Error> {
        let mut pg = AsyncPgConnection::establish(self.url.expose()).await.map_err(refused)?;
        let setup = format!(
            "SET ROLE {}; SET statement_timeout = {}; SET idle_in_transaction_session_timeout = 15000; SET TIME ZONE 'UTC'",
            self.role.name(),
            self.statement_timeout.as_millis(),
        );
        pg.batch_execute(&setup).await?;
        Ok(pg)
    }
}

/// A refused connection says why only in its text, and that text can hold the address.
fn refused(_: ConnectionError) -> diesel::result::Error {
    diesel::result::Error::DatabaseError(
        diesel::result::DatabaseErrorKind::UnableToSendCommand,
        Box::new("cannot connect to the database".to_owned()),
    )
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = diesel::result::Error;

    async fn connect(&self) -> Result<Connection, Self::Error> {
        Ok(Connection { pg: self.establish().await?, tenant: None })
    }

    /// No round trip: a connection the server has closed is known to be closed.
    async fn is_valid(&self, conn: &mut Connection) -> Result<(), Self::Error> {
        if conn.pg.is_broken() { Err(diesel::result::Error::BrokenTransactionManager) } else { Ok(()) }
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        conn.pg.is_broken()
    }
}

/// bb8 retries failing connects silently until the timeout; this makes them visible.
#[derive(Debug, Clone, Copy)]
struct CountAndLog;

impl ErrorSink<diesel::result::Error> for CountAndLog {
    fn sink(&self, error: diesel::result::Error) {
        metrics::counter!("vcare_database_connect_errors_total").increment(1);
        tracing::warn!(error = &error as &dyn std::error::Error, "a database connection failed");
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<diesel::result::Error>> {
        Box::new(*self)
    }
}

/// A pool of connections of one role.
#[derive(Clone)]
pub(crate) struct Connections(Pool<Manager>);

/// A connection out of the pool.
pub(crate) type Pooled = PooledConnection<'static, Manager>;

impl Connections {
    pub(crate) fn new(config: &PgConfig, role: DatabaseRole) -> Self {
        let max = match role {
            DatabaseRole::Api => config.max_connections,
            DatabaseRole::System => config.max_system_connections,
            // One person at a terminal.
            DatabaseRole::Operator => 1,
        };
        let pool = Pool::builder()
            .max_size(max)
            .min_idle(Some(0))
            .test_on_check_out(true)
            .connection_timeout(config.connection_timeout)
            .idle_timeout(Some(Duration::from_secs(300)))
            .max_lifetime(Some(Duration::from_secs(1800)))
            .error_sink(Box::new(CountAndLog))
            .build_unchecked(Manager::new(config, role));
        Self(pool)
    }

    /// A connection that is bound to no tenant: of the API's role it sees no row, of the others what their role sees of all.
    pub(crate) async fn unbound(&self) -> Result<Pooled, StoreError> {
        let begun = std::time::Instant::now();
        let conn = self.0.get_owned().await.map_err(pool_error)?;
        metrics::histogram!("vcare_pool_wait_seconds").record(begun.elapsed().as_secs_f64());
        Ok(conn)
    }

    /// A connection bound to a tenant.
    pub(crate) async fn tenant(&self, tenant: &TenantId) -> Result<Pooled, StoreError> {
        let mut conn = self.unbound().await?;
        conn.bind(tenant).await?;
        Ok(conn)
    }
}
