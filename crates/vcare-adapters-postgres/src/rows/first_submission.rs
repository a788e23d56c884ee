//! A draft's first arrival, as it is stored with the visit.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::{Queryable, Selectable};
use diesel::sql_types::{Binary, Nullable};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{FirstSubmission, RecordCipher, RecordId, RecordKeys, StoreError};
use vcare_domain::{PatientId, TenantId, UserId};

use crate::record_keys::{Custody, custody_of};
use crate::schema::async_visit;

/// The value's name, which it is encrypted as.
const ORIGINAL: &str = "async_visit.original_sealed";

/// What is read of it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = async_visit, check_for_backend(diesel::pg::Pg))]
pub(crate) struct FirstSubmissionRow {
    tenant_id: String,
    id: Uuid,
    patient_id: String,
    submitted_by: String,
    content_hash: Vec<u8>,
    original_body: Vec<u8>,
    original_sealed: Option<Vec<u8>>,
    erased_at: Option<OffsetDateTime>,
    #[diesel(select_expression = sql::<Nullable<Binary>>(custody_of!("async_visit", "id")))]
    #[diesel(select_expression_type = SqlLiteral<Nullable<Binary>>)]
    custody: Option<Vec<u8>>,
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "async_visit", column }
}

/// The hash of what was submitted as it is stored.
pub(crate) fn keyed_content_hash(cipher: &dyn RecordCipher, content_hash: &[u8; 32]) -> [u8; 32] {
    cipher.mac("async_visit.content_hash", content_hash)
}

/// The answer to a submission as it is stored.
pub(crate) fn seal_original(cipher: &dyn RecordCipher, body: &[u8]) -> Result<Vec<u8>, StoreError> {
    Ok(cipher.seal(ORIGINAL, body)?)
}

impl FirstSubmissionRow {
    /// The first arrival, decrypted. [`StoreError::SubjectErased`] when what was answered then was erased.
    pub(crate) async fn restore(
        self,
        keys: &dyn RecordKeys,
        content_hash: &[u8; 32],
    ) -> Result<FirstSubmission, StoreError> {
        let tenant = TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?;
        let patient_id = PatientId::parse(self.patient_id).map_err(|_| corrupt("patient_id"))?;
        let custody = Custody::read(self.custody.as_deref()).ok_or(corrupt("custody"))?;
        let (kept, body) = match (self.erased_at, custody, self.original_sealed) {
            (Some(_), ..) | (None, Custody::Erased(_), _) => return Err(StoreError::SubjectErased),
            // Of the version before.
            (None, _, None) => (*content_hash, self.original_body),
            (None, Custody::NoKey, Some(_)) => return Err(corrupt("original_sealed")),
            (None, Custody::Keys(wrapped), Some(sealed)) => {
                let record = RecordId { tenant: &tenant, patient: &patient_id, record: self.id };
                let cipher = keys.record_cipher(record, &wrapped).await?;
                (keyed_content_hash(&*cipher, content_hash), cipher.open(ORIGINAL, &sealed)?.expose().to_vec())
            }
        };
        Ok(FirstSubmission {
            patient_id,
            submitted_by: UserId::parse(self.submitted_by).map_err(|_| corrupt("submitted_by"))?,
            same_content: self.content_hash == kept,
            body,
        })
    }
}
