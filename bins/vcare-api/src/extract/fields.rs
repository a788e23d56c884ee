//! Parsing the fields of a request: all that is wrong is told at once.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use utoipa::openapi::schema::SchemaFormat;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::Query;
use crate::problem::{Fault, FieldError, Place, Problem, Wrong};

/// Collects what is wrong with the fields of a body or, by [`Self::of_parameters`], with parameters.
#[derive(Debug, Default)]
pub struct Fields {
    place: Place,
    header: Option<&'static str>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// The parameters of a query.
    #[must_use]
    pub const fn of_parameters() -> Self {
        Self { place: Place::Parameter, header: None, errors: Vec::new() }
    }

    /// Named values that stand together in one header.
    #[must_use]
    pub const fn inside_of_header(name: &'static str) -> Self {
        Self { place: Place::Header, header: Some(name), errors: Vec::new() }
    }

    /// Notes an error, or hands the value on.
    pub fn take<T, E: Wrong>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.wrong(field, error)).ok()
    }

    /// The same for a field that may be missing.
    pub fn take_optional<T, E: Wrong>(&mut self, field: &str, parsed: Option<Result<T, E>>) -> Option<T> {
        parsed.and_then(|parsed| self.take(field, parsed))
    }

    /// Notes an error.
    pub fn wrong(&mut self, field: &str, wrong: impl Wrong) {
        self.errors.push(match self.header {
            Some(header) => FieldError::new(self.place, header, &Fault(wrong.code(), format!("{field}: {wrong}"))),
            None => FieldError::new(self.place, field, &wrong),
        });
    }

    /// Notes the parameters that were not taken: there are no such ones.
    pub fn nothing_else(&mut self, query: Query) {
        self.errors.extend(query.unknown());
    }

    /// Notes what a parsing that has ended found wrong.
    pub fn also<T>(&mut self, parsed: Result<T, Problem>) {
        let invalid = parsed.err().and_then(|problem| problem.into_invalid().ok());
        self.errors.extend(invalid.into_iter().flatten());
    }

    /// What is wrong.
    #[must_use]
    pub fn into_invalid(self) -> Vec<FieldError> {
        self.errors
    }

    /// Ends the parsing: with the value, or with everything that is wrong.
    ///
    /// # Errors
    /// 400 `VALIDATION_ERROR`.
    pub fn done<T>(self, value: Option<T>) -> Result<T, Problem> {
        match (value, self.errors.is_empty()) {
            (Some(value), true) => Ok(value),
            (None, true) => Err(Problem::internal()),
            _ => Err(Problem::invalid(self.errors)),
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
