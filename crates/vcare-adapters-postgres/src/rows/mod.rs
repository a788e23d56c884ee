//! Rows as stored. They are not trusted: turning one into an aggregate can fail, and names table and column.

mod addenda;
mod ai_draft;
mod async_visit;
mod documents;
mod reasons;
mod session;
mod tenant_config;
mod upload;

pub(crate) use ai_draft::{AiDraftRow, NewAiDraftRow};
pub(crate) use async_visit::{AsyncVisitChanges, AsyncVisitRow, FirstSubmissionRow, NewAsyncVisitRow, restore_first};
pub(crate) use reasons::{noted, reason};
pub(crate) use session::{NewSessionRow, SessionChanges, SessionRow, stored_status};
pub(crate) use tenant_config::TenantConfigRow;
pub(crate) use upload::{UploadChanges, UploadRow};

use vcare_app::ports::StoreError;
use vcare_domain::Version;

/// Reads a stored version.
pub(crate) fn version(table: &'static str, number: i32) -> Result<Version, StoreError> {
    u32::try_from(number).map(Version::new).map_err(|_| StoreError::Corrupt { table, column: "version" })
}

/// A version as stored.
pub(crate) fn version_number(version: Version) -> i32 {
    i32::try_from(version.get()).unwrap_or(i32::MAX)
}
