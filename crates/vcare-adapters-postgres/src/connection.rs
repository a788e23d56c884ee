//! Connections: each takes one role when it is made, and remembers which tenant it is bound to, so that the next one who
//! is lent it is not bound by accident.

use std::sync::Arc;
use std::time::Duration;

use bb8::{ErrorSink, ManageConnection, Pool, PooledConnection};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use vcare_app::ports::StoreError;
use vcare_domain::TenantId;

use crate::address::PgAddress;
use crate::config::PgConfig;
use crate::connect::{ConnectError, LastFailure, connect};
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
    bound: Bound,
}

/// Whose rows row-level security shows on a connection.
#[derive(Debug, PartialEq, Eq)]
enum Bound {
    /// Nobody's.
    ToNobody,
    /// That tenant's.
    To(TenantId),
    /// It was being changed when whoever waited for that gave up, or when it failed.
    Unknown,
}

diesel::define_sql_function! {
    fn set_config(name: diesel::sql_types::Text, value: diesel::sql_types::Text, local: diesel::sql_types::Bool)
        -> diesel::sql_types::Text;
}

impl Connection {
    /// Binds the connection to a tenant: row-level security shows that tenant's rows and no others. Costs a round trip only
    /// when the tenant differs from the last one.
    async fn bind(&mut self, tenant: &TenantId) -> Result<(), StoreError> {
        if matches!(&self.bound, Bound::To(bound) if bound == tenant) {
            return Ok(());
        }
        self.set_tenant(tenant.as_str()).await?;
        self.bound = Bound::To(tenant.clone());
        Ok(())
    }

    /// Binds the connection to nobody. Costs a round trip only when it is bound to somebody.
    async fn unbind(&mut self) -> Result<(), StoreError> {
        if self.bound == Bound::ToNobody {
            return Ok(());
        }
        // No tenant is named like that. A setting that was set once cannot become unset again.
        self.set_tenant("").await?;
        self.bound = Bound::ToNobody;
        Ok(())
    }

    async fn set_tenant(&mut self, name: &str) -> Result<(), StoreError> {
        self.bound = Bound::Unknown;
        let set: String = diesel::select(set_config("vcare.tenant_id", name, false))
            .get_result(&mut self.pg)
            .await
            .map_err(store_error)?;
        debug_assert_eq!(set, name);
        Ok(())
    }
}

/// Makes connections for one role.
#[derive(Clone)]
pub(crate) struct Manager {
    /// When the address cannot be used, each connection fails with the reason: the process runs and is not ready.
    address: Result<PgAddress, ConnectError>,
    role: DatabaseRole,
    statement_timeout: Duration,
    last_failure: Arc<LastFailure>,
}

impl Manager {
    pub(crate) fn new(config: &PgConfig, role: DatabaseRole) -> Self {
        let mut address = PgAddress::of(config).map_err(ConnectError::from);
        if let Ok(address) = &mut address {
            // Shorter than the wait for a connection, so that the error says that the network was at fault.
            address.patience = Some(config.connection_timeout.mul_f32(0.8));
        }
        Self { address, role, statement_timeout: config.statement_timeout, last_failure: Arc::default() }
    }

    pub(crate) async fn establish(&self) -> Result<AsyncPgConnection, ConnectError> {
        let mut pg = connect(self.address.as_ref().map_err(ConnectError::clone)?).await?;
        let setup = format!(
            "SET ROLE {}; SET statement_timeout = {}; SET idle_in_transaction_session_timeout = 15000; SET TIME ZONE 'UTC'",
            self.role.name(),
            self.statement_timeout.as_millis(),
        );
        pg.batch_execute(&setup).await?;
        Ok(pg)
    }
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = ConnectError;

    async fn connect(&self) -> Result<Connection, Self::Error> {
        let made = self.establish().await;
        self.last_failure.note(made.as_ref().err().cloned());
        Ok(Connection { pg: made?, bound: Bound::ToNobody })
    }

    /// No round trip: a connection the server has closed is known to be closed.
    async fn is_valid(&self, conn: &mut Connection) -> Result<(), Self::Error> {
        if conn.pg.is_broken() { Err(ConnectError::new("the server closed the connection")) } else { Ok(()) }
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        conn.pg.is_broken()
    }
}

/// bb8 retries failing connects silently until the timeout; this makes them visible.
#[derive(Debug, Clone, Copy)]
struct CountAndLog;

impl ErrorSink<ConnectError> for CountAndLog {
    fn sink(&self, error: ConnectError) {
        metrics::counter!("vcare_database_connect_errors_total").increment(1);
        tracing::warn!(error = &error as &dyn std::error::Error, "a database connection failed");
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<ConnectError>> {
        Box::new(*self)
    }
}

/// A pool of connections of one role.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: Pool<Manager>,
    last_failure: Arc<LastFailure>,
}

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
        Self::at_most(max, config, role)
    }

    /// A pool of that many connections.
    pub(crate) fn at_most(max: u32, config: &PgConfig, role: DatabaseRole) -> Self {
        let manager = Manager::new(config, role);
        let last_failure = manager.last_failure.clone();
        let pool = Pool::builder()
            .max_size(max)
            .min_idle(Some(0))
            .test_on_check_out(true)
            .connection_timeout(config.connection_timeout)
            .idle_timeout(Some(Duration::from_secs(300)))
            .max_lifetime(Some(Duration::from_secs(1800)))
            .error_sink(Box::new(CountAndLog))
            .build_unchecked(manager);
        Self { pool, last_failure }
    }

    /// Why no connection could be made at the last attempt; `None` when it was made.
    pub(crate) fn not_connected(&self) -> Option<ConnectError> {
        self.last_failure.get()
    }

    /// A connection that is bound to no tenant, whoever had it before: of the API's role it sees no row, of the others what
    /// their role sees of all.
    pub(crate) async fn unbound(&self) -> Result<Pooled, StoreError> {
        let mut conn = self.lend().await?;
        conn.unbind().await?;
        Ok(conn)
    }

    /// A connection bound to a tenant.
    pub(crate) async fn tenant(&self, tenant: &TenantId) -> Result<Pooled, StoreError> {
        let mut conn = self.lend().await?;
        conn.bind(tenant).await?;
        Ok(conn)
    }

    /// A connection as whoever had it before left it.
    async fn lend(&self) -> Result<Pooled, StoreError> {
        let begun = std::time::Instant::now();
        let lent = self.pool.get_owned().await;
        let conn = lent.map_err(|error| pool_error(error, self.last_failure.get()))?;
        metrics::histogram!("vcare_pool_wait_seconds").record(begun.elapsed().as_secs_f64());
        Ok(conn)
    }
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::{BigInt, Text};
    use futures_util::FutureExt;
    use vcare_testkit::TestDatabase;

    use super::*;

    #[derive(diesel::QueryableByName)]
    struct Seen {
        #[diesel(sql_type = BigInt)]
        rows: i64,
        #[diesel(sql_type = Text)]
        tenant: String,
    }

    /// How many visits a connection shows, and the name of the tenant that it shows them of.
    async fn seen(conn: &mut Pooled) -> (i64, String) {
        let query = "SELECT count(*) AS rows, coalesce(current_setting('vcare.tenant_id', true), '') AS tenant FROM virtual_session";
        let seen: Seen = diesel::sql_query(query).get_result(&mut conn.pg).await.unwrap();
        (seen.rows, seen.tenant)
    }

    /// The only connection there is, to a database in which a hospital has a visit.
    async fn one_connection() -> (TestDatabase, Connections, TenantId) {
        let database = TestDatabase::create().await.unwrap();
        let visit = "INSERT INTO virtual_session (tenant_id, id, version, patient_id, initiator_id, video_backend, room_name,
                         room_url, status, scheduled_start, scheduled_end, time_zone, recording_enabled, participants,
                         segments, created_at, updated_at)
                     SELECT 'hosp-kabul', gen_random_uuid(), 1, 'pat-1', 'user-1', 'jitsi', 'kabul-abcdefgh',
                         'https://meet.example/kabul-abcdefgh', 'scheduled', now(), now() + interval '1 hour', 'UTC', false,
                         '[]', '[]', now(), now()";
        TestDatabase::execute(&database, visit, &[]).await.unwrap();
        let config = PgConfig { max_connections: 1, ..PgConfig::new(database.url()) };
        let connections = Connections::new(&config, DatabaseRole::Api);
        (database, connections, TenantId::parse("hosp-kabul").unwrap())
    }

    #[tokio::test]
    async fn a_connection_for_no_tenant_shows_no_row_of_the_tenant_that_had_it_before() {
        let (_database, connections, kabul) = one_connection().await;
        for _ in 0..2 {
            assert_eq!(seen(&mut connections.unbound().await.unwrap()).await, (0, String::new()));
            assert_eq!(seen(&mut connections.tenant(&kabul).await.unwrap()).await, (1, "hosp-kabul".to_owned()));
        }
        assert_eq!(seen(&mut connections.unbound().await.unwrap()).await, (0, String::new()));
    }

    #[tokio::test]
    async fn whoever_gave_up_while_a_connection_was_bound_leaves_it_to_nobody_and_to_the_next_one_alike() {
        let (_database, connections, kabul) = one_connection().await;
        // From here on the statement is known to the connection: what is sent first is what changes it.
        drop(connections.tenant(&kabul).await.unwrap());
        for next in [None, Some(&kabul)] {
            let mut conn = connections.unbound().await.unwrap();
            assert!(conn.bind(&kabul).now_or_never().is_none(), "the database has not answered yet");
            drop(conn);
            let conn = match next {
                None => connections.unbound().await,
                Some(tenant) => connections.tenant(tenant).await,
            };
            assert_eq!(seen(&mut conn.unwrap()).await.0, i64::from(next.is_some()));
        }
    }

    #[tokio::test]
    async fn a_tenant_that_comes_again_costs_no_further_question() {
        let (_database, connections, kabul) = one_connection().await;
        drop(connections.tenant(&kabul).await.unwrap());
        let mut conn = connections.lend().await.unwrap();
        assert_eq!(conn.bind(&kabul).now_or_never().map(|bound| bound.is_ok()), Some(true));
        conn.unbind().await.unwrap();
        assert_eq!(conn.unbind().now_or_never().map(|unbound| unbound.is_ok()), Some(true));
    }
}
