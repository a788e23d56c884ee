//! Rows as stored. They are not trusted: turning one into an aggregate can fail, and names table and column.

mod addenda;
mod ai_draft;
mod async_visit;
mod async_visit_texts;
mod documents;
pub(crate) mod encrypted;
mod first_submission;
mod reasons;
mod session;
mod session_texts;
mod tenant_config;
mod upload;

pub(crate) use ai_draft::{AiDraftRow, NewAiDraftRow, seal_draft};
pub(crate) use async_visit::{AsyncVisitChanges, AsyncVisitRow, NewAsyncVisitRow};
pub(crate) use async_visit_texts::AsyncVisitTexts;
pub(crate) use first_submission::{FirstSubmissionRow, keyed_content_hash, seal_original};
pub(crate) use reasons::{NO_NOTE, noted, reason};
pub(crate) use session::{NewSessionRow, SessionChanges, SessionRow, stored_status};
pub(crate) use session_texts::SessionTexts;
pub(crate) use tenant_config::TenantConfigRow;
pub(crate) use upload::{UploadChanges, UploadRow};

use std::sync::Arc;

use vcare_app::ports::{RecordCipher, SecretsError, StoreError};
use vcare_domain::Version;

/// An aggregate out of its row, and what encrypts with the key that its texts were decrypted with.
pub(crate) struct Restored<A> {
    pub(crate) aggregate: A,
    /// `None` when the record has no key, or none any more.
    pub(crate) cipher: Option<Arc<dyn RecordCipher>>,
    /// Why the texts could not be decrypted: the aggregate is without them.
    pub(crate) unread: Option<SecretsError>,
}

impl<A> Restored<A> {
    /// The aggregate, for reading. That its texts could not be decrypted is counted and logged.
    pub(crate) fn readable(self) -> A {
        if let Some(error) = &self.unread {
            metrics::counter!("vcare_encrypted_texts_unread_total").increment(1);
            tracing::warn!(error = error as &dyn std::error::Error, "what is written in a session cannot be decrypted");
        }
        self.aggregate
    }
}

/// Reads a stored version.
pub(crate) fn version(table: &'static str, number: i32) -> Result<Version, StoreError> {
    u32::try_from(number).map(Version::new).map_err(|_| StoreError::Corrupt { table, column: "version" })
}

/// A version as stored.
pub(crate) fn version_number(version: Version) -> i32 {
    i32::try_from(version.get()).unwrap_or(i32::MAX)
}
