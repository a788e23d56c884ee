//! A setting that must not be printed.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use vcare_app::ports::Secret;
use zeroize::Zeroizing;

/// A password or token from the configuration.
#[derive(Clone, Default)]
pub struct Sensitive(Zeroizing<String>);

impl Sensitive {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, read on purpose.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As the ports take it.
    #[must_use]
    pub fn secret(&self) -> Secret {
        Secret::new(self.0.as_bytes())
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(…)")
    }
}

impl<'de> Deserialize<'de> for Sensitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text)
    }
}

/// The environment has no types: a token of digits arrives as a number.
struct Text;

impl Visitor<'_> for Text {
    type Value = Sensitive;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Sensitive, E> {
        Ok(Sensitive::new(text))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Sensitive, E> {
        Ok(Sensitive::new(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Sensitive, E> {
        Ok(Sensitive::new(number.to_string()))
    }
}
