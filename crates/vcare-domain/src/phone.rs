//! Telephone numbers that a person can call with one press.

use std::fmt;

/// The number of a clinic: E.164 (`+93799123456`), or as it is dialled inside the country (`0799123456`, `112`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClinicPhone(String);

/// Not a number that can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a telephone number, as +93799123456 or 0799123456")]
pub struct InvalidPhone;

impl ClinicPhone {
    /// The most characters that are read, separators included.
    const MAX_GIVEN: usize = 40;

    /// Checks a number. Spaces, hyphens, dots and brackets are left out; digits may be those of Arabic script. Nothing else
    /// passes: a number with `*` or `#` in it would be a command to the phone, not a call.
    ///
    /// # Errors
    /// [`InvalidPhone`].
    pub fn parse(text: &str) -> Result<Self, InvalidPhone> {
        let text = text.trim();
        if text.chars().nth(Self::MAX_GIVEN).is_some() {
            return Err(InvalidPhone);
        }
        let international = text.starts_with('+');
        let mut number = String::new();
        for c in text.chars().skip(usize::from(international)) {
            match c {
                '0'..='9' => number.push(c),
                '\u{660}'..='\u{669}' => number.push(digit(c, '\u{660}')?),
                '\u{6F0}'..='\u{6F9}' => number.push(digit(c, '\u{6F0}')?),
                ' ' | '-' | '.' | '(' | ')' => {}
                _ => return Err(InvalidPhone),
            }
        }
        let good = match international {
            // A country code does not begin with 0, and with it a number has at most 15 digits.
            true => (8..=15).contains(&number.len()) && !number.starts_with('0'),
            false => (3..=15).contains(&number.len()),
        };
        let plus = if international { "+" } else { "" };
        if good { Ok(Self(format!("{plus}{number}"))) } else { Err(InvalidPhone) }
    }

    /// The number: digits, and a `+` before them when it is international.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClinicPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn digit(c: char, zero: char) -> Result<char, InvalidPhone> {
    char::from_digit(u32::from(c) - u32::from(zero), 10).ok_or(InvalidPhone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_can_be_called_pass_in_one_spelling() {
        for (given, kept) in [
            ("+93799123456", "+93799123456"),
            (" +93 (799) 123-456 ", "+93799123456"),
            ("0799.123.456", "0799123456"),
            ("۰۷۹۹ ۱۲۳ ۴۵۶", "0799123456"),
            ("+٩٣٧٩٩١٢٣٤٥٦", "+93799123456"),
            ("112", "112"),
        ] {
            assert_eq!(ClinicPhone::parse(given).map(|phone| phone.as_str().to_owned()), Ok(kept.to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_called_or_commands_the_phone_does_not_pass() {
        for bad in [
            "",
            " ",
            "+",
            "12",
            "+0799123456",
            "+1234567",
            "+1234567890123456",
            "1234567890123456",
            "*#06#",
            "0799123456#",
            "tel:0799",
            "0799;ext=1",
            "0799,1",
            "07+99123",
            "clinic",
            "0799\u{202E}123",
            "0799\n123",
            "javascript:alert(1)",
        ] {
            assert_eq!(ClinicPhone::parse(bad), Err(InvalidPhone), "{bad:?}");
        }
        assert_eq!(ClinicPhone::parse(&"0".repeat(65_536)), Err(InvalidPhone));
    }
}
