//! The part of an async visit's row that is JSON: what was added to the answer.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use vcare_domain::{Addendum, ResponseText, UserId};

use crate::rows::encrypted::ENCRYPTED;

/// What was added at one time. The text is encrypted beside it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddendumDocument {
    by: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    text: String,
}

impl From<&Addendum> for AddendumDocument {
    fn from(addendum: &Addendum) -> Self {
        Self { by: addendum.by.as_str().to_owned(), at: addendum.at, text: ENCRYPTED.to_owned() }
    }
}

impl AddendumDocument {
    fn restore(self) -> Option<Addendum> {
        let (by, text) = (UserId::parse(self.by).ok()?, ResponseText::parse(self.text).ok()?);
        Some(Addendum { by, at: self.at, text })
    }
}

/// As they are stored; `None` when they cannot be written.
pub(super) fn documents(addenda: impl Iterator<Item = AddendumDocument>) -> Option<serde_json::Value> {
    addenda.map(serde_json::to_value).collect::<Result<Vec<_>, _>>().map(serde_json::Value::Array).ok()
}

/// As they were stored; `None` when they make no sense.
pub(super) fn restore(stored: &serde_json::Value) -> Option<Vec<Addendum>> {
    let documents: Vec<AddendumDocument> = Deserialize::deserialize(stored).ok()?;
    documents.into_iter().map(AddendumDocument::restore).collect()
}
