//! What people wrote in an async visit: encrypted, as one JSON document.

use serde::{Deserialize, Serialize};
use vcare_app::ports::{RecordCipher, StoreError};
use vcare_domain::{AsyncVisitParts, CodeDisplay, ComplaintCode, ERASED, Symptom};

use crate::rows::encrypted;

/// The value's name, which it is encrypted as.
const TEXTS: &str = "async_visit.sealed";

/// Everything that the patient and the clinicians wrote.
#[derive(Serialize, Deserialize)]
pub(crate) struct AsyncVisitTexts {
    pub(super) complaint: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) code: Option<CodeDocument>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) symptoms: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) response: Option<String>,
    /// In the order of the column `addenda`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) addenda: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct CodeDocument {
    pub(super) system: String,
    pub(super) code: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) display: Option<String>,
}

impl From<&ComplaintCode> for CodeDocument {
    fn from(code: &ComplaintCode) -> Self {
        Self {
            system: code.system.as_str().to_owned(),
            code: code.code.as_str().to_owned(),
            display: code.display.as_ref().map(CodeDisplay::as_str).map(str::to_owned),
        }
    }
}

impl AsyncVisitTexts {
    /// What is to be encrypted of a visit.
    pub(crate) fn of(visit: &AsyncVisitParts) -> Self {
        let response = visit.state.response();
        let addenda = response.map(|response| response.addenda.as_slice()).unwrap_or_default();
        Self {
            complaint: visit.chief_complaint.as_str().to_owned(),
            code: visit.complaint_code.as_ref().map(CodeDocument::from),
            symptoms: visit.symptoms.iter().map(Symptom::as_str).map(str::to_owned).collect(),
            response: response.map(|response| response.text.as_str().to_owned()),
            addenda: addenda.iter().map(|addendum| addendum.text.as_str().to_owned()).collect(),
        }
    }

    /// What is read of a visit whose texts were erased, with that many addenda.
    pub(super) fn erased(addenda: usize) -> Self {
        let erased = || ERASED.to_owned();
        Self {
            complaint: erased(),
            code: None,
            symptoms: Vec::new(),
            response: Some(erased()),
            addenda: std::iter::repeat_with(erased).take(addenda).collect(),
        }
    }

    /// The texts as they are stored.
    pub(crate) fn seal(&self, cipher: &dyn RecordCipher) -> Result<Vec<u8>, StoreError> {
        encrypted::seal(cipher, TEXTS, self)
    }

    /// The texts that were stored.
    pub(crate) fn open(cipher: &dyn RecordCipher, sealed: &[u8]) -> Result<Self, StoreError> {
        encrypted::open(cipher, TEXTS, sealed)
    }
}
