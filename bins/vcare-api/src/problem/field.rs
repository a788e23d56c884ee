//! What is wrong with one field of a request: where it is, what kind of fault it has, and what was expected.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;
use vcare_app::ports::InvalidSecret;
use vcare_app::{AppError, InvalidIdempotencyKey};
use vcare_domain::{
    InvalidAsyncVisit, InvalidClientMutationId, InvalidCodeSystem, InvalidConfig, InvalidDevice,
    InvalidEmergencyReason, InvalidId, InvalidRoom, InvalidSchedule, InvalidText, NoReason, Refusal,
};

/// The longest name of a field that is told: a field that nobody knows has the name that the caller gave it.
const LONGEST_NAME: usize = 100;
/// The longest detail that is told.
const LONGEST_DETAIL: usize = 400;

/// What kind of fault a field has, for programs. The set may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FieldCode {
    /// It is missing or empty, and must be there.
    Required,
    /// There is no such field, parameter or header.
    Unknown,
    /// It is sent more than once.
    Duplicate,
    /// It is of another JSON type.
    Type,
    /// It has not the expected form, or is none of the known values.
    Format,
    /// It is too short or too long, or has too many items.
    Length,
    /// It is a number or a time that is too small or too large.
    Range,
    /// It is good by itself, but not together with another field, header or what is stored.
    Conflict,
}

/// One invalid field. Exactly one of `pointer`, `parameter` and `header` says where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON Pointer (RFC 6901) into the body; empty for the body as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/participants/0/role")]
    pub pointer: Option<String>,
    /// The name of a parameter of the path or of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "limit")]
    pub parameter: Option<String>,
    /// The name of a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "If-Match")]
    pub header: Option<String>,
    /// The kind of fault.
    pub code: FieldCode,
    /// What was expected, for people. Does not repeat the field's name.
    #[schema(example = "must be at most 64 characters")]
    pub detail: String,
}

/// Where a field of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// In the body.
    #[default]
    Body,
    /// In the path or in the query.
    Parameter,
    /// In a header.
    Header,
}

impl FieldError {
    /// What is wrong with the field of that name. In the body a name is a path: `participants[0].role`, or `body` for the whole.
    pub fn new(place: Place, name: &str, wrong: &impl Wrong) -> Self {
        match place {
            Place::Body => Self::at(pointer(name), wrong),
            Place::Parameter => Self { parameter: Some(shortened(name, LONGEST_NAME)), ..Self::of(name, wrong) },
            Place::Header => Self { header: Some(shortened(name, LONGEST_NAME)), ..Self::of(name, wrong) },
        }
    }

    /// What is wrong where that JSON Pointer leads.
    pub fn at(pointer: String, wrong: &impl Wrong) -> Self {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let told = Self::of(name, wrong);
        Self { pointer: Some(shortened(&pointer, LONGEST_NAME + 1)), ..told }
    }

    fn of(name: &str, wrong: &impl Wrong) -> Self {
        let detail = wrong.to_string();
        // The errors of the domain stand in logs, too, and so name their field.
        let detail = detail.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')).unwrap_or(&detail);
        let detail = shortened(detail, LONGEST_DETAIL);
        Self { pointer: None, parameter: None, header: None, code: wrong.code(), detail }
    }

    /// The field's name in a sentence.
    pub(super) fn name(&self) -> &str {
        let in_body = self.pointer.as_deref().map(|pointer| if pointer.is_empty() { "body" } else { &pointer[1..] });
        in_body.or(self.parameter.as_deref()).or(self.header.as_deref()).unwrap_or_default()
    }
}

/// The JSON Pointer of a field's path: `participants[0].role` is `/participants/0/role`.
fn pointer(path: &str) -> String {
    if path == "body" {
        return String::new();
    }
    let segments = path.split('.').flat_map(|part| part.split('[').map(|part| part.trim_end_matches(']')));
    segments.map(|segment| format!("/{}", escaped(segment))).collect()
}

/// A segment as a JSON Pointer has it.
#[must_use]
pub fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What can be wrong with a field: says what kind of fault it is beside the words for people.
pub trait Wrong: fmt::Display {
    /// The kind of fault. Most errors are about a form.
    fn code(&self) -> FieldCode {
        FieldCode::Format
    }
}

impl Wrong for str {}
impl Wrong for &str {}
impl Wrong for String {}
impl Wrong for InvalidClientMutationId {}
impl Wrong for InvalidDevice {}
impl Wrong for InvalidId {}
impl Wrong for InvalidIdempotencyKey {}
impl Wrong for InvalidRoom {}
impl Wrong for InvalidSecret {}

/// A fault whose kind the words alone do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault<T>(pub FieldCode, pub T);

impl<T: fmt::Display> fmt::Display for Fault<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.fmt(f)
    }
}

impl<T: fmt::Display> Wrong for Fault<T> {
    fn code(&self) -> FieldCode {
        self.0
    }
}

impl Wrong for InvalidText {
    fn code(&self) -> FieldCode {
        match self {
            Self::Empty => FieldCode::Required,
            Self::TooLong { .. } => FieldCode::Length,
            _ => FieldCode::Format,
        }
    }
}

impl Wrong for InvalidCodeSystem {
    fn code(&self) -> FieldCode {
        match self {
            Self::TooLong => FieldCode::Length,
            Self::NotUri => FieldCode::Format,
        }
    }
}

impl Wrong for InvalidEmergencyReason {
    fn code(&self) -> FieldCode {
        match self {
            Self::TooShort { .. } | Self::TooLong { .. } => FieldCode::Length,
            Self::Character => FieldCode::Format,
        }
    }
}

impl Wrong for NoReason {
    fn code(&self) -> FieldCode {
        FieldCode::Required
    }
}

impl Wrong for InvalidSchedule {
    fn code(&self) -> FieldCode {
        FieldCode::Range
    }
}

impl Wrong for InvalidAsyncVisit {
    fn code(&self) -> FieldCode {
        match self {
            Self::TooManySymptoms | Self::TooManyAttachments => FieldCode::Length,
            Self::LeaseOutOfRange => FieldCode::Range,
        }
    }
}

impl Wrong for InvalidConfig {
    fn code(&self) -> FieldCode {
        match self {
            Self::OutOfRange { .. } => FieldCode::Range,
            Self::Text { reason, .. } => reason.code(),
            Self::Needed { .. } => FieldCode::Required,
            Self::Taken { .. } => FieldCode::Conflict,
            _ => FieldCode::Format,
        }
    }
}

/// Of those that name a field.
impl Wrong for Refusal {
    fn code(&self) -> FieldCode {
        FieldCode::Range
    }
}

/// Of those that name a field: a draft that must be named.
impl Wrong for AppError {
    fn code(&self) -> FieldCode {
        FieldCode::Required
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_where_its_pointer_leads_and_its_name_is_said_once() {
        let of_body = |name: &str, detail: &str| FieldError::new(Place::Body, name, &detail);
        for (name, pointer) in [
            ("patientId", "/patientId"),
            ("participants[0].role", "/participants/0/role"),
            ("body", ""),
            ("a/b~c", "/a~1b~0c"),
            ("", "/"),
        ] {
            assert_eq!(of_body(name, "is wrong").pointer.as_deref(), Some(pointer), "{name}");
        }
        let twice = of_body("scheduledEnd", "scheduledEnd must be after scheduledStart");
        assert_eq!((twice.detail.as_str(), twice.name()), ("must be after scheduledStart", "scheduledEnd"));
        let long = FieldError::new(Place::Header, &"x".repeat(500), &"y".repeat(5000));
        assert_eq!(long.header.unwrap().chars().count(), LONGEST_NAME + 1);
        assert_eq!(long.detail.chars().count(), LONGEST_DETAIL + 1);
    }
}
