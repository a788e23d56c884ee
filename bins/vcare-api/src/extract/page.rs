//! Pages of lists: how long one is, and where the next one begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::problem::{Fault, FieldCode};

/// How many items a page has when nobody says.
pub const DEFAULT_LIMIT: u8 = 20;
const MAX_LIMIT: u8 = 100;

/// How many items a page has at most.
///
/// # Errors
/// What was expected, for people.
pub fn limit(text: &str) -> Result<u8, Fault<&'static str>> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or(Fault(FieldCode::Range, "expected a number from 1 to 100"))
}

/// A cursor in its shown form: the last item's time (milliseconds) and id.
#[must_use]
pub fn show(at: OffsetDateTime, id: Uuid) -> String {
    let millis = at.unix_timestamp_nanos() / 1_000_000;
    let mut bytes = i64::try_from(millis).unwrap_or(i64::MAX).to_be_bytes().to_vec();
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What [`show`] showed.
///
/// # Errors
/// What was expected, for people.
pub fn read(text: &str) -> Result<(OffsetDateTime, Uuid), &'static str> {
    const EXPECTED: &str = "expected the nextCursor of an earlier answer";
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| EXPECTED)?;
    let (millis, id) = bytes.split_first_chunk::<8>().ok_or(EXPECTED)?;
    let nanos = i128::from(i64::from_be_bytes(*millis)) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| EXPECTED)?;
    // Nothing of ours is of such a time, and the database knows none before 4713 BC.
    if at.year() < 0 {
        return Err(EXPECTED);
    }
    Ok((at, Uuid::from_slice(id).map_err(|_| EXPECTED)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_from_what_it_shows() {
        let (at, id) = (time::macros::datetime!(2026-03-01 09:30:00.123 UTC), Uuid::from_u128(7));
        assert_eq!(read(&show(at, id)), Ok((at, id)));
        for bad in ["", "x", "AAAA", &show(at, id)[1..], "____________________________________"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
