//! Parsing the fields of a request: all that is wrong is told at once.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use utoipa::openapi::schema::SchemaFormat;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{FieldError, Problem};

/// Collects what is wrong.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Notes an error, or hands the value on.
    pub fn take<T, E: fmt::Display>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.wrong(field, error)).ok()
    }

    /// The same for a field that may be missing.
    pub fn take_optional<T, E: fmt::Display>(&mut self, field: &str, parsed: Option<Result<T, E>>) -> Option<T> {
        parsed.and_then(|parsed| self.take(field, parsed))
    }

    /// Notes an error.
    pub fn wrong(&mut self, field: &str, message: impl fmt::Display) {
        self.0.push(FieldError { field: field.to_owned(), message: message.to_string() });
    }

    /// Ends the parsing: with the value, or with everything that is wrong.
    ///
    /// # Errors
    /// 400 `VALIDATION_ERROR`.
    pub fn done<T>(self, value: Option<T>) -> Result<T, Problem> {
        match (value, self.0.is_empty()) {
            (Some(value), true) => Ok(value),
            (None, true) => Err(Problem::internal()),
            _ => Err(Problem::invalid(self.0)),
        }
    }
}

/// An instant in RFC 3339, with its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub OffsetDateTime);

impl Instant {
    const EXPECTED: &'static str = "a date and time with zone, as 2026-03-01T09:30:00Z or 2026-03-01T14:00:00+04:30";

    /// Reads one; kept in UTC, in whole milliseconds.
    ///
    /// # Errors
    /// What was expected, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).ok();
        // One of year 0 or 9999 may lie in a year, in UTC, that RFC 3339 could not say again.
        let instant = instant.and_then(|instant| instant.checked_to_offset(UtcOffset::UTC));
        let instant =
            instant.filter(|instant| instant.year() >= 0).ok_or_else(|| format!("expected {}", Self::EXPECTED))?;
        let beyond = time::Duration::nanoseconds(i64::from(instant.nanosecond() % 1_000_000));
        Ok(Self(instant - beyond))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Instant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Instant::EXPECTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Instant, E> {
                Instant::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl ToSchema for Instant {}
