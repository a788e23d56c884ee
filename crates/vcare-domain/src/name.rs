//! Names that people see: of somebody in a visit, and of a clinic.

use std::fmt;

use crate::text::InvalidText;

/// The most combining marks on one letter: vowel signs of Arabic script need two, other scripts three.
const MOST_MARKS: usize = 3;

const ALLOWED: &str = "letters of any script, digits, spaces and punctuation; no '<' or '>', no control or direction \
                       characters, at most 3 marks on a letter";

/// The name of somebody in a visit, as others are to see it. Personal data: it is read on purpose, never printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

impl DisplayName {
    /// The most characters it holds.
    pub const MAX_CHARS: usize = 100;

    /// Checks a name from outside; spaces around it do not belong to it.
    ///
    /// # Errors
    /// [`InvalidText`] names what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        check(text, Self::MAX_CHARS).map(Self)
    }

    /// The name, read on purpose.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DisplayName(…)")
    }
}

/// A sealed [`DisplayName`]: bytes that only the tenant's key opens.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedName {
    /// Which version of the tenant's key opens it.
    pub key_version: u32,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for SealedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedName({} bytes)", self.bytes.len())
    }
}

/// The name of a clinic, as patients know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClinicName(String);

impl ClinicName {
    /// The most characters it holds.
    pub const MAX_CHARS: usize = 80;

    /// Checks a name from outside; spaces around it do not belong to it.
    ///
    /// # Errors
    /// [`InvalidText`] names what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        check(text, Self::MAX_CHARS).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &str, max: usize) -> Result<String, InvalidText> {
    // Not counted to the end: what comes from outside may be long.
    let text = text.trim();
    if text.chars().nth(max).is_some() {
        return Err(InvalidText::TooLong { max });
    }
    if !text.chars().any(|c| !c.is_whitespace() && !is_joiner(c)) {
        return Err(InvalidText::Empty);
    }
    let mut marks = MOST_MARKS;
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        // The first character has no letter to stand on.
        if marks > MOST_MARKS || !takes(c) {
            return Err(InvalidText::Character { allowed: ALLOWED });
        }
    }
    if text.chars().any(char::is_alphanumeric) {
        Ok(text.to_owned())
    } else {
        Err(InvalidText::Character { allowed: ALLOWED })
    }
}

/// Persian and Pashto are written with them.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

fn takes(c: char) -> bool {
    let space = c == ' ' || c == '\u{A0}';
    let invisible = matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFF}' | '\u{1D173}'..='\u{1D17A}' | '\u{E000}'..='\u{F8FF}' | '\u{E0000}'..='\u{10FFFF}');
    !c.is_control() && !invisible && (space || !c.is_whitespace()) && !matches!(c, '<' | '>')
}

/// A mark on the letter before it: the blocks of such marks, and those of the scripts that are written here.
const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5BD}' | '\u{5BF}'..='\u{5C7}'
        | '\u{610}'..='\u{61A}' | '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{6D6}'..='\u{6DC}' | '\u{6DF}'..='\u{6E8}'
        | '\u{6EA}'..='\u{6ED}' | '\u{711}' | '\u{730}'..='\u{74A}' | '\u{7A6}'..='\u{7B0}' | '\u{8CA}'..='\u{8FF}'
        | '\u{93C}' | '\u{941}'..='\u{948}' | '\u{94D}' | '\u{951}'..='\u{957}' | '\u{E31}' | '\u{E34}'..='\u{E3A}'
        | '\u{E47}'..='\u{E4E}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{302A}'..='\u{302F}' | '\u{3099}' | '\u{309A}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_pass_as_they_are_written() {
        for name in [
            "Dr. Parwana Noori",
            "داکتر پروانه نوری",
            "د\u{64F}کت\u{64E}ر مح\u{64E}م\u{651}\u{64E}د",
            "می\u{200C}وند زلمی",
            "O'Brien-Smith (interpreter)",
            "Nguye\u{302}\u{303}n",
            "李明",
            "Åsa 2",
            "Mother & Child",
        ] {
            assert_eq!(DisplayName::parse(name).map(|name| name.as_str().to_owned()), Ok(name.to_owned()));
        }
        assert_eq!(DisplayName::parse("  Noori ").unwrap().as_str(), "Noori");
        let longest = "د".repeat(100);
        assert_eq!(DisplayName::parse(&longest).unwrap().as_str(), longest);
    }

    #[test]
    fn what_hides_turns_or_floods_a_page_is_no_name() {
        for empty in ["", " ", "\u{A0}\u{2003}\n", "\u{200C}\u{200D}", " \u{200C} "] {
            assert_eq!(DisplayName::parse(empty), Err(InvalidText::Empty), "{empty:?}");
        }
        for long in ["x".repeat(101), "x".repeat(65_536), "\u{301}".repeat(65_536)] {
            assert_eq!(DisplayName::parse(&long), Err(InvalidText::TooLong { max: 100 }));
        }
        for bad in [
            "Noori\u{202E}irooN",
            "\u{2066}Noori\u{2069}",
            "Noori\u{200F}",
            "Noori\u{61C}",
            "Noori\u{200B}",
            "Noori\u{FEFF}x",
            "Noori\u{AD}x",
            "Noori\0",
            "Noori\nDr",
            "Noori\tDr",
            "Noori\u{7F}x",
            "Noori\u{85}x",
            "Noori\u{2028}x",
            "Noori\u{2003}x",
            "<b>Noori</b>",
            "Noori<script>alert(1)</script>",
            "Na\u{300}\u{301}\u{302}\u{303}ri",
            "\u{301}Noori",
            "Noori\u{E0041}",
            "Noori\u{E000}",
            "Noori\u{FFFD}",
            "...",
            "\u{3164}",
        ] {
            assert!(matches!(DisplayName::parse(bad), Err(InvalidText::Character { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_clinics_name_follows_the_same_rules_and_is_shorter() {
        assert_eq!(ClinicName::parse(" کلینیک مادر و طفل ").unwrap().as_str(), "کلینیک مادر و طفل");
        assert_eq!(ClinicName::parse(&"x".repeat(81)), Err(InvalidText::TooLong { max: 80 }));
        assert!(ClinicName::parse("Clinic\u{202E}").is_err());
    }

    #[test]
    fn a_persons_name_is_never_printed() {
        let name = DisplayName::parse("Parwana").unwrap();
        assert_eq!(format!("{name:?}"), "DisplayName(…)");
        let sealed = SealedName { key_version: 1, bytes: b"Parwana".to_vec() };
        assert_eq!(format!("{sealed:?}"), "SealedName(7 bytes)");
    }
}
