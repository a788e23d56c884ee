//! How the database is reached, and whether anybody takes up the work that is due: for who looks after it.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use time::{Duration, OffsetDateTime};
use vcare_app::ports::{JobKind, StoreError};

use crate::address::PgAddress;
use crate::config::PgConfig;
use crate::connect::{ConnectError, connect};
use crate::errors::store_error;
use crate::jobs::PgJobQueue;

/// How a connection to the database is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionProtection {
    /// Whether a host is another machine than this one.
    pub leaves_this_machine: bool,
    /// Whether the address insists on encryption.
    pub insists_on_tls: bool,
    /// Whether the server says that this connection is encrypted.
    pub encrypted: bool,
}

/// Makes a connection and looks how it is protected.
///
/// # Errors
/// [`ConnectError`].
pub async fn connection_protection(config: &PgConfig) -> Result<ConnectionProtection, ConnectError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        encrypted: bool,
    }
    let mut address = PgAddress::of(config)?;
    address.patience = Some(config.connection_timeout);
    let mut pg = connect(&address).await?;
    // As the login itself: a role that it takes on may not see this.
    let question = "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted";
    let row: Row = diesel::sql_query(question).get_result(&mut pg).await?;
    Ok(ConnectionProtection {
        leaves_this_machine: address.leaves_this_machine(),
        insists_on_tls: address.insists_on_tls(),
        encrypted: row.encrypted,
    })
}

/// Work of a kind that is due for longer than it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverdueJobs {
    /// The kind.
    pub kind: JobKind,
    /// How many are overdue.
    pub count: u64,
    /// Since when the first of them is due.
    pub oldest: OffsetDateTime,
    /// Whether a worker has tried one of this kind since: they wait for their turn, or for a neighbour.
    pub worked: bool,
}

/// A job that a worker took is due again when its lease runs out, or when it was given back for a later time: ahead, or not
/// long ago. An attempt of the request that stored it is the first one, so that only a second one is a worker's.
const OVERDUE: &str = "
SELECT kind, count(*) FILTER (WHERE due_at < $1) AS overdue, min(due_at) AS oldest,
       coalesce(bool_or(due_at >= $1 AND attempts > 1), false) AS worked
  FROM retry_job
 WHERE state = 'open'
 GROUP BY kind
HAVING min(due_at) < $1
 ORDER BY kind";

#[derive(QueryableByName)]
struct OverdueRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    overdue: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<OffsetDateTime>,
    #[diesel(sql_type = Bool)]
    worked: bool,
}

impl PgJobQueue {
    /// Jobs of all tenants that were due that long before `now` and that nobody holds, by kind.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn overdue(&self, now: OffsetDateTime, by: Duration) -> Result<Vec<OverdueJobs>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let rows: Vec<OverdueRow> = diesel::sql_query(OVERDUE)
            .bind::<Timestamptz, _>(now - by)
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        // A kind that only a later version knows is its workers'.
        let known = rows.into_iter().filter_map(|row| {
            let kind = JobKind::from_name(&row.kind)?;
            let count = u64::try_from(row.overdue).unwrap_or(0);
            Some(OverdueJobs { kind, count, oldest: row.oldest?, worked: row.worked })
        });
        Ok(known.collect())
    }
}
