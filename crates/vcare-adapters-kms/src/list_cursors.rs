//! Cursors of lists: a place, with a MAC of it and of the list that it is a place in. A key per tenant and version.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{CursorScope, KeyPurpose, ListCursors, PageCursor, SecretsError};

use crate::keeper::{DerivedKey, behind_lengths};
use crate::vault::Vault;

/// The key's version, the microseconds, the id.
const PLACE: usize = 4 + 8 + 16;
/// The place and an HMAC-SHA-256 as base64url.
const SHOWN: usize = (PLACE + 32) / 3 * 4;

/// What is MACed. How many parts there are stands before them, and the place has one length: no two lists and places have the
/// same message.
fn message(list: &CursorScope, place: &[u8]) -> Vec<u8> {
    let count = list.parts.len().to_string();
    let mut parts = vec!["vcare/list-cursor/v1", list.tenant_id.as_str(), &count];
    parts.extend(list.parts.iter().map(String::as_str));
    let mut message = behind_lengths(&parts);
    message.extend_from_slice(place);
    message
}

fn mac_key(key: &DerivedKey) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &key[..])
}

fn place(version: u32, last: PageCursor) -> Vec<u8> {
    let micros = i64::try_from(last.at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX);
    let mut bytes = version.to_be_bytes().to_vec();
    bytes.extend_from_slice(&micros.to_be_bytes());
    bytes.extend_from_slice(last.id.as_bytes());
    bytes
}

/// The key's version and what the place says, where the MAC is good.
fn parse(place: &[u8]) -> Option<(u32, PageCursor)> {
    let (version, rest) = place.split_first_chunk::<4>()?;
    let (micros, id) = rest.split_first_chunk::<8>()?;
    let nanos = i128::from(i64::from_be_bytes(*micros)) * 1000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    Some((u32::from_be_bytes(*version), PageCursor { at, id: Uuid::from_slice(id).ok()? }))
}

#[async_trait]
impl ListCursors for Vault {
    async fn cursor(&self, list: &CursorScope, last: PageCursor) -> Result<String, SecretsError> {
        let (versions, _) = self.versions(KeyPurpose::ListCursor, &list.tenant_id).await?;
        let key = self.key(KeyPurpose::ListCursor, versions.current, &list.tenant_id).await?;
        let mut bytes = place(versions.current, last);
        let mac = hmac::sign(&mac_key(&key), &message(list, &bytes));
        bytes.extend_from_slice(mac.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    async fn read_cursor(&self, list: &CursorScope, cursor: &str) -> Result<Option<PageCursor>, SecretsError> {
        // What is not written as we write it costs no question about a key.
        let decoded = (cursor.len() == SHOWN).then(|| URL_SAFE_NO_PAD.decode(cursor).ok()).flatten();
        let Some((place, mac)) = decoded.as_deref().and_then(|bytes| bytes.split_at_checked(PLACE)) else {
            return Ok(None);
        };
        let Some((version, last)) = parse(place) else { return Ok(None) };
        let Some(key) = self.key_in_use(KeyPurpose::ListCursor, version, &list.tenant_id).await? else {
            return Ok(None);
        };
        let good = hmac::verify(&mac_key(&key), &message(list, place), mac).is_ok();
        Ok(good.then_some(last))
    }
}
