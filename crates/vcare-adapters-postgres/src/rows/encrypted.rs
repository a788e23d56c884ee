//! JSON documents that are encrypted with a record's key, and what stands in the columns beside them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use vcare_app::ports::{RecordCipher, StoreError};

/// Stands in a column whose value is encrypted elsewhere in the row. The version before shows it as the value.
pub(crate) const ENCRYPTED: &str = "[encrypted]";

/// Encrypts a document as `what`.
pub(super) fn seal<D: Serialize>(cipher: &dyn RecordCipher, what: &str, document: &D) -> Result<Vec<u8>, StoreError> {
    let json =
        zeroize::Zeroizing::new(serde_json::to_vec(document).map_err(|error| StoreError::Faulty(Box::new(error)))?);
    Ok(cipher.seal(what, &json)?)
}

/// Decrypts a document that was encrypted as `what`.
pub(super) fn open<D: DeserializeOwned>(cipher: &dyn RecordCipher, what: &str, sealed: &[u8]) -> Result<D, StoreError> {
    let json = cipher.open(what, sealed)?;
    // The error would quote the document.
    serde_json::from_slice(json.expose())
        .map_err(|_| StoreError::Corrupt { table: "(encrypted)", column: "(document)" })
}
