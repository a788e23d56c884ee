//! How instants are written in responses and events: `2026-03-01T09:30:00.000Z`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// RFC 3339 in UTC with three digits of a second, whatever they are: instants of one document compare as texts do.
const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// An instant, written as RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub OffsetDateTime);

impl Timestamp {
    /// The text; `None` for years that have more than four digits.
    #[must_use]
    pub fn text(self) -> Option<String> {
        self.0.to_offset(UtcOffset::UTC).format(FORMAT).ok()
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_offset(UtcOffset::UTC).format(FORMAT).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// For `#[serde(serialize_with = …)]` of an instant.
///
/// # Errors
/// When the instant's year has no four digits.
pub fn serialize<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    Timestamp(*at).serialize(serializer)
}

/// The same for an instant that may be missing.
pub mod option {
    use super::{OffsetDateTime, Serialize, Serializer, Timestamp};

    /// Writes the instant, or null.
    ///
    /// # Errors
    /// When the instant's year has no four digits.
    pub fn serialize<S: Serializer>(at: &Option<OffsetDateTime>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(Timestamp).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_with_three_digits_of_a_second() {
        for (at, text) in [
            (datetime!(2026-03-01 09:30 UTC), "2026-03-01T09:30:00.000Z"),
            (datetime!(2026-03-01 14:00:00.5 +4:30), "2026-03-01T09:30:00.500Z"),
            (datetime!(2026-03-01 09:30:00.123_999 UTC), "2026-03-01T09:30:00.123Z"),
        ] {
            assert_eq!(serde_json::to_value(Timestamp(at)).unwrap(), text);
        }
    }
}
