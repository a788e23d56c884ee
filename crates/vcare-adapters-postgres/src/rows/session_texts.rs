//! What people wrote in a session, and what they are called: encrypted, as one JSON document. The columns hold placeholders.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vcare_app::ports::{RecordCipher, RecordId, RecordKeys, SecretsError, StoreError};
use vcare_domain::{ERASED, PatientId, TenantId, VirtualSession};

use crate::record_keys::{Custody, custody_now};
use crate::rows::Restored;
use crate::rows::encrypted::{self, ENCRYPTED};
use crate::rows::reasons::NO_NOTE;
use crate::rows::session::{NO_SHOW, SessionChanges, SessionRow, corrupt};

/// The value's name, which it is encrypted as.
const TEXTS: &str = "virtual_session.sealed";

/// Notes to reasons, and names, by participant.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SessionTexts {
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    removals: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    names: BTreeMap<String, Name>,
}

/// A name as the column `people` had it: encrypted with a key of the tenant, too.
#[derive(Serialize, Deserialize)]
struct Name {
    name: Value,
    key_version: Value,
}

/// Whether a column holds something of a person's, and not one of the sentences that stand for nothing.
fn is_text(column: &str) -> bool {
    ![ENCRYPTED, ERASED, NO_SHOW, NO_NOTE].contains(&column)
}

/// Takes a text out of a column, and leaves the placeholder.
fn take(column: &mut Option<&str>) -> Option<String> {
    let text = column.filter(|text| is_text(text))?;
    *column = Some(ENCRYPTED);
    Some(text.to_owned())
}

impl SessionTexts {
    /// Takes the texts out of the columns that are to be written.
    pub(crate) fn take_from(changes: &mut SessionChanges<'_>) -> Self {
        let mut texts = Self {
            cancel: take(&mut changes.cancel_reason),
            end: take(&mut changes.end_reason),
            messaging: take(&mut changes.messaging_reason),
            ..Self::default()
        };
        for participant in changes.participants.as_array_mut().into_iter().flatten() {
            let Some(id) = participant.get("id").and_then(Value::as_str).map(str::to_owned) else { continue };
            if let Some(reason) = participant.get_mut("reason")
                && let Some(text) = reason.as_str().filter(|text| is_text(text))
            {
                texts.removals.insert(id, text.to_owned());
                *reason = ENCRYPTED.into();
            }
        }
        for (id, person) in changes.people.as_object_mut().into_iter().flatten() {
            let Some(person) = person.as_object_mut() else { continue };
            if let (Some(name), Some(key_version)) = (person.remove("name"), person.remove("key_version")) {
                texts.names.insert(id.clone(), Name { name, key_version });
            }
        }
        texts
    }

    /// Whether there is nothing to encrypt.
    pub(crate) fn is_empty(&self) -> bool {
        !self.holds_notes() && self.names.is_empty()
    }

    /// Whether there is more than names to encrypt.
    pub(crate) fn holds_notes(&self) -> bool {
        let Self { cancel, end, messaging, removals, names: _ } = self;
        cancel.is_some() || end.is_some() || messaging.is_some() || !removals.is_empty()
    }

    /// Puts the texts back into the columns that were read. What the version before wrote into a column stays there.
    pub(super) fn put_into(mut self, row: &mut SessionRow) {
        for (column, text) in [
            (&mut row.cancel_reason, self.cancel),
            (&mut row.end_reason, self.end),
            (&mut row.messaging_reason, self.messaging),
        ] {
            if let (Some(column), Some(text)) = (column, text)
                && column == ENCRYPTED
            {
                *column = text;
            }
        }
        for participant in row.participants.as_array_mut().into_iter().flatten() {
            let Some(id) = participant.get("id").and_then(Value::as_str) else { continue };
            if let Some(text) = self.removals.remove(id)
                && let Some(reason) = participant.get_mut("reason")
                && reason == ENCRYPTED
            {
                *reason = text.into();
            }
        }
        if let Some(people) = row.people.as_object_mut() {
            for (id, Name { name, key_version }) in self.names {
                let person = people.entry(id).or_insert_with(|| Value::Object(serde_json::Map::new()));
                if let Some(person) = person.as_object_mut().filter(|person| !person.contains_key("name")) {
                    person.insert("name".to_owned(), name);
                    person.insert("key_version".to_owned(), key_version);
                }
            }
        }
    }

    /// Puts the mark of what was erased into the columns that were read.
    pub(super) fn erase(row: &mut SessionRow) {
        for column in [&mut row.cancel_reason, &mut row.end_reason, &mut row.messaging_reason].into_iter().flatten() {
            if column != NO_SHOW && column != NO_NOTE {
                ERASED.clone_into(column);
            }
        }
        for participant in row.participants.as_array_mut().into_iter().flatten() {
            if let Some(reason) = participant.get_mut("reason").filter(|reason| *reason != NO_NOTE) {
                *reason = ERASED.into();
            }
        }
        for person in row.people.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
            if let Some(person) = person.as_object_mut() {
                drop((person.remove("name"), person.remove("key_version")));
            }
        }
    }

    /// The texts as they are stored.
    pub(crate) fn seal(&self, cipher: &dyn RecordCipher) -> Result<Vec<u8>, StoreError> {
        encrypted::seal(cipher, TEXTS, self)
    }

    /// The texts that were stored.
    pub(super) fn open(cipher: &dyn RecordCipher, sealed: &[u8]) -> Result<Self, StoreError> {
        encrypted::open(cipher, TEXTS, sealed)
    }
}

impl SessionRow {
    /// The row, with the keys that it has now: for one that was locked. Its first text may have been written while the lock was
    /// waited for.
    pub(crate) async fn with_newest_keys(mut self, pg: &AsyncPgConnection) -> Result<Self, StoreError> {
        if self.sealed.is_some() && matches!(Custody::read(self.custody.as_deref()), Some(Custody::NoKey)) {
            self.custody = custody_now(pg, &self.tenant_id, self.id).await?;
        }
        Ok(self)
    }

    /// The visit, decrypted with its key. Care goes on without its texts while they cannot be decrypted: then there are no names
    /// and no notes, and what is stored of them stays as it is.
    pub(crate) async fn restore(mut self, keys: &dyn RecordKeys) -> Result<Restored<VirtualSession>, StoreError> {
        let decrypted = self.decrypt(keys).await?;
        let (cipher, unread) = match decrypted {
            Ok(cipher) => (cipher, None),
            Err(error) => (None, Some(error)),
        };
        self.into_session().map(|aggregate| Restored { aggregate, cipher, unread })
    }

    /// Puts what is encrypted into the columns that it is encrypted beside.
    async fn decrypt(
        &mut self,
        keys: &dyn RecordKeys,
    ) -> Result<Result<Option<Arc<dyn RecordCipher>>, SecretsError>, StoreError> {
        let tenant = TenantId::parse(self.tenant_id.clone()).map_err(|_| corrupt("tenant_id"))?;
        let patient = PatientId::parse(self.patient_id.clone()).map_err(|_| corrupt("patient_id"))?;
        let custody = Custody::read(self.custody.as_deref()).ok_or(corrupt("custody"))?;
        let wrapped = match (self.erased_at, custody, &self.sealed) {
            (Some(at), ..) | (None, Custody::Erased(at), _) => {
                self.erased_at = Some(at);
                SessionTexts::erase(self);
                return Ok(Ok(None));
            }
            (None, Custody::Keys(wrapped), _) => wrapped,
            (None, Custody::NoKey, None) => return Ok(Ok(None)),
            (None, Custody::NoKey, Some(_)) => return Err(corrupt("sealed")),
        };
        let record = RecordId { tenant: &tenant, patient: &patient, record: self.id };
        let cipher = match keys.record_cipher(record, &wrapped).await {
            Ok(cipher) => cipher,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(sealed) = &self.sealed {
            match SessionTexts::open(&*cipher, sealed) {
                Ok(texts) => texts.put_into(self),
                Err(StoreError::Keys(error)) => return Ok(Err(error)),
                Err(error) => return Err(error),
            }
        }
        Ok(Ok(Some(cipher)))
    }
}
