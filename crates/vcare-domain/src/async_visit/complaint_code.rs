//! The code of a complaint, as FHIR has codes: a system, a code of it, and how that is shown.

use std::fmt;

use url::Url;

use crate::text::{CodeDisplay, CodeValue, InvalidText};

/// A text that is no code system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCodeSystem {
    /// Not a URI.
    #[error("must be an absolute URI, as http://hl7.org/fhir/sid/icd-10")]
    NotUri,
    /// Longer than any.
    #[error("must be at most {} characters", CodeSystem::MAX_CHARS)]
    TooLong,
}

/// A code system, by its URI.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CodeSystem(String);

impl CodeSystem {
    /// The most characters it holds.
    pub const MAX_CHARS: usize = 200;

    /// Checks a system from outside. Kept as it is written: systems are compared letter by letter.
    ///
    /// # Errors
    /// [`InvalidCodeSystem`].
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidCodeSystem> {
        let text = text.into();
        if text.len() > Self::MAX_CHARS {
            return Err(InvalidCodeSystem::TooLong);
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\\'));
        if plain && Url::parse(&text).is_ok() { Ok(Self(text)) } else { Err(InvalidCodeSystem::NotUri) }
    }

    /// The system as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CodeSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeSystem(…)")
    }
}

/// The code of a complaint: as clinical as the complaint itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ComplaintCode {
    /// The system.
    pub system: CodeSystem,
    /// The code.
    pub code: CodeValue,
    /// How the sender shows it.
    pub display: Option<CodeDisplay>,
}

impl ComplaintCode {
    /// A code as it was stored.
    ///
    /// # Errors
    /// [`InvalidText`] for what never was a code.
    pub fn restore(system: String, code: String, display: Option<String>) -> Result<Self, InvalidText> {
        Ok(Self {
            system: CodeSystem::parse(system).map_err(|_| InvalidText::Empty)?,
            code: CodeValue::parse(code)?,
            display: display.map(CodeDisplay::parse).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_system_is_an_absolute_uri_of_some_length() {
        for good in ["http://hl7.org/fhir/sid/icd-10", "http://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.90"] {
            assert_eq!(CodeSystem::parse(good).as_ref().map(CodeSystem::as_str), Ok(good));
        }
        for bad in
            ["", "icd-10", "/fhir/sid/icd-10", "http://", "http://hl7.org/a b", "http://hl7.org/\u{202E}", "urn:x\n"]
        {
            assert_eq!(CodeSystem::parse(bad), Err(InvalidCodeSystem::NotUri), "{bad}");
        }
        let long = |length: usize| format!("urn:{}", "x".repeat(length - 4));
        assert!(CodeSystem::parse(long(200)).is_ok());
        assert_eq!(CodeSystem::parse(long(201)), Err(InvalidCodeSystem::TooLong));
    }

    #[test]
    fn a_code_is_never_printed() {
        let system = "http://hl7.org/fhir/sid/icd-10".to_owned();
        let code = ComplaintCode::restore(system, "R05".to_owned(), Some("Cough".to_owned())).unwrap();
        let shown = format!("{code:?}");
        for text in ["icd-10", "R05", "Cough"] {
            assert!(!shown.contains(text), "{shown}");
        }
    }

    #[test]
    fn a_code_holds_no_blank_and_so_many_characters() {
        assert!(CodeValue::parse("x".repeat(64)).is_ok() && CodeDisplay::parse("د".repeat(200)).is_ok());
        assert_eq!(CodeValue::parse("x".repeat(65)), Err(InvalidText::TooLong { max: 64 }));
        assert_eq!(CodeDisplay::parse("x".repeat(201)), Err(InvalidText::TooLong { max: 200 }));
        for bad in ["R 05", "R05\n", "R\u{a0}05"] {
            assert!(matches!(CodeValue::parse(bad), Err(InvalidText::Character { .. })), "{bad}");
        }
    }
}
