//! The database's clock.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use vcare_app::ports::StoreError;

use crate::errors::store_error;

diesel::define_sql_function! {
    fn clock_timestamp() -> Timestamptz;
}

/// What it shows at that moment, and not when the transaction began.
pub(crate) async fn clock(pg: &mut AsyncPgConnection) -> Result<OffsetDateTime, StoreError> {
    diesel::select(clock_timestamp()).get_result(pg).await.map_err(store_error)
}
