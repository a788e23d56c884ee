//! The migrations, embedded.

use diesel::RunQueryDsl;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::config::PgConfig;
use crate::connect::{ConnectError, connect_to};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Held while migrating, so that two migrators do not meet. A number of our own.
const MIGRATION_LOCK: i64 = 0x7663_6172_6501;

/// Why a database was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// It cannot be reached; the address is not repeated here.
    #[error("cannot connect to the database")]
    Connect(#[from] ConnectError),
    /// A migration failed; it was undone.
    #[error("migration failed: {0}")]
    Failed(String),
}

fn failed(error: impl std::fmt::Display) -> MigrateError {
    MigrateError::Failed(error.to_string())
}

async fn with_connection<T: Send + 'static>(
    config: &PgConfig,
    work: impl FnOnce(&mut AsyncConnectionWrapper<AsyncPgConnection>) -> Result<T, MigrateError> + Send + 'static,
) -> Result<T, MigrateError> {
    let conn = connect_to(config).await?;
    // The wrapper blocks; it may not do so on a thread that drives other tasks.
    let done = tokio::task::spawn_blocking(move || work(&mut conn.into()));
    done.await.map_err(failed)?
}

/// Runs what has not been run and answers the names of what was run, in order. Two at once are safe.
///
/// # Errors
/// [`MigrateError`]; a failed migration leaves the database as it was before it.
pub async fn migrate(config: &PgConfig) -> Result<Vec<String>, MigrateError> {
    with_connection(config, |conn| {
        diesel::sql_query("SELECT pg_advisory_lock($1)")
            .bind::<diesel::sql_types::BigInt, _>(MIGRATION_LOCK)
            .execute(conn)
            .map_err(failed)?;
        let pending = pending(conn)?;
        conn.run_pending_migrations(MIGRATIONS).map_err(failed)?;
        Ok(pending)
    })
    .await
}

/// What a login is let do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginPurpose {
    /// Run the service.
    Service,
    /// Run the operators' tool, which does what the service does and looks into all tenants for what is stuck.
    Operator,
}

impl LoginPurpose {
    const fn roles(self) -> &'static str {
        match self {
            Self::Service => "vcare_api, vcare_system, vcare_eraser",
            Self::Operator => "vcare_api, vcare_system, vcare_operator, vcare_eraser",
        }
    }
}

/// Lets a login do that: makes it a member of the roles that it takes on. It needs no other right, and should own nothing.
///
/// # Errors
/// [`MigrateError`]; also when there is no such login.
pub async fn allow_login(config: &PgConfig, login: &str, purpose: LoginPurpose) -> Result<(), MigrateError> {
    let quoted = format!("\"{}\"", login.replace('"', "\"\""));
    with_connection(config, move |conn| {
        let grant = format!("GRANT {} TO {quoted}", purpose.roles());
        diesel::sql_query(grant).execute(conn).map(drop).map_err(failed)
    })
    .await
}

/// The names of the migrations that this database lacks.
///
/// # Errors
/// [`MigrateError`].
pub async fn pending_migrations(config: &PgConfig) -> Result<Vec<String>, MigrateError> {
    with_connection(config, pending).await
}

fn pending(conn: &mut AsyncConnectionWrapper<AsyncPgConnection>) -> Result<Vec<String>, MigrateError> {
    let applied = conn.applied_migrations().map_err(failed)?;
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(failed)?;
    let lacking = known.iter().filter(|migration| !applied.contains(&migration.name().version()));
    Ok(lacking.map(|migration| migration.name().to_string()).collect())
}
